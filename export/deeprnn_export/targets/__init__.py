"""Turn lowered graphs into files of one format each.

Enters: a model and its signature. Leaves: bytes, and what became of each layer.
Looks at: ``lowering`` and ``parity``; one target never at another.
"""

from __future__ import annotations

from deeprnn_export.targets import c, onnx, tflite
from deeprnn_export.targets.target import Target

# In the order in which they are exported.
TARGETS: dict[str, Target] = {target.name: target for target in (onnx.TARGET, tflite.TARGET, c.TARGET)}
