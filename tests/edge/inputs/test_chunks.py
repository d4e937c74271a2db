"""Chunks of models with several inputs, and the buffers that they are copied into."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import StateSpec, StreamSpec, TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.stream import Stream
from deeprnn_edge.inference.stream_source import run_from_start
from deeprnn_edge.inputs.chunks import ChunkRules, read_chunk
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.runtimes.onnx.stepper import BufferPool, OnnxStepper

SPEC = StreamSpec(
    inputs=(
        TensorSpec("ids", "int32", ("batch", "time"), id_count=9),
        TensorSpec("place", "float32", ("batch", 2)),
        TensorSpec("x", "float32", ("batch", "time", 3)),
    ),
    outputs=(TensorSpec("last", "float32", ("batch", 1)), TensorSpec("each", "float32", ("batch", "time", 2))),
    states=(StateSpec("state_h", "next_state_h", "gru", ("batch", 4), initial=0.5),),
    skips_padding=False,
)
RULES = ChunkRules(SPEC, Preprocessing("tokens"), TextEncoder(Preprocessing("tokens"), ()))


def chunk(rows: int, steps: int) -> dict[str, Any]:
    return {
        "ids": np.full((rows, steps), 3, np.int32),
        "place": np.full((rows, 2), 7, np.float32),
        "x": np.full((rows, steps, 3), 5, np.float32),
    }


@pytest.mark.parametrize("rows", [1, 2])
def test_several_inputs_come_by_name_or_in_order(rows: int) -> None:
    given = chunk(rows, 4)
    for form in (given, list(given.values()), tuple(given.values())):
        arrays = read_chunk(form, RULES, bytearray(rows))
        assert arrays is not None
        assert all(np.array_equal(arrays[name], given[name]) for name in given)


def test_an_item_of_several_inputs() -> None:
    arrays = read_chunk({name: array[0] for name, array in chunk(1, 4).items()}, RULES, bytearray(1))
    assert arrays is not None
    assert {name: array.shape for name, array in arrays.items()} == {"ids": (1, 4), "place": (1, 2), "x": (1, 4, 3)}


def test_no_steps_in_several_inputs() -> None:
    assert read_chunk(chunk(2, 0), RULES, bytearray(2)) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.zeros((2, 3), np.int32)}, "the inputs have unequal numbers of steps: ids 3, x 4"),
        ({"ids": np.zeros((2, 0), np.int32)}, "unequal numbers of steps: ids 0, x 4"),
        ({"place": np.zeros((1, 2), np.float32)}, r"input 'place' has the shape \(1, 2\), expected \(2, 2\)"),
        ({"place": np.zeros((2, 3), np.float32)}, r"input 'place' has the shape \(2, 3\), expected \(2, 2\)"),
        ({"place": np.zeros((2, 0), np.float32)}, r"input 'place' has the shape \(2, 0\)"),
        ({"x": np.full((2, 4, 3), np.nan)}, "input 'x' has a NaN"),
        ({"y": 1}, r"got the inputs \['ids', 'place', 'x', 'y'\]"),
    ],
)
def test_several_inputs_that_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_chunk({**chunk(2, 4), **change}, RULES, bytearray(2))


@pytest.mark.parametrize("given", ["film", ["film", "plot"], 3, [1, 2]])
def test_text_and_what_is_no_list_of_the_inputs(given: Any) -> None:
    with pytest.raises(InputError, match=r"got text, but|the model has 3 inputs"):
        read_chunk(given, RULES, bytearray(2))


@pytest.mark.parametrize("change", [{"place": np.ones((1, 2), np.float32)}, {"ids": np.ones((2, 3), np.int32)}])
def test_whole_sequences_of_unequal_size(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"unequal numbers of rows or steps: ids \(2, .\), place"):
        run_from_start(Recording(), SPEC, None, {**chunk(2, 4), **change})  # type: ignore[arg-type]


class Recording:
    """Stands in for ONNX Runtime's session and its binding: a run answers with what is bound."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def io_binding(self) -> Recording:
        return self

    def bind_ortvalue_input(self, name: str, value: Any) -> None:
        self.inputs[name] = value

    def bind_ortvalue_output(self, name: str, value: Any) -> None:
        self.outputs[name] = value

    def run_with_iobinding(self, binding: Recording) -> None:
        assert binding is self
        self.seen = {name: value.numpy().copy() for name, value in self.inputs.items()}
        for name, value in self.outputs.items():
            value.update_inplace(np.full(value.shape(), len(name), np.float32))


def test_every_buffer_is_filled_whatever_lengths_follow_each_other() -> None:
    session = Recording()
    stepper = OnnxStepper(BufferPool(session, "m.onnx", SPEC, 2))  # type: ignore[arg-type]
    for steps in (3, 1, 1, 5):
        given = chunk(2, steps)
        outputs = stepper.advance(given)
        assert all(np.array_equal(session.seen[name], given[name]) for name in given)
        assert {name: array.shape for name, array in outputs.items()} == {"last": (2, 1), "each": (2, steps, 2)}


def test_several_outputs_come_by_name_and_the_states_move_on() -> None:
    session = Recording()
    stepper = OnnxStepper(BufferPool(session, "m.onnx", SPEC, 2))  # type: ignore[arg-type]
    manifest: Any = SimpleNamespace(answer=None)
    stream = Stream(cast(Any, session), stepper, RULES, 2, manifest)
    assert np.array_equal(stream.state["state_h"], np.full((2, 4), 0.5))
    answer = stream.push(chunk(2, 3))
    assert isinstance(answer, dict)
    assert {name: array.shape for name, array in answer.items()} == {"last": (2, 1), "each": (2, 3, 2)}
    assert np.array_equal(stream.state["state_h"], np.full((2, 4), len("next_state_h")))
    again = stream.push(chunk(2, 0))
    assert isinstance(again, dict)
    assert all(np.array_equal(again[name], answer[name]) for name in answer)
    stream.reset(1)
    assert np.array_equal(stream.state["state_h"], [[12] * 4, [0.5] * 4])
