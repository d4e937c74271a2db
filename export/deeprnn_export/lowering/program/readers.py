"""Read each TensorFlow operation as one of a program, and each marker."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from deeprnn_export.cells.cell import Recurrence
from deeprnn_export.lowering.program.activations import find_activation
from deeprnn_export.lowering.program.form import (
    CELLS,
    Activate,
    Activation,
    Convolve,
    Dense,
    Embed,
    Join,
    Multiply,
    Pool,
    Recur,
    Reduce,
    Slice,
    Tensor,
    Tile,
    Transpose,
)
from deeprnn_export.lowering.program.graph import VIEWS, Reader
from deeprnn_export.lowering.program.markers import array_of

Read = Callable[[Reader, Any], Tensor]

_ACTIVATIONS = {
    "Tanh": "tanh", "Sigmoid": "sigmoid", "Elu": "elu", "Selu": "selu", "Softplus": "softplus", "Softsign": "softsign",
    "Exp": "exponential", "Softmax": "softmax", "LogSoftmax": "log_softmax",
}  # fmt: skip
_UNARY = {"Neg": "negate", "Abs": "absolute", "Square": "square", "Sqrt": "root", "Rsqrt": "inverse_root", "Log": "log"}
_BINARY = {
    "AddV2": "add", "Add": "add", "Sub": "subtract", "Mul": "multiply", "RealDiv": "divide", "Maximum": "maximum",
    "Minimum": "minimum", "SquaredDifference": "squared_difference", "NotEqual": "not_equal", "Equal": "equal",
    "Greater": "greater", "GreaterEqual": "greater_equal", "Less": "less", "LessEqual": "less_equal",
    "LogicalAnd": "minimum", "LogicalOr": "maximum", "BiasAdd": "add",
}  # fmt: skip
_REDUCTIONS = {"Sum": "sum", "Mean": "mean", "Max": "max", "Min": "min", "Prod": "product", "Any": "max", "All": "min"}


def read_marker(reader: Reader, op: Any) -> list[Tensor]:
    """Append a layer's operation; the tensors of the marker's outputs."""
    call = int(op.get_attr("token"))
    marker = reader.markers[call]
    layer, node, what = marker.layer, op.inputs[0], marker.what
    if isinstance(what, Recurrence):
        return _read_recurrence(reader, op)
    if isinstance(what, keras.layers.Embedding):
        ids = reader.ids(node, layer)
        return [reader.add(Embed(layer, reader.new((*ids.shape, what.output_dim)), ids, array_of(what.embeddings)))]
    x = reader.tensor(node)
    activation = find_activation(what if not hasattr(what, "kernel") else what.activation)
    if not hasattr(what, "kernel"):
        return [reader.add(Activate(layer, reader.new(x.shape), x, activation or Activation()))]
    kernel = array_of(what.kernel)
    bias = array_of(what.bias) if what.use_bias else np.zeros(kernel.shape[-1], np.float32)
    if isinstance(what, keras.layers.Dense):
        to = reader.new((*x.shape[:-1], kernel.shape[1]))
        return [reader.add(Dense(layer, to, x, kernel, bias, activation or Activation()))]
    stride, dilation = int(what.strides[0]), int(what.dilation_rate[0])
    shape = what.compute_output_shape(x.shape)
    context = (kernel.shape[0] - 1) * dilation
    before = {"causal": context, "valid": 0}.get(what.padding)
    if x.timed and (stride != 1 or (what.padding == "valid" and context)):
        raise reader.refusal(f"layer {layer!r} (Conv1D) changes the number of steps, which is free")
    if before is None:
        before = 0 if x.timed else _same(x.shape[1], shape[1], stride, context + 1)
        before = context // 2 if x.timed else before
    to = reader.new(tuple(shape))
    return [
        reader.add(Convolve(layer, to, x, kernel, bias, activation or Activation(), stride, dilation, before, call))
    ]


def _same(size: Any, outputs: Any, stride: int, window: int) -> int:
    """Count the zeros ahead of an axis with the padding ``same``."""
    return max(int((outputs - 1) * stride + window - size), 0) // 2


def _read_recurrence(reader: Reader, op: Any) -> list[Tensor]:
    marker = reader.markers[int(op.get_attr("token"))]
    one: Recurrence = marker.what
    second = one.recurrent_bias
    x, *rest = [reader.tensor(node) for node in op.inputs]
    mask = rest.pop(0) if marker.masked else None
    rows, steps, _ = x.shape
    ends = tuple(reader.new((rows, one.units)) for _ in range(len(one.cell.states)))
    to = reader.new((rows, steps, one.units) if one.return_sequences else (rows, one.units))
    activation, gates = find_activation(one.activation), find_activation(one.recurrent_activation)
    if activation is None or gates is None:  # why_not has let none through
        raise reader.refusal(f"layer {one.name!r} has an activation of your own")
    reader.add(
        Recur(
            layer=one.name,
            to=to,
            x=x,
            mask=mask,
            initial=tuple(rest),
            begin=marker.begin or (0.0,) * len(one.cell.states),
            ends=ends,
            cell=CELLS[one.cell.name],
            kernel=one.kernel,
            recurrent=one.recurrent_kernel,
            bias=one.bias if second is None else np.stack([one.bias, second]),
            activation=activation,
            gate_activation=gates,
            reset_after=second is not None,
            backwards=one.go_backwards,
            zero_masked=one.zero_output_for_mask,
            sequences=one.return_sequences,
            call=int(op.get_attr("token")),
        )
    )
    return [to, *ends]


def _view(reader: Reader, node: Any) -> Tensor:
    x, shape = reader.tensor(node.op.inputs[0]), reader.shape(node)
    same_size = Tensor(x.buffer, shape).step_size == x.step_size
    if not same_size or shape.count(None) != x.shape.count(None):
        raise reader.refuse(node, "reshapes into another number of steps")
    return Tensor(x.buffer, shape)


def _cast(reader: Reader, node: Any) -> Tensor:
    source = node.op.inputs[0]
    x = reader.tensor(source)
    if node.dtype.is_bool and not source.dtype.is_bool:
        return reader.combine(node, "not_equal", x, reader.constant(0))
    if node.dtype.is_integer and source.dtype.is_floating:
        raise reader.refuse(node, "cuts numbers to integers")
    return x


def _activate(reader: Reader, node: Any) -> Tensor:
    name = _ACTIVATIONS[node.op.type]
    return reader.fill(node, Activate, reader.tensor(node.op.inputs[0]), Activation(name, float(name == "elu")))


def _relu(reader: Reader, node: Any) -> Tensor:
    most = 6.0 if node.op.type == "Relu6" else math.inf
    return reader.fill(node, Activate, reader.tensor(node.op.inputs[0]), Activation("relu", most))


def _leaky(reader: Reader, node: Any) -> Tensor:
    slope = Activation("leaky_relu", float(node.op.get_attr("alpha")))
    return reader.fill(node, Activate, reader.tensor(node.op.inputs[0]), slope)


def _unary(reader: Reader, node: Any) -> Tensor:
    return reader.combine(node, _UNARY[node.op.type], reader.tensor(node.op.inputs[0]))


def _not(reader: Reader, node: Any) -> Tensor:
    return reader.combine(node, "subtract", reader.constant(1), reader.tensor(node.op.inputs[0]))


def _elementwise(reader: Reader, node: Any) -> Tensor:
    operands = [reader.tensor(one) for one in node.op.inputs]
    if len({one.shape.count(None) for one in operands if one.timed}) > 1:
        raise reader.refuse(node, "combines two time axes")
    return reader.combine(node, _BINARY[node.op.type], *operands)


def _select(reader: Reader, node: Any) -> Tensor:
    return reader.combine(node, "select", *[reader.tensor(one) for one in node.op.inputs])


def _reduce(reader: Reader, node: Any) -> Tensor:
    x = reader.tensor(node.op.inputs[0])
    axes = sorted(int(axis) % len(x.shape) for axis in np.ravel(reader.static(node.op.inputs[1])))
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise reader.refuse(node, "reduces axes that are not neighbours")
    return reader.fill(node, Reduce, _REDUCTIONS[node.op.type], x, axes[0], axes[-1])


def _concatenate(reader: Reader, node: Any) -> Tensor:
    *parts, axis = node.op.inputs
    place = int(reader.static(axis)) % node.shape.rank
    tensors = tuple(reader.tensor(part) for part in parts)
    if any(part.shape[place] is None for part in tensors):
        raise reader.refuse(node, "concatenates sequences of a free number of steps")
    return reader.fill(node, Join, tensors, place)


def _pack(reader: Reader, node: Any) -> Tensor:
    axis = int(node.op.get_attr("axis")) % node.shape.rank
    parts = [reader.tensor(one) for one in node.op.inputs]
    wider = [Tensor(one.buffer, (*one.shape[:axis], 1, *one.shape[axis:])) for one in parts]
    return reader.fill(node, Join, tuple(wider), axis)


def _unpack(reader: Reader, node: Any) -> Tensor:
    x = reader.tensor(node.op.inputs[0])
    axis, index = int(node.op.get_attr("axis")) % len(x.shape), list(node.op.outputs).index(node)
    return _cut(reader, node, x, {axis: (index, 1)}, dropped=(axis,))


def _split(reader: Reader, node: Any) -> Tensor:
    values, axis = (node.op.inputs[1], node.op.inputs[0]) if node.op.type == "Split" else node.op.inputs[::2]
    x, outputs = reader.tensor(values), list(node.op.outputs)
    place = int(reader.static(axis)) % len(x.shape)
    begin = sum(one.shape[place] for one in outputs[: outputs.index(node)])
    return _cut(reader, node, x, {place: (begin, 1)})


def _reverse(reader: Reader, node: Any) -> Tensor:
    x = reader.tensor(node.op.inputs[0])
    axes = [int(axis) % len(x.shape) for axis in np.ravel(reader.static(node.op.inputs[1]))]
    return _cut(reader, node, x, dict.fromkeys(axes, (-1, -1)))


def _slice(reader: Reader, node: Any) -> Tensor:
    x, begins = reader.tensor(node.op.inputs[0]), reader.static(node.op.inputs[1])
    if begins is None:
        raise reader.refuse(node, "cuts where the input says")
    return _cut(reader, node, x, {axis: (int(begin), 1) for axis, begin in enumerate(begins)})


def _strided(reader: Reader, node: Any) -> Tensor:
    x = reader.tensor(node.op.inputs[0])
    begin, end, steps = (reader.static(one) for one in node.op.inputs[1:4])
    if begin is None or end is None or steps is None or node.op.get_attr("new_axis_mask"):
        raise reader.refuse(node, "cuts where the input says")
    masks = {name: node.op.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "shrink_axis")}
    cuts: dict[int, tuple[int, int]] = {}
    dropped, axis = [], 0
    for place in range(len(begin)):
        if masks["ellipsis"] >> place & 1:
            axis += len(x.shape) - len(begin) + 1
            continue
        step, shrinks = int(steps[place]), bool(masks["shrink_axis"] >> place & 1)
        open_begin, open_end = (bool(masks[side] >> place & 1) and not shrinks for side in ("begin", "end"))
        first = (0 if step > 0 else -1) if open_begin else int(begin[place])
        whole = open_end and (first, step) in ((0, 1), (-1, -1))
        if x.shape[axis] is None and not whole and not shrinks:
            raise reader.refuse(node, "cuts a sequence of a free number of steps")
        if x.shape[axis] is None and shrinks and first not in (0, -1):
            raise reader.refuse(node, "takes a step from the middle of a sequence of a free number of steps")
        cuts[axis] = (first, 1 if shrinks else step)
        dropped += [axis] if shrinks else []
        axis += 1
    return _cut(reader, node, x, cuts, dropped=tuple(dropped))


def _cut(
    reader: Reader, node: Any, x: Tensor, cuts: dict[int, tuple[int, int]], dropped: tuple[int, ...] = ()
) -> Tensor:
    """Take a slice; an axis that is dropped has one element left."""
    shape = list(reader.shape(node))
    for axis in dropped:
        shape.insert(axis, 1)
    axes = range(len(x.shape))
    begins, steps = (tuple(cuts.get(axis, (0, 1))[part] for axis in axes) for part in (0, 1))
    if begins == (0,) * len(x.shape) and tuple(shape) == x.shape and set(steps) == {1}:
        return Tensor(x.buffer, reader.shape(node))
    to = reader.add(Slice(reader.layer(node), reader.new(tuple(shape)), x, begins, steps))
    return Tensor(to.buffer, reader.shape(node))


def _transpose(reader: Reader, node: Any) -> Tensor:
    x = reader.tensor(node.op.inputs[0])
    return reader.fill(node, Transpose, x, tuple(int(axis) for axis in reader.static(node.op.inputs[1])))


def _tile(reader: Reader, node: Any) -> Tensor:
    """Repeat whole axes: one that is repeated gets a place of its own in front."""
    x, shape = reader.tensor(node.op.inputs[0]), reader.shape(node)
    if node.op.type == "BroadcastTo":
        return reader.fill(node, Tile, x)
    split: list[int | None] = []
    apart: list[int | None] = []
    for size, whole in zip(x.shape, shape, strict=True):
        if size == whole:
            split, apart = [*split, size], [*apart, size]
        elif size is None or whole is None:
            raise reader.refuse(node, "repeats into a free number of steps")
        else:
            split, apart = [*split, 1, size], [*apart, whole // size, size]
    to = reader.add(Tile(reader.layer(node), reader.new(tuple(apart)), Tensor(x.buffer, tuple(split))))
    return Tensor(to.buffer, shape)


def _multiply(reader: Reader, node: Any) -> Tensor:
    turns = ("transpose_a", "transpose_b") if node.op.type == "MatMul" else ("adj_x", "adj_y")
    turn_a, turn_b = (bool(node.op.get_attr(turn)) for turn in turns)
    a, b = node.op.inputs
    kernel = reader.static(b)
    if kernel is not None and not turn_a and kernel.ndim == 2:
        matrix = np.asarray(kernel.T if turn_b else kernel, np.float32)
        return reader.fill(node, Dense, reader.tensor(a), matrix, np.zeros(matrix.shape[1], np.float32), Activation())
    left, right = reader.tensor(a), reader.tensor(b)
    if left.shape[:-2] != right.shape[:-2]:
        raise reader.refuse(node, "multiplies matrices of different batches")
    return reader.fill(node, Multiply, left, right, turn_a, turn_b)


def _pool(reader: Reader, node: Any) -> Tensor:
    x, shape = reader.tensor(node.op.inputs[0]), reader.shape(node)
    window, strides = node.op.get_attr("ksize"), node.op.get_attr("strides")
    # A pool over time has an axis of 1 that Keras puts in, before or behind it.
    axes = [axis for axis in range(4) if window[axis] != 1 or strides[axis] != 1] or [1]
    if node.op.get_attr("data_format") != b"NHWC" or len(axes) > 1 or x.timed:
        raise reader.refuse(node, f"pools ({node.op.type}) over other axes than one fixed one")
    axis = axes[0]
    outer = math.prod(size for size in x.shape[:axis] if size is not None)
    inner = math.prod(size for size in x.shape[axis + 1 :] if size is not None)
    before = 0
    if node.op.get_attr("padding") == b"SAME":
        before = _same(x.shape[axis], shape[axis], strides[axis], window[axis])
    flat = Tensor(x.buffer, (outer, x.shape[axis], inner))
    function = "max" if node.op.type == "MaxPool" else "mean"
    to = reader.new((outer, shape[axis], inner))
    reader.add(Pool(reader.layer(node), to, function, flat, window[axis], strides[axis], before))  # type: ignore[arg-type]
    return Tensor(to.buffer, shape)


READERS: dict[str, Read] = {
    **dict.fromkeys(VIEWS, _view), "Cast": _cast, **dict.fromkeys(_ACTIVATIONS, _activate), "Relu": _relu,
    "Relu6": _relu, "LeakyRelu": _leaky, **dict.fromkeys(_UNARY, _unary), **dict.fromkeys(_BINARY, _elementwise),
    "LogicalNot": _not, "SelectV2": _select, **dict.fromkeys(_REDUCTIONS, _reduce), "ConcatV2": _concatenate,
    "Pack": _pack, "Unpack": _unpack, "Split": _split, "SplitV": _split, "ReverseV2": _reverse, "Slice": _slice,
    "StridedSlice": _strided, "Transpose": _transpose, "Tile": _tile, "BroadcastTo": _tile, "MatMul": _multiply,
    "BatchMatMulV2": _multiply, "BatchMatMul": _multiply, "MaxPool": _pool, "AvgPool": _pool,
}  # fmt: skip
