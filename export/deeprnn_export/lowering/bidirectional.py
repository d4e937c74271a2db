"""Hand both directions of a bidirectional layer over together, so that a target can run them as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from deeprnn_edge.bundle.artifact import Form
from deeprnn_export.cells.cell import Recurrence
from deeprnn_export.lowering.target import Lowering
from deeprnn_export.tracing.recurrence import as_keras_zeroes


def call(
    layer: keras.layers.Bidirectional,
    directions: Sequence[Recurrence],
    lowering: Lowering,
    note: Callable[[Form], None],
) -> Callable[..., Any]:
    """Make the layer's ``call`` over a target's recurrences: the same arguments and results as Keras's own.

    Args:
        directions: of its forward and its backward layer.
        note: callback that records the form chosen (native, bidirectional, loop).
    """

    def both(sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:  # noqa: ARG001
        mask = keras.tree.flatten(mask)[0] if mask is not None else None
        layers = [layer.forward_layer, layer.backward_layer]
        if initial_state is None:
            states = [inner.get_initial_state(batch_size=tf.shape(sequences)[0]) for inner in layers]
        else:
            half = len(initial_state) // 2
            given = [tf.cast(state, tf.float32) for state in initial_state]
            states = [given[:half], given[half:]]
        forward, backward = lowering.run(directions, sequences, states, mask)
        note(forward.form)
        if layer.return_sequences:
            ends = tuple(
                as_keras_zeroes(recurrence, output.outputs, mask)
                for recurrence, output in zip(directions, (forward, backward), strict=True)
            )
            merge = lowering.merge
        else:
            ends = forward.last, backward.last
            merge = combine
        merged = ends if layer.merge_mode is None else (merge(layer.merge_mode, *ends),)
        if layer.return_sequences and directions[0].go_backwards:
            # Keras gives what the forward layer computed in its own order, and turns the other round to it.
            merged = tuple(tf.reverse(output, [1]) for output in merged)
        final = (*forward.states, *backward.states) if layer.return_state else ()
        results = (*merged, *final)
        return results if len(results) > 1 else results[0]

    return both


def combine(mode: str, forward: Any, backward: Any) -> Any:
    """Merge two tensors of one shape as Keras's ``merge_mode`` says; ``concat`` along the last axis."""
    if mode == "concat":
        return tf.concat([forward, backward], axis=-1)
    if mode == "mul":
        return forward * backward
    return (forward + backward) / 2 if mode == "ave" else forward + backward
