"""Check a model's weights before a file stores them in fewer bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import UnsupportedModelError


def check_matrices(model: Any, precision: str, *, way_out: str) -> None:
    """Refuse a model with a matrix or table that fewer bits have no scale for, as ``check_weight`` does."""
    for variable in model.weights:
        values = np.asarray(variable.numpy())
        # A GRU's bias has two rows, and stays float32 as every bias.
        if values.ndim > 1 and values.shape[-2] > 1 and not variable.name.endswith("bias"):
            check_weight(variable.path, values, precision, way_out=way_out)


def check_weight(name: str, weight: NDArray[Any], precision: str, *, way_out: str) -> None:
    """Refuse a weight that fewer bits have no scale for.

    Args:
        way_out: what is left to do.

    Raises:
        UnsupportedModelError: which names the weight, where it is all zero, not finite, or beyond float16.
    """
    if not np.isfinite(weight).all():
        problem = f"holds NaN or infinity, so that {precision} has no scale for it; train the model again"
    elif not weight.any():
        problem = f"is all zero, so that {precision} has no scale for it; load the trained weights"
    elif precision == "fp16" and np.abs(weight).max() > np.finfo(np.float16).max:
        problem = f"reaches {np.abs(weight).max():.3g}, and float16 ends at 65504"
    else:
        return
    raise UnsupportedModelError(f"the weight {name!r} {problem}, or {way_out}")
