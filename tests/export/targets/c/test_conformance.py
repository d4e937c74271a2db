"""Rows of the conformance table in C: exact, or refused by the layer's name; never wrong.

One row in four, as each is traced and compiled for seconds; with ``EVERY_ROW=1``, as ``make conformance`` sets, all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.parity import grid
from deeprnn_export.parity.reference import keras_answers
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.c.convert import convert_to_c
from deeprnn_export.targets.conversion_input import ConversionInput
from tests.support.conformance.models import ROWS
from tests.support.conformance.row import STEPS, Row, weighted

# Options with rows that C lacks a kernel for, and what a refusal says.
REFUSED = r"(layer '\S+' \(\w+\)) computes with TensorFlow's (TensorListStack|Conv2D|Einsum)"
LACKING = {
    "`RNN(your cell)`",
    "a subclass of Keras's cell",
    "a subclass with its own recurrence",
    "ConvLSTM1D, ConvLSTM2D",
}
LACKING_NAMES = ("2D", "heads", "behind Conv2D and a bidirectional layer", "Conv2D over symbolic time")

CONVERTED = [row for row in ROWS if row.onnx != "refused"]
CHOSEN = CONVERTED if os.environ.get("EVERY_ROW") else CONVERTED[::4]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("row", CHOSEN, ids=str)
def test_a_row_is_exact_or_refused(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "BATCHES", (1, len(grid.PADDINGS)))
    model = weighted(row.build, row.scale)
    signature = read_signature(model)
    cases = [
        case
        for case in grid.make_grid(signature, length=row.length or STEPS)
        if "batch 1, full" in case.name or "every padding" in case.name or "steps" in case.name
    ]
    source = ConversionInput(
        model=model,
        signature=signature,
        cases=keras_answers(model, signature, cases),
        outputs=signature.outputs,
        name="row",
    )
    yours = row.group == "Activations" and row.name == "a function"
    if yours or row.option in LACKING or row.name in LACKING_NAMES:
        with pytest.raises(UnsupportedModelError, match=REFUSED):
            convert_to_c(source)
        return
    converted = convert_to_c(source)
    for path, content in {"model.c": converted.content, **converted.companions}.items():
        (tmp_path / path).write_bytes(content)
    program = tmp_path / "program"
    subprocess.run(
        ["gcc", "-std=c99", "-O0", "-Wall", "-Wextra", "-Werror", "-pedantic",
         tmp_path / "model.c", tmp_path / "model_test.c", "-o", program],
        check=True,
    )  # fmt: skip
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
