"""Run deep recurrent networks on small CPU devices: load a bundle, predict, verify, inspect, measure.

>>> import deeprnn_edge
>>> model = deeprnn_edge.load("bundle")
>>> model.predict(["a gorgeous, moving film"])
>>> model.classify("a gorgeous, moving film")
>>> model.stream().push("a gorgeous")
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deeprnn_edge.bundle.manifest import Manifest
    from deeprnn_edge.errors import BundleError, DeepRNNEdgeError, InputError, StreamError
    from deeprnn_edge.inference.model import Model, load
    from deeprnn_edge.inference.stream import Stream
    from deeprnn_edge.parity.verify import verify

__all__ = [
    "BundleError",
    "DeepRNNEdgeError",
    "InputError",
    "Manifest",
    "Model",
    "Stream",
    "StreamError",
    "load",
    "verify",
]

_ERRORS = "deeprnn_edge.errors"
_HOMES = {
    "BundleError": _ERRORS,
    "DeepRNNEdgeError": _ERRORS,
    "InputError": _ERRORS,
    "Manifest": "deeprnn_edge.bundle.manifest",
    "Model": "deeprnn_edge.inference.model",
    "Stream": "deeprnn_edge.inference.stream",
    "StreamError": _ERRORS,
    "load": "deeprnn_edge.inference.model",
    "verify": "deeprnn_edge.parity.verify",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used: a program of the package's own starts with what it needs alone."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found
