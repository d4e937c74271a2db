"""A real browser for tests of pages: a headless Chromium, and a spy that tells what a reader sees."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH")

# What a reader's browser shows, told by a script that only this test adds to a copy of the page.
SPY = """
const column = (table, index) => [...table.tBodies[0].rows].map(row => row.cells[index].textContent);
const table = document.querySelector("#summary table");
const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
const at = headers.findIndex(header => header.textContent.startsWith(COLUMN));
const orders = [column(table, at)];
for (let click = 0; click < 2; click++) {
  headers[at].querySelector("button").click();
  orders.push(column(table, at), headers[at].getAttribute("aria-sort"));
}
headers[0].querySelector("button").click();
const box = element => element.getBoundingClientRect();
document.documentElement.dataset.seen = JSON.stringify({
  orders,
  names: column(table, 0),
  sortable: [...document.querySelectorAll("table")].every(one => one.querySelectorAll("thead button").length > 1),
  sorted: document.querySelectorAll("th[aria-sort]").length,
  figures: [...document.querySelectorAll("figure")].map(figure => ({
    id: figure.id,
    marks: [...figure.querySelectorAll("svg .mark")].filter(one => box(one).width > 0 && box(one).height > 0).length,
    outside: [...figure.querySelectorAll("svg text")].filter(one => {
      const [inner, outer] = [box(one), box(figure.querySelector("svg"))];
      return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
    }).map(one => one.textContent),
    rows: figure.querySelectorAll("tbody tr").length,
  })),
  overflow: document.documentElement.scrollWidth - window.innerWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  paper: getComputedStyle(document.body).backgroundColor,
  ink: getComputedStyle(document.querySelector("svg text")).fill,
  loaded: performance.getEntriesByType("resource").map(entry => entry.name),
});
"""


def visit(page: Path, profile: Path, *options: str) -> tuple[str, list[str]]:
    """The document once it is loaded, and what the console said."""
    command = [str(BROWSER), "--headless", "--disable-gpu", "--no-sandbox", "--enable-logging=stderr", "--v=0"]
    command += [f"--user-data-dir={profile}", "--dump-dom", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=600, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def spy_on(page: Path, text: str, column: str) -> None:
    """Write the page with the spy, which sorts the summary by a column; the page's script stays under its policy."""
    script = f"\nconst COLUMN = {json.dumps(column)};{SPY}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed, count = re.subn(r"script-src (&#x27;|')", rf"script-src \1sha256-{digest}\1 \1", text)
    assert count == 1
    page.write_text(allowed.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")


def look_at(page: Path, folder: Path, width: int, *, dark: bool) -> dict[str, Any]:
    """What the spy saw at a width, in light or dark. Fails where the console said anything."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    document, console = visit(page, folder / "profile", f"--window-size={width},900", scheme)
    assert console == []
    found = re.search(r'data-seen="([^"]*)"', document)
    assert found is not None
    seen: dict[str, Any] = json.loads(html.unescape(found[1]))
    return seen


def check_page(seen: dict[str, Any], *, dark: bool) -> None:
    """What holds of any page: figures with their marks and text inside, sorted tables, nothing loaded, contrast."""
    for figure in seen["figures"]:
        assert figure["marks"] == figure["rows"] > 0, figure["id"]
        assert figure["outside"] == [], figure["id"]
    assert seen["sortable"]
    assert seen["sorted"] == 1  # the table that was sorted, by one column
    assert seen["overflow"] <= 0
    assert seen["loaded"] == []
    assert seen["dark"] == dark
    assert (_brightness(seen["ink"]) - _brightness(seen["paper"])) * (1 if dark else -1) > 300


def _brightness(colour: str) -> int:
    """The sum of red, green and blue, each up to 255."""
    return sum(map(int, re.findall(r"\d+", colour)[:3]))
