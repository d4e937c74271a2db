"""Budgets: read from text, refused in one line, and never looser than they say."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from deeprnn_edge.choice.budgets import (
    Budgets,
    Excess,
    Measure,
    check_budgets,
    describe_excess,
    describe_need,
    format_latency,
    parse_latency,
    parse_points,
    parse_size,
)
from deeprnn_edge.errors import InputError


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("400KB", 400_000),
        ("400kB", 400_000),
        ("400 kB", 400_000),
        ("400kb", 400_000),
        ("0.4MB", 400_000),
        (".4MB", 400_000),
        ("400000", 400_000),
        (" 400000 ", 400_000),
        ("500B", 500),
        ("390KiB", 390 * 1024),
        ("390kib", 390 * 1024),
        ("1.2MiB", 1_258_291),  # and a fifth of a byte, which no file has
        ("1GB", 10**9),
        ("2GiB", 2 * 1024**3),
        ("0.29KB", 290),  # 0.29 * 1000 is 289.99999999999994 in floats
    ],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    ("text", "latency_ms"),
    [
        ("0.2ms", 0.2),
        ("0.2 MS", 0.2),
        ("200us", 0.2),
        ("200 \N{MICRO SIGN}s", 0.2),
        ("200\N{GREEK SMALL LETTER MU}s", 0.2),
        ("1s", 1000.0),
        ("300ns", 0.0003),
    ],
)
def test_latencies(text: str, latency_ms: float) -> None:
    assert parse_latency(text) == latency_ms


@pytest.mark.parametrize(
    ("text", "points"),
    [("0.5", 0.5), ("0.5%", 0.5), ("0.5 %", 0.5), ("0.5 points", 0.5), ("1 point", 1), ("0", 0)],
)
def test_points(text: str, points: float) -> None:
    assert parse_points(text) == points


NOTHING_USABLE = [
    "",
    " ",
    "400 parsecs",
    "nan",
    "inf",
    "-1",
    "-1KB",
    "+1ms",
    "1e3",
    "0x10",
    "1,5",
    "1 2",
    "ms",
    "9" * 999,
]


@pytest.mark.parametrize("text", [*NOTHING_USABLE, "0", "0KB", "0.5B", "400%", "1 points", "1ms", "٤KB"])
def test_what_is_no_size(text: str) -> None:
    assert_refused(parse_size, text, "400KB, 0.4MB, 390KiB, or bytes alone: 400000")


@pytest.mark.parametrize("text", [*NOTHING_USABLE, "0ms", "0.0s", "1KB", "1 minute", "5%"])
def test_what_is_no_latency(text: str) -> None:
    assert_refused(parse_latency, text, "such as 0.2ms, 200us or 1s")


def test_a_latency_without_a_unit_is_asked_for_one() -> None:
    with pytest.raises(InputError, match=r"latency '0\.2' has no unit; .* such as 0\.2ms"):
        parse_latency("0.2")


@pytest.mark.parametrize("text", [*NOTHING_USABLE, "-0.5", "0.5pt", "1ms"])
def test_what_are_no_points(text: str) -> None:
    assert_refused(parse_points, text, "such as 0.5: from 90% to no less than 89.5%")


def assert_refused(parse: Callable[[str], object], text: str, examples: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(text)
    message = str(raised.value)
    assert repr(text) in message
    assert examples in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        (Budgets(max_size_bytes=0), "max_size_bytes 0: give a number above 0"),
        (Budgets(max_latency_ms=math.nan), "max_latency_ms nan: give a number above 0"),
        (Budgets(max_latency_ms=math.inf), "max_latency_ms inf: give a number above 0"),
        (Budgets(max_accuracy_drop_points=-0.1), "max_accuracy_drop_points -0.1: give a number of at least 0"),
    ],
)
def test_budgets_that_nothing_meets(budgets: Budgets, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_budgets(budgets)


def test_budgets_that_something_meets() -> None:
    for budgets in (Budgets(), Budgets(1, 1e-6, 0)):
        assert check_budgets(budgets) is budgets


def test_an_excess_says_by_how_much() -> None:
    assert describe_excess(Excess("size", 73_232, 40_000)) == (
        "size 73,232 bytes, 33,232 bytes over the budget of 40,000 bytes"
    )
    assert describe_excess(Excess("latency", 0.25, 0.2)) == "latency 0.25 ms, 0.05 ms over the budget of 0.2 ms"
    assert describe_excess(Excess("accuracy", 1.25, 0.5)) == (
        "accuracy drop 1.25 points, 0.75 points over the budget of 0.5 points"
    )
    assert describe_excess(Excess("size", 2, 1)) == "size 2 bytes, 1 byte over the budget of 1 byte"
    assert (Excess("size", 3, 2).ratio, Excess("accuracy", 0.1, 0).ratio) == (1.5, math.inf)


WHOLE = (1, 7, 10, 99, 100, 101, 12_345)
PARTS = (0.07, 0.29, 0.0996, 0.01234, 0.000_033_3, 9.99)


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        *(("size", value) for value in WHOLE),
        *(("latency", value) for value in WHOLE + PARTS),
        *(("accuracy", value) for value in WHOLE + PARTS),
    ],
)
def test_what_is_needed_suffices_and_is_little_more(measure: Measure, value: float) -> None:
    option, text = describe_need(Excess(measure, value, limit=value / 2)).split(" ")
    parsers: dict[str, Callable[[str], float]] = {
        "--max-size": parse_size,
        "--max-latency": parse_latency,
        "--max-accuracy-drop": parse_points,
    }
    allowed = parsers[option](text)
    assert allowed >= value * (1 - 1e-6)
    assert allowed <= value * 1.11


@pytest.mark.parametrize(
    ("latency_ms", "text"), [(0.0213751, "0.0214"), (0.2, "0.2"), (1.25, "1.250"), (1234.5, "1,234.500")]
)
def test_latencies_as_text(latency_ms: float, text: str) -> None:
    assert format_latency(latency_ms) == text
