"""Run masked rows exactly: kept steps to the front, the recurrence, and its outputs back in their places.

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

import numpy as np
import tensorflow as tf

from deeprnn_export.tracing.shapes import sizes
from deeprnn_export.tracing.tensorflow_internals import made_by


@dataclass(frozen=True)
class KeptSteps:
    """Hold where each kept step goes. Made once for each mask tensor of a model.

    Attributes:
        mask: ``(batch, time)`` bool, True where the step counts.
        lengths: ``(batch,)`` int32, kept steps of each row.
        begun: ``(batch, 1)`` bool, whether a row has any.
        steps: ``(batch, kept_time)`` int32, each row's kept steps in order; behind its length masked steps, whose
            results nobody reads.
    """

    mask: Any
    lengths: Any
    begun: Any
    steps: Any


def find_kept(mask: Any, *, trim: bool) -> KeptSteps:
    """Find the kept steps of ``mask``, ``(batch, time)``, whatever its dtype.

    Args:
        trim: cut the time axis to the longest row (at least one step), which is what makes padded input fast; without
            it all shapes stay static.
    """
    mask = mask_of_ids(mask)
    # In floats, as tf2onnx 1.17 sorts in them: exact for the counts of up to 2 ** 24 steps.
    count = tf.cast(mask, tf.float32)
    lengths = tf.reduce_sum(count, axis=1)
    # How many kept steps are left from each kept one on; 0 for masked ones.
    keys = count * tf.cumsum(count, axis=1, reverse=True)
    if trim:
        # ONNX counts in 64 bits, TFLite in 32; the other one costs casts.
        longest = tf.cast(tf.maximum(tf.reduce_max(lengths), 1), tf.int64)
        steps = tf.math.top_k(keys, k=longest, index_type=tf.int64).indices
    else:
        steps = tf.math.top_k(keys, k=sizes(mask)[1]).indices
    return KeptSteps(mask, tf.cast(lengths, tf.int32), tf.expand_dims(lengths > 0, 1), steps)


def mask_of_ids(mask: Any) -> Any:
    """Make a mask bool; that of an Embedding, ``ids != 0``, by a cast, which is True where an integer is not 0.

    ONNX has no NotEqual, and TFLite's converter wants its operands in 16 bits for ``int16x8``: "Max and min for
    dynamic tensors should be recorded" (tensorflow#60799).
    """
    operator, inputs = made_by(mask)
    if operator == "NotEqual":
        ids, other = inputs
        zero = tf.get_static_value(other)
        if ids.dtype.is_integer and zero is not None and not np.any(zero):
            return tf.cast(ids, tf.bool)
    return tf.cast(mask, tf.bool)


def gather_kept(sequences: Any, kept: KeptSteps) -> Any:
    """Gather ``(batch, time, features)`` to ``(kept_time, batch, features)``, kept steps first."""
    return tf.transpose(tf.gather(sequences, kept.steps, batch_dims=1), (1, 0, 2))


def restore_steps(
    gathered: Any, kept: KeptSteps, *, backwards: bool, zero_masked: bool, before: Any = None, first: Any = None
) -> Any:
    """Restore ``(kept_time, batch, units)`` to ``(batch, time, units)``, masked steps as Keras fills them.

    Args:
        before: ``(batch, units)``, the output ahead of the first step, of a sequence that goes on; else zero.
        backwards: the recurrence ran from the last kept step to the first, so "the previous output" of a masked step is
            that of the next kept step in time.
        first: where in ``gathered`` step 0 stands; None is its front.
    """
    count = tf.cumsum(tf.cast(kept.mask, tf.int32), axis=1, reverse=backwards)
    step = tf.expand_dims(kept.lengths, 1) - count if backwards else count - 1
    shape = sizes(gathered)
    batch = shape[1]
    defined = kept.mask if zero_masked else count > 0
    place = tf.where(defined, step, 0)
    place = place if first is None else place + first
    index = place * batch + tf.expand_dims(tf.range(batch), 1)
    outputs = tf.gather(tf.reshape(gathered, (-1, gathered.shape[2])), index)
    # A masked step is zero wherever it stands, or repeats what was before it.
    missing = 0.0 if zero_masked or before is None else tf.expand_dims(before, 1)
    return tf.where(tf.expand_dims(defined, 2), outputs, missing)


def last_kept(gathered: Any, kept: KeptSteps, *, first: Any) -> Any:
    """Take each row's last output of ``(kept_time, batch, units)``, zero where it kept no step: ``(batch, units)``.

    Args:
        first: where in ``gathered`` step 0 stands.
    """
    batch = sizes(gathered)[1]
    index = (tf.maximum(kept.lengths - 1, 0) + first) * batch + tf.range(batch)
    return tf.where(kept.begun, tf.gather(tf.reshape(gathered, (-1, gathered.shape[2])), index), 0.0)
