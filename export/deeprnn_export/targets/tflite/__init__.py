"""Convert to TFLite with builtin operators alone.

Enters: a model, its signature and fixed shapes. Leaves: TFLite bytes.
Looks at: ``lowering``, never at another target.
"""

from __future__ import annotations

from deeprnn_edge.runtimes.tflite import RUNTIME
from deeprnn_export.targets.target import Precision, Target, on_demand

TARGET = Target(
    runtime=RUNTIME,
    # Shares: as ONNX's. Those that are calibrated on real samples meet the grid's random ones outside their ranges,
    # where activations are cut off.
    precisions={
        "fp32": Precision(),
        "fp16": Precision(0.005),
        "int8": Precision(0.05),
        "int8-full": Precision(0.15, is_calibrated=True),
        "int16x8": Precision(0.15, is_calibrated=True),
    },
    fixed_shapes=True,
    # No layer is made so: these keep their state from one call of a plain interpreter to the next (tensorflow#46620).
    kernels={"fused": RUNTIME.recurrent_operators},
    lacks="TFLite has no builtin operator for it, so the file would need TensorFlow's Flex library "
    "and not run in LiteRT",
    way_out="export it with formats=('onnx',) alone",
    packages=(),
    convert=on_demand("deeprnn_export.targets.tflite.convert", "convert_to_tflite"),
    store=on_demand("deeprnn_export.targets.tflite.store", "store_weights"),
    running=on_demand("deeprnn_export.targets.tflite.converter", "converting"),
    annotate=on_demand("deeprnn_export.targets.tflite.notes", "write_notes"),
)
