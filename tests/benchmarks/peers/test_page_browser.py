"""The peers' page in a real browser: figures have their marks, their text inside, and tables sort."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers.page import make_page
from tests.support.browser import check_page, look_at, needs_browser, spy_on, visit
from tests.support.made_up_peers import make_result

pytestmark = [pytest.mark.browser, needs_browser]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (500, True)])
def test_in_a_browser(tmp_path: Path, width: int, dark: bool) -> None:
    page = tmp_path / "peers.html"
    spy_on(page, make_page(make_result()), "deeprnn-edge, ONNX: p50")
    seen = look_at(page, tmp_path, width, dark=dark)
    assert len(seen["figures"]) == 12 + 6 + 12
    check_page(seen, dark=dark)
    given, ascending, first, descending, second = seen["orders"]
    assert (first, second) == ("ascending", "descending")
    assert ascending == sorted(given, key=float)
    assert descending == sorted(given, key=float, reverse=True)


def test_the_page_as_it_is_written(tmp_path: Path) -> None:
    page = tmp_path / "peers.html"
    page.write_text(make_page(make_result(sweep=False)), encoding="utf-8")
    document, console = visit(page, tmp_path / "profile")
    assert console == []
    assert document.count("<button") > 10
