"""Deep recurrent networks on small CPU devices: load a bundle, predict, verify, inspect, measure.

>>> import deeprnn_edge
>>> model = deeprnn_edge.load("bundle")
>>> model.predict(["a gorgeous, moving film"])
>>> model.stream().push("a gorgeous")
"""

from deeprnn_edge.errors import DeepRNNEdgeError
from deeprnn_edge.manifest import Manifest
from deeprnn_edge.model import Model, load
from deeprnn_edge.stream import Stream
from deeprnn_edge.verification import verify

__all__ = ["DeepRNNEdgeError", "Manifest", "Model", "Stream", "load", "verify"]
