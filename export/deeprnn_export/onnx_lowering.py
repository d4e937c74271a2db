"""Recurrences as native ONNX nodes: RNN, LSTM, GRU, never a Loop.

Tracing leaves one marker op for each layer; when tf2onnx meets the marker, the handler puts the
native node in its place. Everything around the marker is TensorFlow, which tf2onnx converts.

Layouts follow the ONNX operator specification (RNN-14, LSTM-14, GRU-14): ``X (time, batch,
features)``, ``W (directions, gates * units, features)``, ``B (directions, 2 * gates * units)``.
ONNX Runtime's CPU kernels take this time-major layout alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export import packing
from deeprnn_export.recurrence import Recurrence, is_zero

MARKER = "PyFunc"  # a TensorFlow op with free inputs, outputs and a string; it is never run
_OPERATOR = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
_STATE_OUTPUTS = {"rnn": ["Y_h"], "lstm": ["Y_h", "Y_c"], "gru": ["Y_h"]}
# Keras's gate order -> ONNX's: LSTM i,f,c,o -> i,o,f,c; GRU z,r,h -> z,r,h.
_GATES = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [0, 1, 2]}
# Keras name -> (ONNX name, alpha, beta); None where ONNX defines no parameter.
# hard_sigmoid: Keras is x/6 + 0.5, ONNX's default slope is 0.2.
# leaky_relu: Keras's slope is 0.2, ONNX's default 0.01.
_ACTIVATIONS: dict[str, tuple[str, float | None, float | None]] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "softplus": ("Softplus", None, None),
    "softsign": ("Softsign", None, None),
    "elu": ("Elu", 1.0, None),
    "leaky_relu": ("LeakyRelu", 0.2, None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
    "linear": ("Affine", 1.0, 0.0),
}


@dataclass(frozen=True)
class _Marker:
    """One call of a recurrent layer: its inputs are x, then lengths and states where it has them.

    attributes: the native node's, made while tracing: tf2onnx swallows what a handler raises.
    """

    recurrence: Recurrence
    token: str
    attributes: dict[str, Any]
    has_lengths: bool
    has_states: bool


class OnnxLowering:
    """Builds one traced graph; use a new one for each conversion.

    It remembers which time-major tensor stands behind a batch-major one, so that stacked layers
    hand over directly, without unpacking and packing between them.
    """

    def __init__(self) -> None:
        self._markers: list[_Marker] = []
        self._packings: dict[Any, packing.Packing] = {}
        self._time_major: dict[Any, tuple[Any, packing.Packing | None]] = {}

    def __call__(
        self, recurrence: Recurrence, sequences: Any, states: list[Any], mask: Any
    ) -> tuple[Any, Any, list[Any]]:
        """The seam's replacement: mark the layer and say how Keras's three results come from it."""
        plan = self._packing(mask)
        packed, final_states = self._mark(recurrence, self._enter(sequences, plan), plan, states)
        if plan is None:
            last = final_states[0]
        else:
            # The native state of a row without steps is its initial state; Keras's output is zero.
            ended = plan.mask[:, 0 if recurrence.go_backwards else -1]
            counted = ended if recurrence.zero_output_for_mask else plan.lengths > 0
            plain = not recurrence.zero_output_for_mask and is_zero(states[0])
            last = final_states[0] if plain else tf.where(counted[:, tf.newaxis], final_states[0], 0.0)
        if not recurrence.return_sequences:
            return last, last[:, tf.newaxis], final_states
        outputs = self._leave(recurrence, packed, plan)
        outputs.set_shape((*sequences.shape[:2], recurrence.units))
        return last, outputs, final_states

    def handlers(self) -> dict[str, tuple[Any, list[Any]]]:
        """The ``custom_op_handlers`` that put the native nodes in place of the markers."""

        def replace(context: Any, node: Any, _name: str, _args: Any) -> None:
            _place_native(context, node, self._markers[int(node.get_attr_str("token"))])

        return {MARKER: (replace, [])}

    def _packing(self, mask: Any) -> packing.Packing | None:
        if mask is None:
            return None
        if mask.ref() not in self._packings:
            self._packings[mask.ref()] = packing.make_packing(tf.cast(mask, tf.bool), trim=True)
        return self._packings[mask.ref()]

    def _enter(self, sequences: Any, plan: packing.Packing | None) -> Any:
        known, known_plan = self._time_major.get(sequences.ref(), (None, None))
        if known is not None and known_plan is plan:
            return known
        return tf.transpose(sequences, (1, 0, 2)) if plan is None else packing.pack(sequences, plan)

    def _leave(self, recurrence: Recurrence, packed: Any, plan: packing.Packing | None) -> Any:
        if plan is None:
            outputs = tf.transpose(packed, (1, 0, 2))
        else:
            outputs = packing.unpack(
                packed, plan, backwards=recurrence.go_backwards, zero_masked=recurrence.zero_output_for_mask
            )
        if recurrence.go_backwards:  # Keras keeps the order of computation, ONNX that of time
            return tf.reverse(outputs, [1])
        self._time_major[outputs.ref()] = (packed, plan)
        return outputs

    def _mark(
        self, recurrence: Recurrence, x: Any, plan: packing.Packing | None, states: list[Any]
    ) -> tuple[Any, list[Any]]:
        token = str(len(self._markers))
        zero = all(is_zero(state) for state in states)
        attributes = _attributes(recurrence)
        self._markers.append(_Marker(recurrence, token, attributes, has_lengths=plan is not None, has_states=not zero))
        lengths = [] if plan is None else [plan.lengths]
        inputs = [x, *lengths, *([] if zero else states)]
        marker = tf.raw_ops.PyFunc(
            input=inputs, token=token, Tout=[tf.float32] * (1 + recurrence.states), name=f"recurrence_{token}"
        )
        # The marker's shapes are unknown to TensorFlow; these ops carry them through freezing.
        y = tf.ensure_shape(marker[0], (x.shape[0], x.shape[1], recurrence.units))
        final = [tf.ensure_shape(state, (x.shape[1], recurrence.units)) for state in marker[1:]]
        return y, final


def _place_native(context: Any, node: Any, marker: _Marker) -> None:
    recurrence = marker.recurrence
    x, *rest = node.input
    lengths = rest.pop(0) if marker.has_lengths else ""
    outputs = list(node.output)
    dtypes = [context.get_dtype(name) for name in outputs]
    context.remove_node(node.name)

    native = context.make_node(
        _OPERATOR[recurrence.cell],
        [
            x,
            *_weights(context, recurrence),
            lengths,
            *[context.make_node("Unsqueeze", [state, _axis(context, 0)]).output[0] for state in rest],
        ],
        attr=marker.attributes,
        output_count=1 + recurrence.states,
        name=f"{recurrence.name}/{_OPERATOR[recurrence.cell]}_{marker.token}",
        shapes=[None] * len(outputs),
        dtypes=dtypes,
    )
    y, *finals = native.output
    context.make_node("Squeeze", [y, _axis(context, 1)], outputs=[outputs[0]], dtypes=[dtypes[0]])
    for final, output, dtype in zip(finals, outputs[1:], dtypes[1:], strict=True):
        context.make_node("Squeeze", [final, _axis(context, 0)], outputs=[output], dtypes=[dtype])


def _weights(context: Any, recurrence: Recurrence) -> list[str]:
    """The names of W, R and B in the graph; a layer that is called twice has them once."""
    names = [f"{recurrence.name}/{kind}" for kind in ("W", "R", "B")]
    if context.get_node_by_name(names[0]) is None:
        for name, value in zip(names, native_weights(recurrence), strict=True):
            context.make_const(name, value)
    return [context.get_node_by_name(name).output[0] for name in names]


def _axis(context: Any, axis: int) -> Any:
    from tf2onnx import utils

    return context.make_const(utils.make_name("axis"), np.array([axis], np.int64)).output[0]


def native_weights(recurrence: Recurrence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``W (1, gates * units, features)``, ``R (1, gates * units, units)``, ``B (1, 2 * gates * units)``."""
    order, units = _GATES[recurrence.cell], recurrence.units

    def gates(matrix: np.ndarray) -> np.ndarray:  # (..., gates * units) -> ONNX's gate order
        blocks = matrix.reshape(*matrix.shape[:-1], len(order), units)[..., order, :]
        return np.ascontiguousarray(blocks.reshape(matrix.shape))

    if recurrence.reset_after:  # GRU's candidate needs the recurrent bias inside the reset gate
        bias = np.concatenate([gates(recurrence.bias[0]), gates(recurrence.bias[1])])
    else:  # one bias in Keras: all of it with the inputs, none with the recurrence
        bias = np.concatenate([gates(recurrence.bias), np.zeros_like(recurrence.bias)])
    w, r = gates(recurrence.kernel).T, gates(recurrence.recurrent_kernel).T
    return np.ascontiguousarray(w)[np.newaxis], np.ascontiguousarray(r)[np.newaxis], bias[np.newaxis]


def _attributes(recurrence: Recurrence) -> dict[str, Any]:
    names = {
        "rnn": [recurrence.activation],
        "gru": [recurrence.recurrent_activation, recurrence.activation],
        "lstm": [recurrence.recurrent_activation, recurrence.activation, recurrence.activation],
    }[recurrence.cell]
    attributes: dict[str, Any] = {
        "hidden_size": recurrence.units,
        "direction": "reverse" if recurrence.go_backwards else "forward",
    }
    if recurrence.cell == "gru":
        attributes["linear_before_reset"] = int(recurrence.reset_after)
    known = [activation(recurrence, name) for name in names]
    attributes["activations"] = [name for name, _, _ in known]
    if any(alpha is not None for _, alpha, _ in known):
        attributes["activation_alpha"] = [alpha or 0.0 for _, alpha, _ in known]
        attributes["activation_beta"] = [beta or 0.0 for _, _, beta in known]
    return attributes


def activation(recurrence: Recurrence, name: str) -> tuple[str, float | None, float | None]:
    """ONNX's name and parameters of a Keras activation, or a refusal that names the layer."""
    if name not in _ACTIVATIONS:
        raise UnsupportedModelError(
            f"layer {recurrence.name!r} uses the activation {name!r}, which the ONNX recurrent operators do not have; "
            f"export it with --format tflite alone, or train it with one of {', '.join(sorted(_ACTIVATIONS))}."
        )
    return _ACTIVATIONS[name]
