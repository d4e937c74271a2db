"""Classes of a user's own, for random architectures: a cell, and two manners of subclassing a model."""

from __future__ import annotations

from typing import Any

import keras

Tensor = Any


@keras.saving.register_keras_serializable("random_models")
class LeakyCell(keras.layers.Layer):
    """A cell of the user's own: two states that feed each other."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.state_size = [units, units]
        self.output_size = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")
        self.bias = self.add_weight(shape=(self.units,), name="bias")

    def call(self, inputs: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        fast, slow = states
        drive = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(slow, self.recurrent_kernel)
        fast = 0.5 * fast + 0.5 * keras.ops.tanh(drive + self.bias)
        slow = 0.9 * slow + 0.1 * fast
        return fast + slow, [fast, slow]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("random_models")
class Chain(keras.Model):
    """A subclassed model whose call runs its layers one after another."""

    def __init__(self, chain: list[keras.layers.Layer], **options: Any) -> None:
        super().__init__(**options)
        self.chain = chain

    def call(self, inputs: Tensor) -> Tensor:
        for layer in self.chain:
            inputs = layer(inputs)
        return inputs


@keras.saving.register_keras_serializable("random_models")
class Wrapper(keras.Model):
    """A subclassed model around another one."""

    def __init__(self, inner: keras.Model, **options: Any) -> None:
        super().__init__(**options)
        self.inner = inner

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.inner(inputs, training=training)
