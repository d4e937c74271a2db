"""Recurrences for TFLite, whose operators know neither GRU nor SimpleRNN, nor masks.

LSTM becomes the fused ``UNIDIRECTIONAL_SEQUENCE_LSTM``; the other cells, and an LSTM that the fused
operator cannot express, one matrix product for the inputs of all steps and a loop over what is left,
its body unrolled by a few steps so that the loop's own cost is shared.

Batch and time are static here: that is what keeps the graph free of Flex operators
(``TensorListReserve requires element_shape to be static``: tensorflow#62849).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deeprnn_export import packing
from deeprnn_export.bidirectional import combine
from deeprnn_export.lowering import Answer
from deeprnn_export.recurrence import Recurrence, is_zero

# Ten: four times as fast as the stock converter's loop at 1.02 times its size (two GRU layers, see benchmarks/);
# each further step adds about 2 kB a layer of 32 units to the file.
UNROLLED_STEPS = 10
# One call serves both of GRU's gates; a softmax would run over both at once.
_ELEMENTWISE = (keras.activations.sigmoid, keras.activations.hard_sigmoid, keras.activations.tanh)

Step = Callable[[list[Any], list[Any]], list[Any]]


class TFLiteLowering:
    """Builds one traced graph; use a new one for each conversion."""

    def __init__(self) -> None:
        self._packings: dict[Any, packing.Packing] = {}
        self._markers = count(1)

    def reason_against(self, _recurrence: Recurrence) -> str | None:
        """The loop takes any activation."""
        return None

    def run(
        self, directions: Sequence[Recurrence], sequences: Any, states: Sequence[list[Any]], mask: Any
    ) -> list[Answer]:
        """Each direction by itself, from TFLite's builtin operators alone."""
        mask = None if mask is None else tf.cast(mask, tf.bool)
        return [self._run(one, sequences, own, mask) for one, own in zip(directions, states, strict=True)]

    def merge(self, mode: str, forward: Any, backward: Any) -> Any:
        """As Keras does."""
        return combine(mode, forward, backward)

    def _run(self, recurrence: Recurrence, sequences: Any, states: list[Any], mask: Any) -> Answer:
        if recurrence.go_backwards:
            sequences = tf.reverse(sequences, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        if fused := _is_plain_lstm(recurrence) and all(is_zero(state) for state in states):
            outputs = self._fused(recurrence, sequences, mask)
            last = outputs[:, -1]
            states = [last] * recurrence.states  # not read: such a layer does not return its state
        else:
            last, outputs, states = _loop(recurrence, sequences, states, mask, whole=recurrence.return_sequences)
        if mask is not None and recurrence.zero_output_for_mask:
            last = tf.where(mask[:, -1:], last, 0.0)
            outputs = tf.where(mask[:, :, tf.newaxis], outputs, 0.0) if recurrence.return_sequences else outputs
        if recurrence.go_backwards and recurrence.return_sequences:
            outputs = tf.reverse(outputs, [1])
        return Answer(last, outputs, states, "fused" if fused else "loop")

    def _fused(self, recurrence: Recurrence, sequences: Any, mask: Any) -> Any:
        # The operator keeps its state in variables, which the converter makes of the constants given as its
        # initial state, dropping their values; the runtime starts them from zero. A constant that another layer
        # uses too, as zeros of the same shape, would become a variable for that layer as well, and read the
        # state that this one left. Each gets constants of its own; a value of 1e-30 would do no harm if it stayed.
        shape = (sequences.shape[0], recurrence.units)
        states = [tf.fill(shape, np.float32(1e-30 * next(self._markers))) for _ in range(recurrence.states)]
        if mask is None:
            return _fused_lstm(recurrence, sequences, states)
        if mask.ref() not in self._packings:
            self._packings[mask.ref()] = packing.make_packing(mask, trim=False)
        plan = self._packings[mask.ref()]
        packed = tf.transpose(packing.pack(sequences, plan), (1, 0, 2))
        outputs = tf.transpose(_fused_lstm(recurrence, packed, states), (1, 0, 2))
        return packing.unpack(outputs, plan, backwards=False, zero_masked=False)


def _is_plain_lstm(recurrence: Recurrence) -> bool:
    """Whether the fused operator has this layer's form: its activations are fixed and its end is hidden."""
    return (
        recurrence.cell == "lstm"
        and recurrence.activation is keras.activations.tanh
        and recurrence.recurrent_activation is keras.activations.sigmoid
        and not recurrence.return_state
    )


def _fused_lstm(recurrence: Recurrence, sequences: Any, states: list[Any]) -> Any:
    """``(batch, time, features)`` to ``(batch, time, units)`` in a function that the converter knows by its name.

    The attributes and the order of arguments and results are those that TensorFlow's
    ``prepare_composite_functions_tf`` looks for; the body is only there to be replaced.
    """

    @tf.function(
        autograph=False,
        experimental_attributes={
            "api_implements": f"lstm_{uuid.uuid4()}",
            "api_preferred_device": "CPU",
            "go_backwards": False,
            "time_major": False,
        },
    )
    def lstm(
        inputs: Any,
        h: Any,
        c: Any,
        kernel: Any,
        recurrent_kernel: Any,
        bias: Any,
        mask: Any = None,  # noqa: ARG001 - the converter's signature
        sequence_lengths: Any = None,  # noqa: ARG001 - the converter's signature
    ) -> tuple[Any, Any, Any, Any, Any]:
        last, outputs, (h, c) = _loop(recurrence, inputs, [h, c], None, whole=True)
        # Each argument must be used, or tracing drops it and the converter miscounts.
        used = 0.0 * (tf.reduce_sum(kernel) + tf.reduce_sum(recurrent_kernel) + tf.reduce_sum(bias))
        return last + used, outputs + used, h, c, tf.constant(0.0)

    weights = [tf.constant(value) for value in (recurrence.kernel, recurrence.recurrent_kernel, recurrence.bias)]
    return lstm(sequences, *states, *weights)[1]


def _loop(
    recurrence: Recurrence, sequences: Any, states: list[Any], mask: Any, *, whole: bool
) -> tuple[Any, Any, list[Any]]:
    """``(batch, time, features)`` to Keras's three results; all shapes static.

    The last output, ``(batch, units)``; the outputs of all steps, ``(batch, time, units)``, or without
    ``whole`` of the last step alone; the final states.
    """
    batch, time, _ = sequences.shape
    projections = _project(recurrence, tf.transpose(sequences, (1, 0, 2)))
    if mask is not None:
        projections.append(tf.transpose(mask)[:, :, tf.newaxis])  # (time, batch, 1)
    step = _STEPS[recurrence.cell](recurrence)

    def run(blocks: list[Any], output: Any, states: list[Any]) -> tuple[Any, Any, list[Any]]:
        """Some steps in a row: their outputs stacked, the last output, the new states."""
        outputs = []
        for values in zip(*[tf.unstack(block) for block in blocks], strict=True):
            if mask is None:
                states = step(list(values), states)
                output = states[0]
            else:
                keep = values[-1]
                new = step(list(values[:-1]), states)
                output = tf.where(keep, new[0], output)
                states = [tf.where(keep, a, b) for a, b in zip(new, states, strict=True)]
            outputs.append(output)
        return tf.stack(outputs), output, states

    chunk = min(UNROLLED_STEPS, time)
    # What a loop would do in one turn needs none.
    rest = time % chunk if time >= 2 * chunk else time
    output = tf.zeros((batch, recurrence.units))
    buffer = tf.zeros((time if whole else 1, batch, recurrence.units))
    if rest:
        block, output, states = run([p[:rest] for p in projections], output, states)
        buffer = tf.concat([buffer[rest:], block], axis=0) if whole else buffer

    def body(start: Any, buffer: Any, output: Any, *states: Any) -> tuple[Any, ...]:
        # A gather, not a slice: TFLite gives a slice with a computed start a dynamic shape, which is
        # planned anew at every turn and which XNNPACK does not take.
        index = start + tf.range(chunk)
        block, output, new = run([tf.gather(p, index) for p in projections], output, list(states))
        buffer = tf.concat([buffer[chunk:], block], axis=0) if whole else buffer
        return (start + chunk, buffer, output, *new)

    if rest < time:
        _, buffer, output, *states = tf.while_loop(
            lambda start, *_: start < time, body, (tf.constant(rest), buffer, output, *states)
        )
    return output, tf.transpose(buffer, (1, 0, 2)) if whole else output[:, tf.newaxis], list(states)


def _project(recurrence: Recurrence, x: Any) -> list[Any]:
    """``(time, batch, features)`` to what each step adds from its input: ``(time, batch, width)``, one or two.

    GRU's gates and candidate come apart, as its step uses them apart.
    """
    bias = recurrence.bias[0] if recurrence.reset_after else recurrence.bias
    widths = [recurrence.kernel.shape[1]]
    if recurrence.cell == "gru":
        widths = [2 * recurrence.units, recurrence.units]
    time, batch, features = x.shape
    flat = tf.reshape(x, (time * batch, features))
    kernels = np.split(recurrence.kernel, np.cumsum(widths)[:-1], axis=1)
    biases = np.split(bias, np.cumsum(widths)[:-1])
    return [tf.reshape(tf.matmul(flat, k) + b, (time, batch, -1)) for k, b in zip(kernels, biases, strict=True)]


def _rnn_step(recurrence: Recurrence) -> Step:
    activate = recurrence.activation
    kernel = recurrence.recurrent_kernel
    return lambda inputs, states: [activate(inputs[0] + tf.matmul(states[0], kernel))]


def _lstm_step(recurrence: Recurrence) -> Step:
    activate = recurrence.activation
    gate = recurrence.recurrent_activation
    kernel = recurrence.recurrent_kernel

    def step(inputs: list[Any], states: list[Any]) -> list[Any]:
        h, c = states
        i, f, g, o = tf.split(inputs[0] + tf.matmul(h, kernel), 4, axis=1)
        c = gate(f) * c + gate(i) * activate(g)
        return [gate(o) * activate(c), c]

    return step


def _gru_step(recurrence: Recurrence) -> Step:
    activate = recurrence.activation
    gate = recurrence.recurrent_activation
    gates_kernel, kernel = np.split(recurrence.recurrent_kernel, [2 * recurrence.units], axis=1)

    def step(inputs: list[Any], states: list[Any]) -> list[Any]:
        (h,) = states
        gates, candidate = inputs
        recurrent = tf.matmul(h, gates_kernel)
        if recurrence.reset_after:
            recurrent += recurrence.bias[1, : 2 * recurrence.units]
        if gate in _ELEMENTWISE:
            z, r = tf.split(gate(gates + recurrent), 2, axis=1)
        else:
            z, r = map(gate, tf.split(gates + recurrent, 2, axis=1))
        if recurrence.reset_after:  # Keras's default: the reset gate follows the product
            candidate += r * (tf.matmul(h, kernel) + recurrence.bias[1, 2 * recurrence.units :])
        else:  # Cho et al. 2014: it precedes it
            candidate += tf.matmul(r * h, kernel)
        candidate = activate(candidate)
        return [z * (h - candidate) + candidate]

    return step


_STEPS: dict[str, Callable[[Recurrence], Step]] = {"rnn": _rnn_step, "lstm": _lstm_step, "gru": _gru_step}
