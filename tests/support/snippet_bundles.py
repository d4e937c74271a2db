"""Bundles written by hand for the programs of ``deeprnn-edge snippet``, and what is read from what these print."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact, Parity
from deeprnn_edge.bundle.bundle import GOLDEN, MANIFEST, open_bundle
from deeprnn_edge.bundle.golden import Case, decode_golden, encode_golden
from deeprnn_edge.bundle.manifest import Architecture, Manifest, Preprocessing, encode_manifest
from deeprnn_edge.bundle.tensors import StateSpec, StreamSpec, TensorSpec

# Without a character beyond the first 65,536: ONNX Runtime's Java package reads such a name as another one.
ODD = 'quo"te \\ back\\u0041 ${x} @about é ??/ %s {0}'
ATOL = 1e-6
FLOATS = np.random.default_rng(3).standard_normal((2, 3, 2)).astype(np.float32)


def write_bundle(
    folder: Path, nodes: Callable[[Any], list[Any]], case: Case, manifest: Manifest, *, opset: int = 17
) -> Path:
    """A bundle of a graph written by hand, whose answers numpy gave."""
    onnx = pytest.importorskip("onnx", reason="it writes the graph")
    stream = manifest.stream
    states = stream.states if stream else ()
    inputs = [*(stream.inputs if stream else manifest.inputs), *states]
    after = [TensorSpec(one.next_name, one.dtype, one.shape) for one in states]
    outputs = [*(stream.outputs if stream else manifest.outputs), *after]

    def info(spec: TensorSpec | StateSpec) -> Any:
        return onnx.helper.make_tensor_value_info(
            spec.name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype)), spec.shape
        )

    graph = onnx.helper.make_graph(nodes(onnx.helper.make_node), "graph", [*map(info, inputs)], [*map(info, outputs)])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    content = model.SerializeToString()
    folder.mkdir()
    (folder / "model.onnx").write_bytes(content)
    (folder / GOLDEN).write_bytes(encode_golden([case]))
    artifact = replace(manifest.artifacts[0], size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    (folder / MANIFEST).write_text(encode_manifest(replace(manifest, artifacts=(artifact,))), encoding="utf-8")
    return folder


def manifest_of(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], **more: Any) -> Manifest:
    kind = "stream" if "stream" in more else "sequence"
    artifact = Artifact("model.onnx", "onnx", "fp32", kind, 1, "0" * 64, Parity(0.0, ATOL, 0, 1))
    return Manifest(
        1, "made up\n", {}, tuple(inputs), tuple(outputs), Architecture((), 0), Preprocessing("sequence"), (),
        (artifact,), **more,
    )  # fmt: skip


def several(folder: Path) -> Path:
    """Every dtype in and out, names that are hard to write, and the extreme numbers of each dtype."""
    whole = np.array([[-(2**31), 2**31 - 1, 7]], np.int32)
    long = np.array([[2**53 - 1, -5, 0]], np.int64)
    single = np.array([[[3.4e38, -1e-38], [0.1, 1.0], [-0.0, 1e16]]], np.float32)
    double = np.array([[1e300, 1 / 3]], np.float64)
    mask = np.array([[True, False, True]])
    inputs = {"whole": whole, "long": long, ODD: single, "double": double, "mask": mask}
    outputs = {"whole out": whole, "long out": long, ODD + "!": single, "double out": double, "not": ~mask}

    def specs(arrays: dict[str, NDArray[Any]]) -> list[TensorSpec]:
        return [TensorSpec(name, one.dtype.name, ("batch", *one.shape[1:])) for name, one in arrays.items()]

    def nodes(make: Callable[..., Any]) -> list[Any]:
        same = list(zip(inputs, outputs, strict=True))[:4]
        return [*(make("Identity", [a], [b]) for a, b in same), make("Not", ["mask"], ["not"])]

    return write_bundle(
        folder, nodes, Case("batch 1, full", inputs, outputs), manifest_of(specs(inputs), specs(outputs))
    )


def counting(folder: Path) -> Path:
    """A stream of two rows: the running sum of its input beside an input and an output without steps."""
    inputs = [TensorSpec("x", "float32", (2, "time", 2)), TensorSpec("gain", "float32", (2, 2))]
    outputs = [TensorSpec("sum", "float32", (2, "time", 2)), TensorSpec("last", "float32", (2, 2))]
    states = (
        StateSpec("before", "after", "a", (2, 2), 0.25),
        StateSpec("count", "next count", "b", (2, 1), 3.0, "int64"),
    )
    gain = np.array([[1, 2], [3, 4]], np.float32)
    sums = 0.25 + np.cumsum(FLOATS * gain[:, None], axis=1)
    case = Case(
        "streamed, batch 2, full",
        {"x": FLOATS, "gain": gain, "before": np.full((2, 2), 0.25, np.float32), "count": np.full((2, 1), 3)},
        {
            "sum": sums.astype(np.float32),
            "last": sums[:, -1].astype(np.float32),
            "after": sums[:, -1].astype(np.float32),
            "next count": np.full((2, 1), 9),
        },
    )

    def nodes(make: Callable[..., Any]) -> list[Any]:
        return [
            make("Constant", [], ["axis"], value_ints=[1]),
            make("Unsqueeze", ["gain", "axis"], ["wide"]),
            make("Mul", ["x", "wide"], ["scaled"]),
            make("Unsqueeze", ["before", "axis"], ["start"]),
            make("Constant", [], ["one"], value_int=1),
            make("CumSum", ["scaled", "one"], ["running"]),
            make("Add", ["running", "start"], ["sum"]),
            make("ReduceSum", ["scaled", "axis"], ["added"], keepdims=0),
            make("Add", ["added", "before"], ["last"]),
            make("Identity", ["last"], ["after"]),
            make("Constant", [], ["two"], value_ints=[2]),
            make("Add", ["count", "two"], ["next count"]),
        ]

    stream = StreamSpec(tuple(inputs), tuple(outputs), states, skips_padding=False)
    return write_bundle(folder, nodes, case, manifest_of(inputs, outputs, stream=stream))


def long_one(folder: Path) -> Path:
    """An input and an output of more numbers than a program writes down."""
    values = np.random.default_rng(5).standard_normal((1, 90, 50)).astype(np.float32)
    inputs, outputs = [TensorSpec("x", "float32", ("batch", 90, 50))], [TensorSpec("y", "float32", ("batch", 90, 50))]
    case = Case("batch 1, full", {"x": values}, {"y": -values})
    return write_bundle(folder, lambda make: [make("Neg", ["x"], ["y"])], case, manifest_of(inputs, outputs))


def long_stream(folder: Path) -> Path:
    """The same step by step, beside a state that stays as it is."""
    values = np.random.default_rng(5).standard_normal((1, 90, 50)).astype(np.float32)
    inputs = [TensorSpec("x", "float32", ("batch", "time", 50))]
    outputs = [TensorSpec("y", "float32", ("batch", "time", 50))]
    state = np.zeros((1, 1), np.float32)
    case = Case("streamed", {"x": values, "before": state}, {"y": -values, "after": state})
    states = (StateSpec("before", "after", "a", ("batch", 1)),)
    stream = StreamSpec(tuple(inputs), tuple(outputs), states, skips_padding=False)

    def nodes(make: Callable[..., Any]) -> list[Any]:
        return [make("Neg", ["x"], ["y"]), make("Identity", ["before"], ["after"])]

    return write_bundle(folder, nodes, case, manifest_of(inputs, outputs, stream=stream))


def printed(output: str) -> dict[str, list[float]]:
    """The first numbers of each output by its name."""
    found = re.findall(r"^(.*): (.*?)(?: \.\.\.)?\n  largest difference to ", output, re.MULTILINE)
    return {name: [float(number) for number in numbers.split()] for name, numbers in found}


def expected_of(bundle: Path, name: str, artifact: str) -> dict[str, NDArray[Any]]:
    """Keras's answers, each flat in the order of the calls."""
    opened = open_bundle(bundle)
    case = next(case for case in decode_golden(opened.read_golden()) if case.name == name)
    manifest = opened.manifest
    stream = manifest.stream if opened.artifact(artifact).kind == "stream" else None
    specs = stream.outputs if stream else manifest.outputs
    return {
        spec.name: (np.swapaxes(case.outputs[spec.name], 0, 1) if stream and "time" in spec.shape
                    else case.outputs[spec.name]).ravel()
        for spec in specs
    }  # fmt: skip
