"""Run Keras's own loop over a recurrence in a stream, from the states that the chunk before left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from deeprnn_export.streaming.carry import Carry
from deeprnn_export.tracing.keras_internals import has_keras_loop, loop_of


def carried_loop(
    layer: keras.layers.RNN, carry: Carry, path: str, note: Callable[[], None]
) -> Callable[..., tuple[Any, Any, Any]]:
    """Make the layer's ``inner_loop``, with its states from outside where the call carries any.

    Args:
        note: called with each call.
    """
    original = loop_of(layer)

    def inner_loop(sequences: Any, initial_state: Any, mask: Any = None, training: bool = False) -> Any:
        note()
        names = carry.next_call(path)
        states = carry.take(names, keras.tree.flatten(initial_state))
        last, outputs, final = original(
            sequences=sequences,
            initial_state=keras.tree.pack_sequence_as(initial_state, states),
            mask=mask,
            training=training,
        )
        carry.leave(names, keras.tree.flatten(final))
        if names and mask is not None and not layer.zero_output_for_mask:
            # Keras begins with an output of zeros; a stream goes on from its last one.
            index = repeated_state(layer, sequences, initial_state)
            if index is not None:
                before = states[index]
                begun = tf.cumsum(tf.cast(keras.tree.flatten(mask)[0], tf.int32), axis=1)[:, :, tf.newaxis] > 0
                last = tf.where(begun[:, -1], last, before)
                outputs = tf.where(begun, outputs, before[:, tf.newaxis]) if layer.return_sequences else outputs
        return last, outputs, final

    return inner_loop


def repeated_state(layer: keras.layers.RNN, sequences: Any, initial_state: Any) -> int | None:
    """Find by number the state that is the output which a masked step repeats; None where none is, or none knows.

    Of Keras's cells it is h; of stacked ones, that of the uppermost.
    """
    found: list[int] = []

    def step(inputs: Any, *states: Any) -> None:
        output, new = layer.cell(inputs, keras.tree.pack_sequence_as(initial_state, states))
        found.extend(index for index, state in enumerate(keras.tree.flatten(new)) if state is output)

    if not has_keras_loop(layer):
        return None
    batch, _, *features = sequences.shape
    specs = [tf.TensorSpec((batch, *features), sequences.dtype)]
    specs += [tf.TensorSpec(state.shape, state.dtype) for state in keras.tree.flatten(initial_state)]
    # In a graph of its own: nothing of it belongs to the model.
    tf.function(step, input_signature=specs, autograph=False).get_concrete_function()
    return found[0] if found else None
