"""Fill README and docs with their tables: ``python benchmarks/tables/fill.py [--check]``.

Each table is made from ``results/*.json`` and stands between ``<!-- table NAME -->`` and ``<!-- end -->``. With
``--check`` nothing is written, and the exit code is 1 where a table differs from its JSON.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.paths import ROOT
from benchmarks.tables.accuracy import ACCURACY_TABLES
from benchmarks.tables.exactness import EXACTNESS_TABLES
from benchmarks.tables.networks import NETWORKS_TABLES
from benchmarks.tables.peers import PEERS_TABLES
from benchmarks.tables.scale import SCALE_TABLES
from benchmarks.tables.service import SERVICE_TABLES
from benchmarks.tables.streaming import STREAMING_TABLES
from benchmarks.tables.wheels import WHEELS_TABLES

BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

TABLES: dict[str, Callable[[], str]] = {
    **ACCURACY_TABLES,
    **EXACTNESS_TABLES,
    **NETWORKS_TABLES,
    **PEERS_TABLES,
    **SCALE_TABLES,
    **SERVICE_TABLES,
    **STREAMING_TABLES,
    **WHEELS_TABLES,
}


def main() -> int:
    """Write the tables into their pages, or check them."""
    different = [page for page in pages() if fill(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")]
    for page in different:
        print(page.relative_to(ROOT), file=sys.stderr)
        if "--check" not in sys.argv[1:]:
            page.write_text(fill(page.read_text(encoding="utf-8")), encoding="utf-8")
    return int("--check" in sys.argv[1:] and bool(different))


def pages() -> list[Path]:
    """Return README and every page of the docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fill(text: str) -> str:
    """Return a page with every table made anew from its results."""
    return fill_blocks(text, TABLES)


def fill_blocks(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Return a page with these tables made anew; those of other names stay as they are."""

    def filled(match: re.Match[str]) -> str:
        return f"{match[1]}{tables[match[2]]()}\n{match[3]}" if match[2] in tables else match[0]

    return BLOCK.sub(filled, text)


if __name__ == "__main__":
    sys.exit(main())
