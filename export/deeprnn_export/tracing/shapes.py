"""Read shapes while tracing."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def sizes(tensor: Any) -> list[Any]:
    """List the sizes of a shape, static where it is known: static sizes fold, dynamic ones cost an op each."""
    dynamic = tf.shape(tensor)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(tensor.shape)]
