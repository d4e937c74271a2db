"""The peers' page and picture, and the README's tables: their structure, and that nothing missing is left out."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.peers.page import make_page
from benchmarks.peers.picture import draw
from benchmarks.tables.peers import growth, peers, yardstick
from tests.support.made_up_peers import ENTRIES, INSTALL, make_result, stop
from tests.support.page_tree import HOSTILE, Element, everything, parse, render


@pytest.fixture(scope="module")
def page() -> Element:
    return parse(make_page(make_result()))


def rows_of(part: Element) -> list[list[str]]:
    return [
        [cell.text for cell in row.children if isinstance(cell, Element)]
        for body in part.find("tbody")
        for row in body.find("tr")
    ]


def test_the_document(page: Element) -> None:
    headings = [int(name[1]) for name in re.findall("<(h[1-6])[ >]", render(page))]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    ids = Counter(one.attributes["id"] for one in everything(page) if "id" in one.attributes)
    assert set(ids.values()) == {1}
    for link in page.find("a"):
        assert (link.attributes["href"] or "").removeprefix("#") in ids
    (policy,) = page.find("meta", **{"http-equiv": "Content-Security-Policy"})
    assert (policy.attributes["content"] or "").startswith("default-src 'none'")


def test_every_figure_has_its_data(page: Element) -> None:
    figures = page.find("figure")
    assert len(figures) == 12 + 6 + 12
    for figure in figures:
        marks = figure.find("g", **{"class": "mark"})
        assert len(marks) == len(rows_of(figure)) > 0
        assert figure.find("svg", role="img")[0].attributes["aria-label"]
        assert figure.find("figcaption")[0].text


def test_latency_is_sorted_and_says_who_is_missing_or_noisy(page: Element) -> None:
    (figure,) = page.find("figure", id="latency-figure-0")
    medians = [float(row[2]) for row in rows_of(figure)]
    assert medians == sorted(medians)
    assert "Not timed: PyTorch, eager (missing)." in figure.text
    assert "Noisy, with a spread above 10 %: Keras, predict." in figure.text


def test_the_summary_has_a_row_for_each_workload(page: Element) -> None:
    result = make_result()
    (summary,) = page.find("section", id="summary")
    rows = rows_of(summary)
    assert [row[0] for row in rows] == [one["title"] for one in result["workloads"]]
    assert rows[0][:4] == ["SimpleRNN, seed size", "0.3", "0.8×", "90×, noisy"]
    assert "missing" in rows[0]
    assert {"differs", "unsupported"} <= set(rows[2])
    assert "failed" in rows[-1]
    assert "0.4×" in rows[-1]


def test_a_reference_that_failed_leaves_times_instead_of_ratios() -> None:
    result = make_result(sweep=False)
    stop(result["workloads"][0]["contenders"][0], "failed", "it broke")
    rows = rows_of(parse(make_page(result)).find("section", id="summary")[0])
    assert rows[0][1:3] == ["failed", "0.24 ms"]


def test_what_did_not_run_is_listed_by_reason(page: Element) -> None:
    (problems,) = page.find("section", id="problems")
    found = {(row[0], row[1]): row[2:] for row in rows_of(problems)}
    assert found["PyTorch, eager", "missing"][:2] == [INSTALL, "12"]
    assert found["tf2onnx", "differs"][1] == "6"
    assert "GRU, seed size, masked" in found["TFLite, stock converter", "unsupported"][2]
    assert found["deeprnn-edge, TFLite", "failed"] == ["the process ended with 139", "1", "GRU, one step of a stream"]


def test_names_of_a_result_never_become_markup() -> None:
    result = make_result()
    result["what"] = result["machine"]["os"] = result["machine"]["compiler"] = HOSTILE
    for workload in result["workloads"]:
        workload["title"] += HOSTILE
        for row in workload["contenders"]:
            row["title"] += HOSTILE
            row["problem"] = row["problem"] and HOSTILE
    for one in result["growth"]:
        one["title"] += HOSTILE
    assert len(parse(make_page(result)).find("script")) == 1


def test_a_result_without_a_time_makes_a_page() -> None:
    result = make_result(sweep=False)
    for workload in result["workloads"]:
        for row in workload["contenders"]:
            stop(row, "failed", "it broke")
    page = parse(make_page(result))
    assert page.find("figure") == []
    assert {row[4] for row in rows_of(page.find("section", id="problems")[0])} == {"all"}


def test_the_picture_is_written(tmp_path: Path) -> None:
    draw(make_result(), tmp_path / "peers.png")
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_of_peers() -> None:
    header, _, *lines = peers(make_result()).splitlines()
    assert header == "| p50, µs | SimpleRNN | SimpleRNN, masked | GRU | GRU, masked | LSTM | LSTM, masked |"
    assert lines[0] == "| **deeprnn-edge, ONNX** | **300** | **300** | **400** | **400** | **500** | **500** |"
    assert lines[4] == "| tf2onnx | 660 | –<sup>1</sup> | 880 | –<sup>1</sup> | 1,100 | –<sup>1</sup> |"
    assert len([line for line in lines if line.startswith("|")]) == len(ENTRIES)
    assert f"<sup>3</sup> {INSTALL}." in lines


def test_the_table_of_the_yardstick() -> None:
    lines = yardstick(make_result()).splitlines()
    assert lines[2] == "| SimpleRNN | 2.50× | 0.80× | OpenVINO, our ONNX, 1.30× | 1.30× | – |"
    assert lines[10] == "| LSTM, 3 × 256 units | 2.50× | 0.80× | OpenVINO, our ONNX, 1.30× | 1.30× | 2.00× |"
    assert lines[11] == "| smallest |  |  |  | 1.30× | 2.00× |"


def test_the_table_of_growth() -> None:
    result = make_result()
    result["growth"] = [one for one in result["growth"] if (one["cell"], one["contender"]) != ("gru", "c")]
    lines = growth(result).splitlines()
    assert lines[0].startswith("| slope | SimpleRNN, length | SimpleRNN, layers |")
    (c_loop,) = [line for line in lines if line.startswith("| C loop")]
    assert c_loop == "| C loop |" + " 0.90 |" * 4 + " – |" * 4 + " 0.90 |" * 4
