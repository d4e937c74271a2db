"""``deeprnn-edge report``: the page's structure, what it says, and what it refuses."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.main import main
from deeprnn_edge.inspection.inspect import inspect_path
from deeprnn_edge.report.collecting import collect
from deeprnn_edge.report.growth_section import fit_slope
from deeprnn_edge.report.page import make_page
from deeprnn_edge.report.pareto import find_front
from deeprnn_edge.report.scales import fit_scale
from deeprnn_edge.report.weights_section import OTHER, REST, bytes_by_layer, layer_of
from tests.support.changed_bundle import change_manifest
from tests.support.page_tree import HOSTILE, Element, everything, parse, render
from tests.support.report_inputs import change_json, write_all, write_bench


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, words)])


def with_benches(paths: list[Path]) -> list[str | Path]:
    return [word for path in paths for word in ("--bench", path)]


@pytest.fixture
def page(stream_bundle: Path, tmp_path: Path) -> Element:
    return parse(make_page(collect(stream_bundle, write_all(stream_bundle, tmp_path))))


def test_the_command_writes_one_file(bundle_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    result = run(bundle_path, "-o", output, "--bench", write_bench(bundle_path, tmp_path / "a.json"))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"wrote {output}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "report.html"]
    assert run(bundle_path, "-o", output).exit_code == 2
    assert run(bundle_path, "-o", output, "--force").exit_code == 0


def test_the_document(page: Element) -> None:
    (html,) = page.find("html")
    assert html.attributes["lang"] == "en"
    assert page.find("title")[0].text
    headings = [int(name[1]) for name in re.findall("<(h[1-6])[ >]", render(page))]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    ids = Counter(element.attributes["id"] for element in everything(page) if "id" in element.attributes)
    assert all(count == 1 for count in ids.values())
    for element in everything(page):
        if "aria-labelledby" in element.attributes:
            assert element.attributes["aria-labelledby"] in ids
        if element.name == "a":
            assert (element.attributes["href"] or "").removeprefix("#") in ids
    for section in ["summary", "model", "latency", "tradeoff", "growth", "streams", "parity", "weights", "operators"]:
        assert section in ids


def test_nothing_is_loaded(stream_bundle: Path, tmp_path: Path) -> None:
    text = make_page(collect(stream_bundle, write_all(stream_bundle, tmp_path)))
    assert "://" not in text
    assert "@import" not in text
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {
        f"#hatch-{name}" for name in ("diagonal", "dots", "cross", "lines")
    }
    for element in everything(parse(text)):
        assert "src" not in element.attributes
        assert not any(name.startswith("on") for name in element.attributes)
        assert element.name not in {"iframe", "img", "object", "embed", "form"}
    (policy,) = parse(text).find("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in (policy.attributes["content"] or "")


def test_every_figure_has_its_numbers_in_a_table(page: Element) -> None:
    figures = page.find("figure")
    # Latency; two devices; length and batch; streams; parity; bytes
    assert len(figures) == 8
    for figure in figures:
        (svg,) = figure.find("svg")
        assert svg.attributes["role"] == "img"
        assert svg.attributes["aria-label"]
        assert figure.find("figcaption")[0].text
        (details,) = figure.find("details")
        (table,) = details.find("table")
        cells = {cell.text for cell in table.find("td") + table.find("th")}
        marks = svg.find("g", **{"class": "mark"})
        assert len(marks) == len(table.find("tbody")[0].find("tr"))
        for one in marks:
            for number in numbers_of(one.find("title")[0].text):
                assert number in cells, (figure.attributes["id"], number)


def test_tables_have_headers_and_whole_rows(page: Element) -> None:
    for table in page.find("table"):
        assert table.find("caption")[0].text
        header = table.find("thead")[0].find("tr")[-1]
        assert all(cell.attributes["scope"] == "col" for cell in header.find("th"))
        for row in table.find("tbody")[0].find("tr"):
            assert len(row.find("th")) == 1
            assert len(row.children) == len(header.children)
        for group in table.find("tr", **{"class": "groups"}):
            spans = [int(cell.attributes["colspan"] or 1) for cell in group.children if isinstance(cell, Element)]
            assert sum(spans) == len(header.children)


def test_the_summary_has_every_file_and_its_times(page: Element, stream_bundle: Path) -> None:
    (section,) = page.find("section", id="summary")
    rows = {row.find("th")[0].text: row for row in section.find("tbody")[0].find("tr")}
    for artifact in open_bundle(stream_bundle).manifest.artifacts:
        assert f"{artifact.size_bytes:,}" in rows[artifact.path].text
    assert [cell.text for cell in rows["model.onnx"].find("td")][-8:][:2] == ["0.02", "0.026"]
    assert "Some Board" in section.text


def test_growth_states_the_slopes(page: Element) -> None:
    (section,) = page.find("section", id="growth")
    assert len(section.find("figure")) == 2
    assert section.text.count("model.onnx 1.00 (from 2)") == 2


def test_streams_state_steps_and_what_was_not_timed(page: Element) -> None:
    (section,) = page.find("section", id="streams")
    assert len(section.find("figure")) == 1
    assert "E, stream.onnx, chunks of 7: takes 2 steps at a time" in section.text


def test_without_measurements_it_says_what_makes_them(stream_bundle: Path) -> None:
    page = parse(make_page(collect(stream_bundle)))
    assert len(page.find("figure")) == 2
    for name, words in {"latency": "bench", "tradeoff": "bench", "growth": "--batch", "streams": "--stream"}.items():
        (section,) = page.find("section", id=name)
        assert words in section.find("code")[0].text
        assert not section.find("svg")


def test_a_bundle_without_streams_has_no_part_for_them(bundle_path: Path) -> None:
    assert not parse(make_page(collect(bundle_path))).find("section", id="streams")


def test_measurements_of_different_files_make_no_growth(bundle_path: Path, tmp_path: Path) -> None:
    paths = [write_bench(bundle_path, tmp_path / f"{batch}.json", batch=batch) for batch in (1, 4)]
    for path, kept in zip(paths, (0, 1), strict=True):
        change_json(path, rows=[json.loads(path.read_text())["rows"][kept]])
    (section,) = parse(make_page(collect(bundle_path, paths))).find("section", id="growth")
    assert not section.find("figure")


def test_names_are_text_wherever_they_come_from(bundle_path: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_path, bundle)
    old = open_bundle(bundle).manifest
    layers = tuple(dataclasses.replace(layer, name=f"{HOSTILE}{layer.name}") for layer in old.architecture.layers)
    architecture = dataclasses.replace(old.architecture, layers=layers)
    change_manifest(bundle, name=HOSTILE, labels=(HOSTILE, "b"), architecture=architecture)
    bench = write_bench(bundle, tmp_path / "a.json", board=HOSTILE)
    change_json(bench, machine__os=HOSTILE, rows__2__name=HOSTILE, rows__2__problem=HOSTILE)
    text = make_page(collect(bundle, [bench]))
    page = parse(text)
    assert len(page.find("script")) == 1
    assert "<script>alert" not in text
    assert "\x00" not in text
    assert "<script>alert(1)</script>" in page.find("h1")[0].text


def test_a_file_that_was_not_timed_is_named(bundle_path: Path, tmp_path: Path) -> None:
    bench = write_bench(bundle_path, tmp_path / "a.json")
    change_json(bench, rows__0__timing=None, rows__0__status="differs", rows__0__problem="output 'y' differs by 1")
    (section,) = parse(make_page(collect(bundle_path, [bench]))).find("section", id="latency")
    assert "model.onnx was not timed: differs. output 'y' differs by 1" in section.text


def test_evaluations_and_zero_differences(bundle_path: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(bundle_path, bundle)
    artifacts = [
        dataclasses.replace(one, accuracy=0.8, parity=dataclasses.replace(one.parity, max_abs_diff=0.0))
        for one in open_bundle(bundle).manifest.artifacts
    ]
    change_manifest(bundle, artifacts=tuple(artifacts))
    page = parse(make_page(collect(bundle, [write_bench(bundle, tmp_path / "a.json")])))
    assert "80.00%" in page.find("section", id="summary")[0].text
    assert "80.00%" in page.find("section", id="tradeoff")[0].find("svg")[0].text
    assert "0 of 1.0e-05" in page.find("section", id="parity")[0].text


def test_fields_of_a_later_bench_are_left(bundle_path: Path, tmp_path: Path) -> None:
    bench = write_bench(bundle_path, tmp_path / "a.json")
    change_json(bench, rows__0__timing__block_p50_ms=[1.0], rows__0__new={}, new=1)
    assert len(collect(bundle_path, [bench]).benches) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "has format_version 2, this release reads 1"),
        ({"name": "another"}, "measures the model 'another', and "),
        ({"rows__0__name": "other.onnx"}, "measures other.onnx, and "),
        ({"rows__0__size_bytes": 12}, "measures a model.onnx of 12 bytes, and that of "),
        ({"rows__0__timing__p50_ms": "fast"}, "rows[0].timing.p50_ms is 'fast', expected"),
        ({"rows__0__timing__p50_ms": 0}, "p50_ms is 0.0, expected one from 1e-09 to 1e+15"),
        ({"rows__0__timing": {}}, "rows[0].timing lacks the field 'runs'"),
        ({"rows__0__status": "fine"}, "rows[0].status is 'fine', expected"),
        ({"rows": []}, "has no rows"),
        ({"rows": {"a": 1}}, "has no rows"),
        ({"rows": [1]}, "rows[0] is 1, expected an object"),
        ({"options": None}, "options is None, expected an object"),
        ({"options__batch": 10**400}, "expected one from"),
        ({"machine": "here"}, "machine is 'here', expected an object"),
    ],
)
def test_a_measurement_that_does_not_fit(
    bundle_path: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    bench = change_json(write_bench(bundle_path, tmp_path / "a.json"), **changes)
    refused(run(bundle_path, "-o", tmp_path / "r.html", "--bench", bench), message)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is no report of a benchmark"),
        (b'{"format_version": 1, "kind": "bundle"}', "is no report of a benchmark"),
        (b'{"format_version": NaN}', "it holds the number NaN"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_measurement(bundle_path: Path, tmp_path: Path, content: bytes | None, message: str) -> None:
    bench = tmp_path / "a.json"
    if content is not None:
        bench.write_bytes(content)
    refused(run(bundle_path, "-o", tmp_path / "r.html", "--bench", bench), message)


def test_a_measurement_given_twice_and_a_bundle_that_is_none(bundle_path: Path, tmp_path: Path) -> None:
    bench = write_bench(bundle_path, tmp_path / "a.json")
    refused(run(bundle_path, "-o", tmp_path / "r.html", "--bench", bench, "--bench", bench), "is given twice")
    refused(run(tmp_path / "none", "-o", tmp_path / "r.html"), "no such bundle")


def refused(result: Result, message: str) -> None:
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_the_pareto_front() -> None:
    assert find_front([(1, 9), (5, 5), (9, 1), (6, 6), (5, 5), (1, 10)]) == [True, True, True, False, True, False]


def test_slopes_and_axes() -> None:
    assert fit_slope([1, 2, 4, 8], [3, 6, 12, 24]) == pytest.approx(1)
    assert fit_slope([1, 10], [5, 5]) == pytest.approx(0)
    for values in ([3.0], [1e-9, 1e15], [0.0813, 0.219], [5.0, 5.0], [1.0, 1000.0]):
        scale = fit_scale(values, 0, 100)
        assert scale.low <= min(values) <= max(values) <= scale.high
        assert 2 <= len(scale.ticks) <= 15
        assert all(0 <= scale.at(value) <= 100 for value in values)
        assert fit_scale(values, 0, 100, log=True).at(max(values)) <= 100
    assert fit_scale([0.0], 0, 100, zero=True).at(0) == 0


def test_bytes_by_layer_sum_up_to_the_file(bundle_path: Path) -> None:
    layers = [layer.name for layer in open_bundle(bundle_path).manifest.architecture.layers]
    for file in inspect_path(bundle_path).artifacts:
        if not file.tensors:
            continue  # TFLite without LiteRT
        found = bytes_by_layer(file, layers)
        assert sum(found.values()) == file.size_bytes
        assert set(layers) <= set(found) <= {*layers, OTHER, REST}


@pytest.mark.parametrize(
    ("tensor", "numbered", "layer"),
    [
        ("gru_1/W", False, "gru_1"),
        ("gru/W", False, "gru"),
        ("model_1/gru_1/MatMul", True, "gru"),
        ("model_1/gru_1_1/MatMul;other", True, "gru_1"),
        ("model/encoder/dense/W", False, "encoder/dense"),
        ("arith.constant9", True, OTHER),
    ],
)
def test_which_layer_a_constant_is_of(tensor: str, numbered: bool, layer: str) -> None:
    assert layer_of(tensor, ["gru", "gru_1", "encoder/dense"], numbered=numbered) == layer


def numbers_of(title: str) -> list[str]:
    """The numbers behind the name in what a mark says."""
    words = title.split(": ", 1)[1].replace("(", "").replace(")", "").replace(" of ", " ").split()
    return [word.strip(",") for word in words if re.fullmatch(r"[\d.,e+-]+%?,?", word)]
