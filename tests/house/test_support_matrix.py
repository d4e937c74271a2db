"""The page of supported models says of every kind of model what the conformance table says."""

from __future__ import annotations

from tests.support.conformance.models import ROWS
from tests.support.conformance.support_matrix import COMMAND, PAGE, filled, has_block, make_matrix


def test_the_page_has_the_matrix_of_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert has_block(text), f"{PAGE.name} lacks <!-- table support --> ... <!-- end -->; add it, then run: {COMMAND}"
    assert filled(text) == text, f"run: {COMMAND}"


def test_each_option_is_one_line_and_refusals_are_unticked() -> None:
    lines = make_matrix().splitlines()[2:]
    options = {(row.group, row.option) for row in ROWS}
    refused = {(row.group, row.option) for row in ROWS if "refused" in (row.onnx, row.tflite)}
    assert len(lines) == len(options)
    assert sum("☐" in line for line in lines) == len(refused) > 0
