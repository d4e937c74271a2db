"""Build recurrences as native ONNX nodes: RNN, LSTM, GRU, never a Loop.

Tracing leaves one marker op for each layer; when tf2onnx meets the marker, the handler puts the
native node in its place. Everything around the marker is TensorFlow, which tf2onnx converts.

Layouts follow the ONNX operator specification (RNN-14, LSTM-14, GRU-14): ``X (time, batch,
features)``, ``W (directions, gates * units, features)``, ``B (directions, 2 * gates * units)``.
ONNX Runtime's CPU kernels take this time-major layout alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deeprnn_edge.bundle.artifact import Form
from deeprnn_export.cells.cell import NativeNode, Recurrence
from deeprnn_export.lowering import masks
from deeprnn_export.lowering.bidirectional import combine
from deeprnn_export.lowering.target import RecurrenceOutput
from deeprnn_export.reading.keras2.activations import keras2_hard_sigmoid
from deeprnn_export.targets.onnx.tf2onnx_internals import Handler, add_constant, add_node, take_out, text_attribute
from deeprnn_export.tracing.recurrence import is_zero, name_of
from deeprnn_export.tracing.tensorflow_internals import MARKER, place_marker

# Keras's function -> (ONNX name, alpha, beta); None where ONNX defines no parameter.
# hard_sigmoid: Keras is x/6 + 0.5, ONNX's default slope is 0.2.
# leaky_relu: Keras's slope is 0.2, ONNX's default 0.01. celu with Keras's alpha of 1 is elu.
_ACTIVATIONS: dict[Any, tuple[str, float | None, float | None]] = {
    keras.activations.tanh: ("Tanh", None, None),
    keras.activations.sigmoid: ("Sigmoid", None, None),
    keras.activations.relu: ("Relu", None, None),
    keras.activations.softplus: ("Softplus", None, None),
    keras.activations.softsign: ("Softsign", None, None),
    keras.activations.elu: ("Elu", 1.0, None),
    keras.activations.celu: ("Elu", 1.0, None),
    keras.activations.leaky_relu: ("LeakyRelu", 0.2, None),
    keras.activations.hard_sigmoid: ("HardSigmoid", 1 / 6, 0.5),
    keras.activations.linear: ("Affine", 1.0, 0.0),
    keras2_hard_sigmoid: ("HardSigmoid", 0.2, 0.5),
}


@dataclass(frozen=True)
class _Marker:
    """Hold one call of a layer: its inputs are x, then lengths and stacked states where it has them.

    Attributes:
        directions: one recurrence, or the forward and the reverse one of a bidirectional node.
        attributes: the native node's, made while tracing: tf2onnx swallows what a handler raises.
    """

    directions: tuple[Recurrence, ...]
    attributes: dict[str, Any]
    has_lengths: bool
    has_states: bool


class OnnxLowering:
    """Build one traced graph; use a new one for each conversion.

    It remembers which time-major tensor stands behind a batch-major one, so that stacked layers
    hand over directly, without restoring and gathering steps between them.
    """

    def __init__(self) -> None:
        self._markers: list[_Marker] = []
        self._kept: dict[Any, masks.KeptSteps] = {}
        self._time_major: dict[Any, _TimeMajor] = {}

    def why_not(self, recurrence: Recurrence) -> str | None:
        """Name what ONNX's recurrent operators lack, a cell or an activation."""
        if recurrence.cell.node is None:
            return f"ONNX has no operator for the cell {recurrence.cell.name}"
        lacking = [function for function in _activations(recurrence) if function not in _ACTIVATIONS]
        return f"the ONNX operators lack the activation {name_of(lacking[0])}" if lacking else None

    def run(
        self, directions: Sequence[Recurrence], sequences: Any, states: Sequence[list[Any]], mask: Any
    ) -> list[RecurrenceOutput]:
        """Mark the layer and say how Keras's results come from the marker."""
        kept = self._keep(mask)
        x = self._enter(sequences, kept)
        if joined := _match(directions):
            order = sorted(range(2), key=lambda index: directions[index].go_backwards)  # ONNX: forward, then reverse
            marked = self._mark([directions[index] for index in order], x, kept, [states[index] for index in order])
            results = [marked[order.index(index)] for index in range(2)]
        else:
            results = [self._mark([one], x, kept, [own])[0] for one, own in zip(directions, states, strict=True)]
        return [
            self._output(recurrence, gathered, final, kept, own, "bidirectional" if joined else "native")
            for recurrence, (gathered, final), own in zip(directions, results, states, strict=True)
        ]

    def merge(self, mode: str, forward: Any, backward: Any) -> Any:
        """Merge two directions in the gathered form, so that restoring the steps once serves both."""
        one, other = self._time_major.get(forward.ref()), self._time_major.get(backward.ref())
        # Where masked steps repeat an output instead of being zero, each direction repeats another step's.
        if one is None or other is None or not all(side.kept is None or side.zero_masked for side in (one, other)):
            return combine(mode, forward, backward)
        return self._leave(combine(mode, one.gathered, other.gathered), one.kept, backwards=False, zero_masked=True)

    def handlers(self) -> dict[str, Handler]:
        """Return the ``custom_op_handlers`` that put the native nodes in place of the markers."""

        def replace(context: Any, node: Any, _name: str, _args: Any) -> None:
            _place_native(context, node, self._markers[int(text_attribute(node, "token"))])

        return {MARKER: replace}

    def _keep(self, mask: Any) -> masks.KeptSteps | None:
        if mask is None:
            return None
        if mask.ref() not in self._kept:
            self._kept[mask.ref()] = masks.find_kept(mask, trim=True)
        return self._kept[mask.ref()]

    def _enter(self, sequences: Any, kept: masks.KeptSteps | None) -> Any:
        known = self._time_major.get(sequences.ref())
        if known is not None and known.kept is kept:
            return known.gathered
        return tf.transpose(sequences, (1, 0, 2)) if kept is None else masks.gather_kept(sequences, kept)

    def _leave(
        self, gathered: Any, kept: masks.KeptSteps | None, *, backwards: bool, zero_masked: bool, before: Any = None
    ) -> Any:
        if kept is None:
            outputs = tf.transpose(gathered, (1, 0, 2))
        else:
            outputs = masks.restore_steps(gathered, kept, backwards=backwards, zero_masked=zero_masked, before=before)
        self._time_major[outputs.ref()] = _TimeMajor(gathered, kept, zero_masked)
        return outputs

    def _output(
        self,
        recurrence: Recurrence,
        gathered: Any,
        final: list[Any],
        kept: masks.KeptSteps | None,
        initial: list[Any],
        form: Form,
    ) -> RecurrenceOutput:
        last = final[0]
        if kept is not None:
            if not all(map(is_zero, initial)):
                # ONNX Runtime leaves zeros behind a row without steps, Keras the state that it started from.
                final = [tf.where(kept.begun, own, start) for own, start in zip(final, initial, strict=True)]
                last = final[0] if recurrence.continues else last
            if recurrence.zero_output_for_mask:
                ended = kept.mask[:, 0 if recurrence.go_backwards else -1]
                last = tf.where(tf.expand_dims(ended, 1), last, 0.0)
            elif not (recurrence.continues or is_zero(initial[0])):
                # Keras's output of such a row is zero; another runtime's may be the state that it started from.
                last = tf.where(kept.begun, last, 0.0)
        if not recurrence.return_sequences:
            return RecurrenceOutput(last, tf.expand_dims(last, 1), final, form)
        outputs = self._leave(
            gathered,
            kept,
            backwards=recurrence.go_backwards,
            zero_masked=recurrence.zero_output_for_mask,
            before=initial[0] if recurrence.continues else None,
        )
        return RecurrenceOutput(last, outputs, final, form)

    def _mark(
        self, directions: Sequence[Recurrence], x: Any, kept: masks.KeptSteps | None, states: Sequence[list[Any]]
    ) -> list[tuple[Any, list[Any]]]:
        """Mark the call; for each direction its outputs, ``(time, batch, units)``, and its final states."""
        token = str(len(self._markers))
        zero = all(is_zero(state) for own in states for state in own)
        marker = _Marker(tuple(directions), _attributes(directions), has_lengths=kept is not None, has_states=not zero)
        self._markers.append(marker)
        kinds, count, units = len(directions[0].cell.states), len(directions), directions[0].units
        initial = [] if zero else [_together([own[kind] for own in states]) for kind in range(kinds)]
        y, *final = place_marker([x, *([] if kept is None else [kept.lengths]), *initial], token, outputs=1 + kinds)
        # The marker's shapes are unknown to TensorFlow; these ops carry them through freezing.
        y = tf.ensure_shape(y, (x.shape[0], count, x.shape[1], units))
        final = [tf.ensure_shape(state, (count, x.shape[1], units)) for state in final]
        separate = [_apart(state, 0) for state in final]
        return list(zip(_apart(y, 1), map(list, zip(*separate, strict=True)), strict=True))


@dataclass(frozen=True, eq=False)
class _TimeMajor:
    """Hold what stands behind a batch-major output: ``(kept_time, batch, width)``, and how its steps are restored."""

    gathered: Any
    kept: masks.KeptSteps | None
    zero_masked: bool


def _together(states: list[Any]) -> Any:
    """Stack ``(batch, units)`` each to ``(directions, batch, units)``; of one direction without a Concat of one."""
    return tf.stack(states) if len(states) > 1 else tf.expand_dims(states[0], 0)


def _apart(tensor: Any, axis: int) -> list[Any]:
    """Split a tensor by direction; of one without a Split into one."""
    return list(tf.unstack(tensor, axis=axis)) if tensor.shape[axis] > 1 else [tf.squeeze(tensor, [axis])]


def _match(directions: Sequence[Recurrence]) -> bool:
    """Return whether one node has room for both: it has one operator, one size and one set of attributes."""
    if len(directions) != 2:
        return False
    one, other = ((d.cell, d.units, _node(d).attributes(d)) for d in directions)
    return one == other


def _place_native(context: Any, node: Any, marker: _Marker) -> None:
    x, *rest = node.input
    lengths = rest.pop(0) if marker.has_lengths else ""
    name, operator = _name(marker.directions), _node(marker.directions[0]).operator
    inputs = [x, *_weights(context, marker.directions), lengths, *rest]
    kept = take_out(context, node) | {"shapes": None}
    add_node(context, operator, inputs, attr=marker.attributes, name=f"{name}/{operator}_{node.name}", **kept)


def _weights(context: Any, directions: Sequence[Recurrence]) -> list[str]:
    """Name W, R and B in the graph; a layer that is called twice has them once."""
    names = [f"{_name(directions)}/{kind}" for kind in ("W", "R", "B")]
    each = zip(*map(native_weights, directions), strict=True)
    return [add_constant(context, name, np.concatenate(values)) for name, values in zip(names, each, strict=True)]


def _name(directions: Sequence[Recurrence]) -> str:
    """Return the layer's path; of two directions, that of the bidirectional layer around them."""
    first = directions[0].name
    return first if len(directions) == 1 else first.rpartition("/")[0]


def native_weights(recurrence: Recurrence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrange ``W (1, gates * units, features)``, ``R (1, gates * units, units)``, ``B (1, 2 * gates * units)``."""
    order, units = list(_node(recurrence).gates), recurrence.units

    def gates(matrix: np.ndarray) -> np.ndarray:  # (..., gates * units) -> ONNX's gate order
        blocks = matrix.reshape(*matrix.shape[:-1], len(order), units)[..., order, :]
        return np.ascontiguousarray(blocks.reshape(matrix.shape))

    # One bias in Keras: all of it with the inputs, none with the recurrence.
    recurrent = np.zeros_like(recurrence.bias) if recurrence.recurrent_bias is None else recurrence.recurrent_bias
    bias = np.concatenate([gates(recurrence.bias), gates(recurrent)])
    w, r = gates(recurrence.kernel).T, gates(recurrence.recurrent_kernel).T
    return np.ascontiguousarray(w)[np.newaxis], np.ascontiguousarray(r)[np.newaxis], bias[np.newaxis]


def _attributes(directions: Sequence[Recurrence]) -> dict[str, Any]:
    first = directions[0]
    attributes: dict[str, Any] = {
        "hidden_size": first.units,
        "direction": "bidirectional" if len(directions) == 2 else "reverse" if first.go_backwards else "forward",
    }
    attributes |= _node(first).attributes(first)
    known = [_ACTIVATIONS[function] for recurrence in directions for function in _activations(recurrence)]
    attributes["activations"] = [name for name, _, _ in known]
    # Consumed in order by the functions that have one, and by these alone (ONNX Runtime's ActivationFuncs).
    for attribute, values in (
        ("activation_alpha", [alpha for _, alpha, _ in known if alpha is not None]),
        ("activation_beta", [beta for _, _, beta in known if beta is not None]),
    ):
        if values:
            attributes[attribute] = values
    return attributes


def _activations(recurrence: Recurrence) -> list[Any]:
    """List the functions in the operator's order."""
    return [getattr(recurrence, name) for name in _node(recurrence).activations]


def _node(recurrence: Recurrence) -> NativeNode:
    node = recurrence.cell.node
    assert node is not None, "why_not has told so"
    return node
