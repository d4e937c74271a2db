"""Build, train and export deep recurrent Keras models for small CPU devices: the workshop.

>>> from deeprnn_export import export
>>> export("gru.keras", "bundle")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from deeprnn_export.tracing.backend import require_tensorflow

if TYPE_CHECKING:
    from deeprnn_export.datasets.catalogue import load_dataset
    from deeprnn_export.pipeline.export import export
    from deeprnn_export.training.fit import train_network
    from deeprnn_export.training.network import build_network

__all__ = ["build_network", "export", "load_dataset", "train_network"]

_HOMES = {
    "build_network": "deeprnn_export.training.network",
    "export": "deeprnn_export.pipeline.export",
    "load_dataset": "deeprnn_export.datasets.catalogue",
    "train_network": "deeprnn_export.training.fit",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: TensorFlow takes seconds, and ``--help`` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_tensorflow()
    return getattr(importlib.import_module(_HOMES[name]), name)
