"""A benchmark held against an earlier one: ratios, intervals, what fails and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bench.cold_start import Probe
from deeprnn_edge.bench.history.comparison import ComparedEntry, Comparison, Figure, compare_reports
from deeprnn_edge.bench.history.earlier import check_holdable
from deeprnn_edge.bench.history.ratio_interval import ratio_interval
from deeprnn_edge.cli.commands.comparison_table import format_comparison
from deeprnn_edge.errors import InputError
from tests.support.made_up_reports import BUSY, MACHINE, OLD, QUIET, report, row, streamed, timed


def figure(comparison: Comparison, name: str, of: str = "model.onnx") -> Figure:
    compared: ComparedEntry = next(one for one in comparison.rows if one.name == of)
    return next(one for one in compared.figures if one.name == name)


def test_every_figure_has_its_ratio() -> None:
    start = Probe(load_ms=3.0, first_call_ms=0.25, resident_added_bytes=1100, resident_bytes=5000)
    comparison = compare_reports(OLD, report(), report(row(timing=timed(scale=1.1), start=start, size_bytes=5000)))
    ratios = {one.name: one.ratio for one in comparison.rows[0].figures}
    assert ratios == {
        "p50_ms": pytest.approx(1.1),
        "p95_ms": pytest.approx(1.1),
        "mean_ms": pytest.approx(1.1),
        "load_ms": 1.5,
        "first_call_ms": 0.5,
        "resident_added_bytes": 1.1,
        "size_bytes": 1.25,
    }
    p50 = figure(comparison, "p50_ms")
    assert p50.low is not None
    assert p50.high is not None
    assert 1.08 < p50.low < 1.1 < p50.high < 1.12
    assert (figure(comparison, "load_ms").low, figure(comparison, "size_bytes").low) == (None, 1.25)
    assert (comparison.notes, comparison.missing, comparison.failures) == ((), (), ())


@pytest.mark.parametrize(("old", "new"), [(None, 1000), (1000, None), (0, 1000), (-4096, 1000)])
def test_memory_that_has_no_ratio(old: int | None, new: int | None) -> None:
    rows = [row(start=Probe(2.0, 0.5, value, None)) for value in (old, new)]
    assert figure(compare_reports(OLD, report(rows[0]), report(rows[1])), "resident_added_bytes").ratio is None


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator, held, trials = np.random.default_rng(1), 0, 200
    for _ in range(trials):
        old, new = generator.lognormal(0, 0.08, 10), 1.2 * generator.lognormal(0, 0.08, 10)
        low, high = ratio_interval(list(old), list(new))
        held += low <= 1.2 <= high
    assert held / trials >= 0.93


def test_the_interval_is_the_same_each_time() -> None:
    assert ratio_interval(QUIET, BUSY) == ratio_interval(QUIET, BUSY)


def test_a_regression_beyond_noise_fails() -> None:
    comparison = compare_reports(OLD, report(), report(row(timing=timed(scale=1.3))), fail_above=1.15)
    assert figure(comparison, "p50_ms").verdict == "regression"
    (failure,) = comparison.failures
    assert failure.startswith("model.onnx has 1.30 times the p50_ms (95 %: 1.2")
    assert "FAILED" in format_comparison(comparison)


def test_noise_does_not_fail_and_is_said() -> None:
    comparison = compare_reports(OLD, report(), report(row(timing=timed(BUSY))), fail_above=1.15)
    p50 = figure(comparison, "p50_ms")
    assert p50.ratio is not None
    assert p50.ratio > 1.15
    assert (p50.verdict, comparison.failures, comparison.rows[0].noisy) == ("within noise", (), ("new",))
    table = format_comparison(comparison)
    assert "within noise, noisy" in table
    assert "model.onnx (new)" in table


@pytest.mark.parametrize(("scale", "limit"), [(1.0, 1.15), (1.1, 1.15), (0.5, 0.9), (3.0, None)])
def test_what_holds(scale: float, limit: float | None) -> None:
    assert not compare_reports(OLD, report(), report(row(timing=timed(scale=scale))), fail_above=limit).failures


def test_a_limit_below_1_asks_for_a_gain() -> None:
    assert compare_reports(OLD, report(), report(), fail_above=0.9).failures


def test_a_larger_file_fails_and_single_samples_do_not() -> None:
    slow = Probe(load_ms=90.0, first_call_ms=90.0, resident_added_bytes=10**9, resident_bytes=10**9)
    comparison = compare_reports(OLD, report(), report(row(size_bytes=8000, start=slow)), fail_above=1.15)
    assert comparison.failures == ("model.onnx has 2.00 times the size_bytes, above 1.15",)


def test_keras_is_compared_and_not_held() -> None:
    reports = [report(row(), row("gru.keras", timed(scale=scale))) for scale in (1.0, 3.0)]
    comparison = compare_reports(OLD, *reports, fail_above=1.15)
    assert figure(comparison, "p50_ms", "gru.keras").ratio == pytest.approx(3.0)
    assert comparison.failures == ()


def test_an_artifact_that_is_gone_or_does_not_run_fails() -> None:
    old = report(row(), row("model.tflite"), row("model.int8.onnx"))
    skipped = dataclasses.replace(row("model.tflite"), status="skipped", timing=None, problem="needs LiteRT")
    new = report(row(), skipped)
    comparison = compare_reports(OLD, old, new, fail_above=1.15)
    assert comparison.failures == comparison.missing
    assert comparison.missing == (
        "model.tflite was measured in old.json, and not now: needs LiteRT",
        "model.int8.onnx was measured in old.json, and not now: it is not there now",
    )
    told = compare_reports(OLD, old, new)
    assert (told.failures, told.missing) == ((), comparison.missing)


def test_what_was_not_asked_for_is_not_missed() -> None:
    old = report(row(), row("model.tflite"), row("gru.keras"))
    comparison = compare_reports(OLD, old, report(), fail_above=1.15, artifacts=["model.onnx"])
    assert (comparison.failures, comparison.missing) == ((), ())
    assert comparison.notes == tuple(
        f"{name} was measured in old.json, and was not asked for now" for name in ("model.tflite", "gru.keras")
    )


def test_an_artifact_that_the_old_one_lacks_or_did_not_run_is_a_note() -> None:
    old = report(row(), dataclasses.replace(row("a.onnx"), status="skipped", timing=None, problem="no runtime"))
    comparison = compare_reports(OLD, old, report(row(), row("a.onnx"), row("b.onnx")), fail_above=1.15)
    assert comparison.notes == ("a.onnx was not measured in old.json: no runtime", "b.onnx is not in old.json")


def test_nothing_in_common() -> None:
    with pytest.raises(InputError, match=r"old\.json has none of b\.onnx; it has model\.onnx"):
        compare_reports(OLD, report(), report(row("b.onnx")))


def test_another_machine_is_a_note_and_cannot_be_held() -> None:
    other = MACHINE | {"cpu": {"model": "Cortex-A53"}, "packages": {"onnxruntime": "1.21.0"}}
    notes = compare_reports(OLD, report(), report(machine=other)).notes
    assert notes[0].startswith("another machine: model 'Cortex-A76', here 'Cortex-A53'")
    assert "onnxruntime: 1.20.0, here 1.21.0" in notes
    with pytest.raises(InputError, match=r"old\.json was measured on another machine \(model 'Cortex-A76', here"):
        check_holdable(OLD, report(), machine=other, threads=1)
    check_holdable(OLD, report(), machine=MACHINE | {"kernel": "Linux 7"}, threads=1)


def test_other_threads_are_a_note_and_cannot_be_held() -> None:
    other = report(options=dataclasses.replace(report().options, threads=4))
    assert compare_reports(OLD, report(), other).notes == ("threads: 1, here 4",)
    with pytest.raises(InputError, match="threads 1, and this is 4; give threads= alike"):
        check_holdable(OLD, report(), machine=MACHINE, threads=4)


def test_too_few_blocks_have_a_ratio_and_cannot_be_held() -> None:
    few = report(row(timing=timed(QUIET[:3])))
    p50 = figure(compare_reports(OLD, few, report()), "p50_ms")
    assert p50.ratio == pytest.approx(1.0)
    assert (p50.low, p50.high) == (None, None)
    with pytest.raises(InputError, match=r"old\.json was timed in 3 blocks of calls, .* takes 5 .* more seconds="):
        check_holdable(OLD, few, machine=MACHINE, threads=1)
    check_holdable(OLD, few, machine=MACHINE, threads=1, artifacts=["another.onnx"])
    with pytest.raises(InputError, match=r"model\.onnx was timed in 3 blocks"):
        compare_reports(OLD, report(), few, fail_above=1.15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "lstm"}, "benchmark of the model 'gru', and this bundle holds 'lstm'; give two benches of one"),
        ({"inputs": {"ids": (1, 32)}}, r"measured on ids \(1, 16\), and this on ids \(1, 32\); give length= alike"),
    ],
)
def test_another_model(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_reports(OLD, report(), report(**changes))


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan"), float("inf")])
def test_a_limit_that_is_none(limit: float) -> None:
    with pytest.raises(InputError, match=r"fail_above=.*: give a ratio above 0, such as 1\.15"):
        compare_reports(OLD, report(), report(), fail_above=limit)


def test_streams_are_compared_by_chunk() -> None:
    comparison = compare_reports(OLD, streamed({1: 1.0, 10: 1.0}), streamed({1: 1.0, 10: 1.4}), fail_above=1.15)
    assert [one.name for one in comparison.rows] == ["stream.onnx", "stream.onnx by 1", "stream.onnx by 10"]
    assert figure(comparison, "state_bytes", "stream.onnx").ratio == 1.0
    assert figure(comparison, "p50_ms", "stream.onnx by 10").ratio == pytest.approx(1.4)
    (failure,) = comparison.failures
    assert failure.startswith("stream.onnx by 10 has 1.40 times the p50_ms")


def test_a_chunk_that_was_not_asked_for_is_not_missed() -> None:
    old = streamed({1: 1.0, 10: 1.0})
    assert compare_reports(OLD, old, streamed({1: 1.0}, chunks=(1,)), fail_above=1.15).failures == ()
    (failure,) = compare_reports(OLD, old, streamed({1: 1.0}), fail_above=1.15).failures
    assert failure == "stream.onnx by 10 was measured in old.json, and not now: it is not there now"
