"""Convert to ONNX with native recurrences, and store its weights in fewer bits.

Enters: a model and its signature. Leaves: ONNX bytes of standard operators.
Looks at: ``lowering``, never at another target.
"""

from __future__ import annotations

from deeprnn_edge.runtimes.onnx import RUNTIME
from deeprnn_export.targets.target import Precision, Target, on_demand

_KERNELS = frozenset({*RUNTIME.recurrent_operators, "com.microsoft.DynamicQuantizeLSTM"})

TARGET = Target(
    runtime=RUNTIME,
    # Shares: several times what was measured on the parity grid of the three default networks, trained on IMDB
    # (benchmarks/results/precisions.json): other networks are less forgiving.
    precisions={
        "fp32": Precision(),
        "fp16": Precision(0.005),
        "int8": Precision(0.05),
        "int4": Precision(0.15),
        "int8-dynamic": Precision(0.05),
    },
    fixed_shapes=False,
    kernels=dict.fromkeys(("native", "bidirectional"), _KERNELS),
    lacks="ONNX has no operator for it in tf2onnx, so no ONNX runtime would load the file",
    way_out="export it with formats=('tflite',) alone",
    packages=("tf2onnx", "onnx"),
    convert=on_demand("deeprnn_export.targets.onnx.convert", "convert_to_onnx"),
    store=on_demand("deeprnn_export.targets.onnx.storage_plan", "store_weights"),
    annotate=on_demand("deeprnn_export.targets.onnx.notes", "write_notes"),
)
