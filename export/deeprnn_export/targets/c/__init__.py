"""Write a model as C99 source with its weights: no runtime, no allocation, no C library.

Enters: a model, traced into a program of operations. Leaves: ``model.c`` with its header and its self-test.
Looks at: ``lowering``, ``streaming`` and ``tracing``, never at another target.
"""

from __future__ import annotations

from deeprnn_edge.runtimes.c import RUNTIME
from deeprnn_export.targets.target import Precision, Target, on_demand

TARGET = Target(
    runtime=RUNTIME,
    precisions={"fp32": Precision(), "int8": Precision(0.05)},
    fixed_shapes=False,
    kernels={"native": RUNTIME.recurrent_operators},
    lacks="there is no kernel for it",
    way_out="export it with formats=('onnx',) alone",
    packages=(),
    convert=on_demand("deeprnn_export.targets.c.convert", "convert_to_c"),
    store=on_demand("deeprnn_export.targets.c.convert", "store_weights"),
    by_default=False,
)
