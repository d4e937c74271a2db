"""Recurrent cells and layers as users write them."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("conformance")
class MinimalCell(keras.layers.Layer):
    """One state, which is the output."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = self.state_size = self.output_size = units

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")
        self.bias = self.add_weight(shape=(self.units,), name="bias")

    def call(self, inputs: Any, states: Any) -> Any:
        mixed = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        output = ops.tanh(mixed + self.bias)
        return output, [output]


class TraceCell(keras.layers.Layer):
    """Two states of different widths, an output that is neither, and a learned start."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.state_size, self.output_size = units, [units, 2], units + 2

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1] + 2, self.units), name="kernel")
        self.reduce = self.add_weight(shape=(self.units, 2), name="reduce")
        self.start = self.add_weight(shape=(self.units,), name="start")

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        start = ops.broadcast_to(self.start, (batch_size, self.units))
        return [start, ops.zeros((batch_size, 2), dtype=self.compute_dtype)]

    def call(self, inputs: Any, states: Any) -> Any:
        slow, quick = states
        slow = 0.7 * slow + 0.3 * ops.sigmoid(ops.matmul(ops.concatenate([inputs, quick], axis=-1), self.kernel))
        quick = ops.tanh(ops.matmul(slow, self.reduce))
        return ops.concatenate([slow, quick], axis=-1), [slow, quick]


class PeepholeCell(keras.layers.LSTMCell):
    """A subclass of Keras's cell that computes something else."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        output, (h, c) = super().call(inputs, states, training=training)
        return output + 0.1 * c, [h, 0.9 * c]


class ScaledLSTM(keras.layers.LSTM):
    """Another ``call`` around Keras's recurrence."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        return 2.0 * super().call(sequences, initial_state=initial_state, mask=mask, training=training)


class LeakyGRU(keras.layers.GRU):
    """Another recurrence under Keras's name."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        def step(inputs: Any, states: Any) -> Any:
            output, _ = self.cell(inputs, states, training=training)
            mixed = 0.5 * output + 0.5 * states[0]
            return mixed, [mixed]

        return keras.src.backend.rnn(
            step,
            sequences,
            list(keras.tree.flatten(initial_state)),
            go_backwards=self.go_backwards,
            mask=mask,
            input_length=sequences.shape[1],
            return_all_outputs=self.return_sequences,
        )
