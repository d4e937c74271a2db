"""Masks, exactly: kept steps to the front, the recurrence, and its outputs back in their places.

Keras lets a masked step leave the state as it was and repeat the previous output (zero before the
first kept step, or at every masked step with ``zero_output_for_mask``): ``keras.backend.rnn``.
A native recurrence knows nothing of masks, but a row whose kept steps stand together at the front
needs none: it runs for the row's length. What follows holds for any mask: pre-, post- and interior
padding, and rows with no kept step at all.

All functions build TensorFlow ops, so that both targets share them. ``expand_dims`` and not an index with
``newaxis``, which becomes a Slice as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from deeprnn_export.shapes import sizes


@dataclass(frozen=True)
class Packing:
    """Where each kept step goes. Made once for each mask tensor of a model.

    mask: ``(batch, time)`` bool, True where the step counts.
    lengths: ``(batch,)`` int32, kept steps of each row.
    steps: ``(packed_time, batch)`` int32, indices into the flattened ``(batch * time)`` steps;
        behind a row's length they point at masked steps, whose results nobody reads.
    """

    mask: Any
    lengths: Any
    steps: Any


def make_packing(mask: Any, *, trim: bool) -> Packing:
    """Plan the packing of ``mask``, ``(batch, time)`` bool.

    trim: cut the time axis to the longest row (at least one step), which is what makes padded
        input fast; without it all shapes stay static.
    """
    count = tf.cast(mask, tf.int32)
    lengths = tf.reduce_sum(count, axis=1)
    shape = sizes(mask)
    batch, time = shape[0], shape[1]
    position = tf.range(time)
    # Distinct keys make the order of top_k a stable one: kept steps first, then by position.
    keys = count * time - position
    longest = tf.maximum(tf.reduce_max(lengths), 1) if trim else time
    order = tf.math.top_k(keys, k=longest).indices  # (batch, packed_time)
    rows = tf.range(batch) * time
    return Packing(mask, lengths, tf.transpose(order + tf.expand_dims(rows, 1)))


def pack(sequences: Any, packing: Packing) -> Any:
    """``(batch, time, features)`` to ``(packed_time, batch, features)``, kept steps first."""
    features = sequences.shape[2]
    return tf.gather(tf.reshape(sequences, (-1, features)), packing.steps)


def unpack(packed: Any, packing: Packing, *, backwards: bool, zero_masked: bool, before: Any = None) -> Any:
    """``(packed_time, batch, units)`` to ``(batch, time, units)``, masked steps as Keras fills them.

    before: ``(batch, units)``, the output ahead of the first step, of a sequence that goes on; else zero.
    backwards: the recurrence ran from the last kept step to the first, so "the previous output"
        of a masked step is that of the next kept step in time.
    """
    count = tf.cumsum(tf.cast(packing.mask, tf.int32), axis=1, reverse=backwards)
    step = tf.expand_dims(packing.lengths, 1) - count if backwards else count - 1
    shape = sizes(packed)
    batch = shape[1]
    defined = packing.mask if zero_masked else count > 0
    index = tf.where(defined, step, 0) * batch + tf.expand_dims(tf.range(batch), 1)
    outputs = tf.gather(tf.reshape(packed, (-1, packed.shape[2])), index)
    # A masked step is zero wherever it stands, or repeats what was before it.
    missing = 0.0 if zero_masked or before is None else tf.expand_dims(before, 1)
    return tf.where(tf.expand_dims(defined, 2), outputs, missing)
