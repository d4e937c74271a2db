"""Run a model in LiteRT, one row at a time: a TFLite artifact has a fixed batch of 1 and a fixed time axis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.runtimes.tflite import library
from deeprnn_edge.runtimes.tflite.stepper import RowCall, TFLiteStepper


class TFLiteSession:
    """Run one TFLite model. ``run`` may be called from several threads; they take turns.

    Args:
        delegates: whether LiteRT hands operators on to XNNPACK, which refuses some files that LiteRT itself runs.
    """

    def __init__(self, content: bytes, path: str, *, threads: int = 1, delegates: bool = True) -> None:
        try:
            self._interpreter = library.start_interpreter(content, threads=threads, delegates=delegates)
            inputs, outputs = library.signature_of(self._interpreter)
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{path}: LiteRT does not load it: {' '.join(str(error).split())}") from error
        self._inputs = {name: (detail["index"], detail["dtype"]) for name, detail in inputs.items()}
        self._outputs = {name: detail["index"] for name, detail in outputs.items()}
        self.fixed_shapes = {name: tuple(map(int, detail["shape"])) for name, detail in inputs.items()}
        self._lock, self._path = threading.Lock(), path

    def run(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run the model: arrays of its own inputs to arrays of its outputs, both by name.

        Raises:
            InputError: for another shape than the fixed one.
        """
        for name, shape in self.fixed_shapes.items():
            if feeds[name].shape[1:] != shape[1:]:
                raise InputError(
                    f"input {name!r} has the shape {feeds[name].shape}; this TFLite artifact takes "
                    f"(batch, {', '.join(map(str, shape[1:]))}): pad or cut it, or load the .onnx artifact"
                )
        # The fused LSTM, in files of earlier releases, keeps its state from one call to the next: tensorflow#46620.
        return self._run(feeds, self._interpreter.reset_all_variables)

    def run_plain(self, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run it as an app does that has LiteRT alone: variables keep their values from one call to the next."""
        return self._run(feeds, lambda: None)

    def _run(self, feeds: Arrays, prepare: Callable[[], object]) -> dict[str, NDArray[Any]]:
        rows = len(next(iter(feeds.values())))
        if rows == 1:  # what an app asks most; the interpreter's answers are arrays of their own
            return self._run_row(feeds, prepare)
        parts = [
            self._run_row({name: feeds[name][row : row + 1] for name in self._inputs}, prepare) for row in range(rows)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._outputs}

    def interface(self) -> tuple[list[TensorSpec], list[TensorSpec]]:
        """Return the file's inputs and outputs; the batch is ``?``, as rows run one after the other.

        So is the dtype: what goes in is cast. Outputs of loops have no shape before they have run.
        """
        inputs = [TensorSpec(name, "?", ("?", *shape[1:])) for name, shape in self.fixed_shapes.items()]
        return inputs, [TensorSpec(name, "?", ()) for name in self._outputs]

    def stepper(self, spec: StreamSpec, *, rows: int, chunk: int | None) -> TFLiteStepper:
        """Make new states for a stream of so many rows, which the interpreter answers one after the other."""
        return TFLiteStepper(self._call_in_order, spec, rows, chunk or 1)

    def _call_in_order(self, inputs: Sequence[str], outputs: Sequence[str]) -> RowCall:
        """Return a call on one row's arrays in the order of these names, in the file's dtypes and without variables."""
        lock, invoke = self._lock, self._interpreter.invoke
        set_tensor, get_tensor = self._interpreter.set_tensor, self._interpreter.get_tensor
        places = [self._inputs[name][0] for name in inputs]
        answers = [self._outputs[name] for name in outputs]
        path = self._path

        def call(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
            with lock:
                for place, array in zip(places, arrays, strict=True):
                    set_tensor(place, array)
                try:
                    invoke()
                except RuntimeError as error:
                    raise _run_error(path, error) from error
                return [get_tensor(answer) for answer in answers]

        return call

    def _run_row(self, feeds: Arrays, prepare: Callable[[], object]) -> dict[str, NDArray[Any]]:
        interpreter = self._interpreter
        with self._lock:
            prepare()
            for name, (index, dtype) in self._inputs.items():
                array = feeds[name]
                interpreter.set_tensor(index, array if array.dtype == dtype else array.astype(dtype))
            try:
                interpreter.invoke()
            except RuntimeError as error:
                raise _run_error(self._path, error) from error
            return {name: interpreter.get_tensor(index) for name, index in self._outputs.items()}


def _run_error(path: str, error: RuntimeError) -> BundleError:
    """Return the error of a file that loads and fails as it runs."""
    return BundleError(f"{path}: LiteRT cannot run it on these inputs: {' '.join(str(error).split())}")
