"""Every row of the conformance table, converted to each format: exact in the form it claims, or refused by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import GOLDEN
from deeprnn_edge.bundle.golden import decode_golden
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export import export
from deeprnn_export.parity import grid
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.pipeline import conversion_inputs
from deeprnn_export.targets.tflite import steps as tflite_steps
from deeprnn_export.tracing.model_inputs import call_model
from tests.support.conformance import cells
from tests.support.conformance import row as row_module
from tests.support.conformance.models import ROWS
from tests.support.conformance.row import STEPS, Row, weighted

ATOL = 1e-5
RECURRENT = ("RNN", "LSTM", "GRU")
LOOPS = ("Loop", "Scan", "If")
KEEPS_STATE = "UNIDIRECTIONAL_SEQUENCE_LSTM"  # from one call to the next
# What becomes of a row's recurrent layers in each format, by the row's name: {"onnx": {"native": 2}, ...}.
FORMS_FILE = Path(row_module.__file__).parent / "forms.json"
FORMS = json.loads(FORMS_FILE.read_text(encoding="utf-8"))
EXPORTED = [row for row in ROWS if "refused" not in (row.onnx, row.tflite)]
TEN = EXPORTED[:: len(EXPORTED) // 10 + 1]
# Names in keras.activations that no cell can have: glu halves its units, threshold has no defaults, and the
# others convert between names and functions.
NOT_FOR_CELLS = {"glu", "threshold", "get", "serialize", "deserialize"}
ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """TFLite's loop with a rest of one step and two turns, over sequences short enough to trace quickly."""
    monkeypatch.setattr(tflite_steps, "UNROLLED_STEPS", 2)


@pytest.fixture
def short_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row in full, and one batch with a row of each padding, without float64 answers: Keras takes the time here."""

    def make_short_grid(*args: Any, **options: Any) -> list[GridCase]:
        cases = grid.make_grid(*args, **options)
        return [case for case in cases if case is cases[0] or "every padding" in case.name or "steps" in case.name]

    monkeypatch.setattr(grid, "BATCHES", (1, len(grid.PADDINGS)))
    monkeypatch.setattr(conversion_inputs, "make_grid", make_short_grid)
    monkeypatch.setattr(conversion_inputs, "with_truth", lambda cases, *_, **__: list(cases))


@pytest.mark.one_in(18)
@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.usefixtures("convert_in_process", "short_chunks", "short_grid")
def test_a_row_has_its_outcomes(row: Row, tmp_path: Path) -> None:
    check_row(row, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("row", TEN, ids=str)
def test_a_row_has_its_outcomes_as_a_user_exports_it(row: Row, tmp_path: Path) -> None:
    """Nothing is patched: the converter has its own process, the loops their turns, the grid all its cases."""
    check_row(row, tmp_path)


def check_row(row: Row, tmp_path: Path) -> None:
    """Both formats in one export: they share the model, its signature and Keras's answers, most of the time."""
    model = weighted(row.build, row.scale)
    reference = weighted(row.twin, row.scale) if row.twin else model
    example = make_example(model) if row.example is None else row.example
    before = answers(model, example) if row.repeats else []
    bundle = tmp_path / "bundle"

    outcomes = {"onnx": row.onnx, "tflite": row.tflite}
    for kind in (kind for kind in outcomes if outcomes[kind] == "refused"):
        with pytest.raises(UnsupportedModelError, match=row.blames):
            export(model, bundle, formats=(kind,), max_length=row.length)
        assert not any(tmp_path.iterdir())
    formats = [kind for kind in outcomes if outcomes[kind] != "refused"]
    if formats:
        manifest = export(model, bundle, formats=formats, max_length=row.length)
        assert [artifact.format for artifact in manifest.artifacts] == formats
        for artifact in manifest.artifacts:
            assert artifact.parity.max_abs_diff <= ATOL
            assert forms_of(artifact) == FORMS[str(row)][artifact.format], f"{row}: add to {FORMS_FILE.name}"
            assert_operators(artifact, row)
        # What the gate held the artifacts against is what Keras answers.
        golden = decode_golden((bundle / GOLDEN).read_bytes())[0]
        inputs = [tf.constant(golden.inputs[spec.name]) for spec in manifest.inputs]
        expected = kept(reference, lambda: call_model(reference, inputs))
        assert_equal([golden.outputs[spec.name] for spec in manifest.outputs], expected)

    assert_equal(answers(model, example) if row.repeats else [], before)


def test_the_table_has_every_activation() -> None:
    named = {name for name in dir(keras.activations) if not name.startswith("_")}
    assert {*cells.NATIVE, *cells.LOOPED, *cells.ACROSS_UNITS} == named - NOT_FOR_CELLS - ALIASES.keys()
    for alias, name in ALIASES.items():
        assert getattr(keras.activations, alias) is getattr(keras.activations, name)


def test_the_table_names_each_row_once_and_its_forms_are_known() -> None:
    names = [str(row) for row in ROWS]
    assert len(set(names)) == len(names)
    assert list(FORMS) == [str(row) for row in EXPORTED]
    assert len(TEN) == 10


def forms_of(artifact: Artifact) -> dict[str, int]:
    """Count the forms that the report claims: ``native``, ``bidirectional``, ``fused``, ``loop``, ``keras loop``."""
    return dict(sorted(Counter(layer.form for layer in artifact.recurrences).items()))


def assert_operators(artifact: Artifact, row: Row) -> None:
    """The file's operators are those of the forms that the report claims."""
    forms = forms_of(artifact)
    if artifact.format == "tflite":
        assert KEEPS_STATE not in artifact.operators
        return
    loops = {name: count for name, count in artifact.operators.items() if name in LOOPS}
    recurrent = sum(artifact.operators.get(name, 0) for name in RECURRENT)
    if row.onnx == "loop":
        assert loops.get("Loop")
        assert any(layer.form == "keras loop" and layer.reason for layer in artifact.recurrences)
    else:
        assert not loops
        assert forms.keys() <= ({"native", "bidirectional"} if row.onnx == "native" else {"keras loop"})
        assert forms
    if row.nodes is not None:
        assert recurrent == row.nodes


def make_example(model: keras.Model) -> Any:
    """Random values for the inputs that a model declares, in its own structure."""
    random = np.random.default_rng(5)

    def value(tensor: keras.KerasTensor) -> NDArray[Any]:
        batch, *axes = tensor.shape
        shape = [3 if batch is None else batch, *(STEPS if size is None else size for size in axes)]
        # Whole numbers, as some of them are ids, whatever their dtype.
        return random.integers(0, 2 if tensor.dtype == "bool" else 5, shape).astype(tensor.dtype)

    example = keras.tree.map_structure(value, getattr(model, "_inputs_struct", model.inputs))
    return example[0] if isinstance(example, list) and len(example) == 1 else example


def answers(model: keras.Model, example: Any) -> list[NDArray[Any]]:
    return kept(model, lambda: model(example, training=False))


def kept(model: keras.Model, ask: Callable[[], Any]) -> list[NDArray[Any]]:
    """The answers, flat; the states of stateful layers are put back."""
    layers = [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]
    states = [(state, state.numpy()) for layer in layers for state in keras.tree.flatten(layer.states)]
    found = [keras.ops.convert_to_numpy(answer) for answer in keras.tree.flatten(ask())]
    for state, value in states:
        state.assign(value)
    return found


def assert_equal(found: list[NDArray[Any]], expected: list[NDArray[Any]]) -> None:
    """Bit by bit."""
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)
