"""The report in a real browser: it renders without an error, its figures have their marks, its tables sort."""

from __future__ import annotations

from pathlib import Path

import pytest

from deeprnn_edge.report.collecting import collect
from deeprnn_edge.report.page import make_page
from tests.support.browser import check_page, look_at, needs_browser, spy_on, visit
from tests.support.report_inputs import write_all

pytestmark = [pytest.mark.browser, needs_browser]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (500, True)])
def test_in_a_browser(stream_bundle: Path, tmp_path: Path, width: int, dark: bool) -> None:
    page = tmp_path / "report.html"
    spy_on(page, make_page(collect(stream_bundle, write_all(stream_bundle, tmp_path))), "bytes")
    seen = look_at(page, tmp_path, width, dark=dark)
    assert len(seen["figures"]) == 8
    check_page(seen, dark=dark)

    given, ascending, first, descending, second = seen["orders"]
    numbers = sorted(int(text.replace(",", "")) for text in given)
    assert (first, second) == ("ascending", "descending")
    assert ascending == [f"{number:,}" for number in numbers]
    assert descending == ascending[::-1]
    assert seen["names"] == sorted(seen["names"])


def test_the_page_as_it_is_written(bundle_path: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(make_page(collect(bundle_path)), encoding="utf-8")
    document, console = visit(page, tmp_path / "profile")
    assert console == []
    assert document.count("<button") > 10
