"""Make the matrix of what is supported: ``python -m tests.support.conformance.support_matrix``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from benchmarks.tables.fill import BLOCK, fill_blocks
from benchmarks.tables.parts import markdown
from tests.support.conformance.models import ROWS
from tests.support.conformance.row import Row
from tests.support.keras_models import CELLS
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "reference" / "supported-models.md"
COMMAND = "python -m tests.support.conformance.support_matrix"
_HEADER = ["", "SimpleRNN", "LSTM", "GRU", "ONNX", "TFLite"]
_FORMS = {"native": "native", "loop": "Loop", "unrolled": "steps written out"}


def main() -> int:
    """Write the matrix into its page."""
    text = PAGE.read_text(encoding="utf-8")
    if not has_block(text):
        print(f"{PAGE.name} has no block <!-- table support --> ... <!-- end -->", file=sys.stderr)  # noqa: T201
        return 1
    PAGE.write_text(filled(text), encoding="utf-8")
    return 0


def has_block(text: str) -> bool:
    """Return whether a page has a place for the matrix."""
    return any(match[2] == "support" for match in BLOCK.finditer(text))


def filled(text: str) -> str:
    """Return the page's text with the matrix made anew; the other tables stay as they are."""
    return fill_blocks(text, {"support": make_matrix})


def make_matrix(rows: Iterable[Row] = ROWS) -> str:
    """Return a line for each option of the table, the first of a group with its name."""
    lines: list[list[Any]] = []
    for group, members in groupby(rows, key=lambda row: row.group):
        options: dict[str, list[Row]] = {}
        for row in members:
            options.setdefault(row.option, []).append(row)
        block = [_line(option, found) for option, found in options.items()]
        block[0][0] = f"**{group}**: {block[0][0]}"
        lines += block
    return markdown(_HEADER, lines)


def _line(option: str, rows: list[Row]) -> list[str]:
    if option.endswith(":"):
        option += " " + ", ".join(
            dict.fromkeys(f"`{row.name}`" if row.name.isidentifier() else row.name for row in rows)
        )
    onnx, tflite = (list(dict.fromkeys(getattr(row, kind) for row in rows)) for kind in ("onnx", "tflite"))
    reason = next((f": {row.reason}" for row in rows if row.reason), "")
    return [
        option,
        *[_mark([row for row in rows if row.cell == cell]) for cell in CELLS],
        ", ".join(f"☑ {_FORMS[form]}" if form in _FORMS else f"☐ refused{reason}" for form in onnx),
        ", ".join("☑" if outcome == "exact" else "☐" for outcome in tflite),
    ]


def _mark(rows: list[Row]) -> str:
    """Return a tick, or nothing where the option says nothing of the cell."""
    if not rows:
        return ""
    return "☐" if any("refused" in (row.onnx, row.tflite) for row in rows) else "☑"


if __name__ == "__main__":
    sys.exit(main())
