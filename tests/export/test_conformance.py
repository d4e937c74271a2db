"""Every supported kind of recurrent model, converted to both formats and held against Keras."""

from __future__ import annotations

from collections.abc import Callable

import keras
import pytest

from deeprnn_edge.onnx_file import inspect_onnx
from deeprnn_edge.tflite_file import inspect_tflite
from deeprnn_export import tflite_lowering
from deeprnn_export.gate import FP32_ATOL, check_parity, keras_answers, require_parity
from deeprnn_export.grid import make_grid
from deeprnn_export.onnx_conversion import convert_to_onnx
from deeprnn_export.signature import read_signature
from deeprnn_export.tflite_conversion import convert_to_tflite
from tests.export.conftest import CELLS, randomised

STEPS = 5
Build = Callable[[str], keras.Model]


def tokens(
    *layers: keras.layers.Layer, mask: bool = False, steps: int | None = STEPS, dtype: str = "int32"
) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((steps,), dtype=dtype, name="tokens"),
            keras.layers.Embedding(50, 6, mask_zero=mask),
            *layers,
            keras.layers.Dense(1, activation="sigmoid", name="probability"),
        ]
    )


def features(*layers: keras.layers.Layer, mask: float | None = None, steps: int | None = STEPS) -> keras.Model:
    masking = [] if mask is None else [keras.layers.Masking(mask)]
    return keras.Sequential([keras.Input((steps, 5), name="features"), *masking, *layers])


def stack(cell: str, depth: int, *, units: int = 7, **options: object) -> list[keras.layers.Layer]:
    return [CELLS[cell](units, return_sequences=layer < depth - 1, **options) for layer in range(depth)]


def with_states(cell: str) -> keras.Model:
    """An encoder whose final states start a decoder, both masked, both visible in the outputs."""
    source = keras.Input((STEPS,), dtype="int32", name="source")
    target = keras.Input((STEPS,), dtype="int32", name="target")
    encoded, *states = CELLS[cell](7, return_state=True)(keras.layers.Embedding(50, 6, mask_zero=True)(source))
    decoded = CELLS[cell](7, return_sequences=True)(
        keras.layers.Embedding(50, 6, mask_zero=True)(target), initial_state=states
    )
    return keras.Model([source, target], [keras.layers.Dense(3)(decoded), encoded, states[-1]])


def shared(cell: str) -> keras.Model:
    """One layer called on two inputs, once masked and once not."""
    layer = CELLS[cell](7)
    left, right = keras.Input((STEPS, 5), name="left"), keras.Input((STEPS, 5), name="right")
    return keras.Model([left, right], keras.layers.Subtract()([layer(keras.layers.Masking()(left)), layer(right)]))


def bidirectional(cell: str, merge: str | None, *, mask: bool, sequences: bool) -> keras.Model:
    inputs = keras.Input((STEPS,), dtype="int32", name="tokens")
    embedded = keras.layers.Embedding(50, 6, mask_zero=mask)(inputs)
    wrapped = keras.layers.Bidirectional(CELLS[cell](7, return_sequences=sequences), merge_mode=merge)
    return keras.Model(inputs, wrapped(embedded))


MODELS: dict[str, Build] = {
    "depth 1": lambda cell: tokens(*stack(cell, 1)),
    "depth 2": lambda cell: tokens(*stack(cell, 2)),
    "depth 3 masked": lambda cell: tokens(*stack(cell, 3), mask=True),
    "depth 10 masked": lambda cell: tokens(*stack(cell, 10, units=4), mask=True),
    "free time": lambda cell: tokens(*stack(cell, 2), steps=None),
    "free time masked": lambda cell: tokens(*stack(cell, 2), mask=True, steps=None),
    "int64 ids": lambda cell: tokens(*stack(cell, 1), mask=True, dtype="int64"),
    "float ids": lambda cell: tokens(*stack(cell, 1), mask=True, dtype="float32"),
    "features": lambda cell: features(*stack(cell, 2)),
    "features masked": lambda cell: features(*stack(cell, 2), mask=-1.0),
    "features free time": lambda cell: features(*stack(cell, 2), mask=0.0, steps=None),
    "one step": lambda cell: features(*stack(cell, 2), steps=1),
    "sequences out": lambda cell: features(CELLS[cell](7, return_sequences=True)),
    "sequences out masked": lambda cell: features(CELLS[cell](7, return_sequences=True), mask=0.0),
    "no bias": lambda cell: tokens(*stack(cell, 2, use_bias=False), mask=True),
    "relu": lambda cell: tokens(*stack(cell, 2, activation="relu"), mask=True),
    "hard_sigmoid": lambda cell: tokens(
        *stack(
            cell, 2, **({"activation": "hard_sigmoid"} if cell == "rnn" else {"recurrent_activation": "hard_sigmoid"})
        )
    ),
    "unrolled": lambda cell: tokens(*stack(cell, 2, unroll=True), mask=True),
    "backwards": lambda cell: tokens(*stack(cell, 1, go_backwards=True)),
    "backwards masked": lambda cell: tokens(*stack(cell, 1, go_backwards=True), mask=True),
    "backwards sequences": lambda cell: features(CELLS[cell](7, return_sequences=True, go_backwards=True)),
    "backwards sequences masked": lambda cell: features(
        CELLS[cell](7, return_sequences=True, go_backwards=True), mask=0.0
    ),
    "zero output for mask": lambda cell: features(
        CELLS[cell](7, return_sequences=True, zero_output_for_mask=True),
        CELLS[cell](5, zero_output_for_mask=True),
        mask=0.0,
    ),
    "states": with_states,
    "shared": shared,
    "between layers": lambda cell: features(
        CELLS[cell](7, return_sequences=True),
        keras.layers.LayerNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(6, activation="relu"),
        CELLS[cell](7, dropout=0.2, recurrent_dropout=0.2),
        mask=0.0,
    ),
    "bidirectional": lambda cell: bidirectional(cell, "concat", mask=False, sequences=False),
    "bidirectional masked": lambda cell: bidirectional(cell, "concat", mask=True, sequences=False),
    "bidirectional sequences masked": lambda cell: bidirectional(cell, "sum", mask=True, sequences=True),
    "bidirectional apart": lambda cell: bidirectional(cell, None, mask=True, sequences=True),
    "bidirectional stack": lambda cell: tokens(
        keras.layers.Bidirectional(CELLS[cell](5, return_sequences=True)),
        keras.layers.Bidirectional(CELLS[cell](5)),
        mask=True,
    ),
}
CELL_MODELS: dict[str, tuple[str, Build]] = {
    "depth 10": ("lstm", lambda cell: tokens(*stack(cell, 10, units=4))),
    "reset before": ("gru", lambda cell: tokens(*stack(cell, 2, reset_after=False), mask=True)),
    "reset before, no bias": ("gru", lambda cell: tokens(*stack(cell, 2, reset_after=False, use_bias=False))),
    "RNN of a cell": ("lstm", lambda _: tokens(keras.layers.RNN(keras.layers.LSTMCell(7)), mask=True)),
}
CASES = [(cell, build) for build in MODELS.values() for cell in CELLS] + list(CELL_MODELS.values())
IDS = [f"{cell}, {name}" for name in MODELS for cell in CELLS] + list(CELL_MODELS)


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """TFLite's loop with a rest of one step and two turns, over sequences short enough to trace quickly."""
    monkeypatch.setattr(tflite_lowering, "UNROLLED_STEPS", 2)


@pytest.mark.parametrize(("cell", "build"), CASES, ids=IDS)
@pytest.mark.usefixtures("convert_in_process", "short_chunks")
def test_both_formats_answer_as_keras_does(cell: str, build: Build) -> None:
    model = randomised(build(cell))
    signature = read_signature(model)
    length = next((spec.shape[1] for spec in signature.inputs if isinstance(spec.shape[1], int)), STEPS)
    cases = keras_answers(model, signature, make_grid(signature, length=length))
    before = {case.name: case.outputs for case in cases}

    onnx = convert_to_onnx(model, signature)
    shapes = {
        spec.name: (1, *(size if isinstance(size, int) else STEPS for size in spec.shape[1:]))
        for spec in signature.inputs
    }
    tflite = convert_to_tflite(model, signature, shapes)
    decisions = [spec.name for spec in signature.outputs if spec.name == "probability"]
    require_parity(
        [
            check_parity(content, kind, f"model.{kind}", cases, atol=FP32_ATOL, decisions=decisions)
            for kind, content in (("onnx", onnx), ("tflite", tflite))
        ]
    )

    found = inspect_onnx(onnx, "model.onnx")
    assert not found.loops
    assert not found.foreign
    assert sum(found.recurrent.values()) >= 1
    assert not inspect_tflite(tflite, "model.tflite").foreign
    assert [spec.shape for spec in found.inputs] == [spec.shape for spec in signature.inputs]
    assert [spec.name for spec in found.outputs] == [spec.name for spec in signature.outputs]
    after = keras_answers(model, signature, make_grid(signature, length=length))
    for case in after:  # conversion left the model as it was
        for name, values in case.outputs.items():
            assert (values == before[case.name][name]).all()
