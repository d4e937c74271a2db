"""Quantise with ONNX Runtime's dynamic form, which computes an LSTM in 8 bits; of recurrences it knows LSTM alone."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx

from deeprnn_edge.bundle.artifact import LoweredLayer, StoredTensor
from deeprnn_edge.errors import UnsupportedModelError

_OTHERS = {"RNN": "SimpleRNN", "GRU": "GRU"}


def quantize_lstms(proto: onnx.ModelProto, recurrences: Sequence[LoweredLayer]) -> onnx.ModelProto:
    """Copy the model with each LSTM node as ``com.microsoft.DynamicQuantizeLSTM``.

    Raises:
        UnsupportedModelError: which names the layer, where a recurrence is no native LSTM: the quantiser leaves
            those as they are without a word (microsoft/onnxruntime#9796).
    """
    for layer in recurrences:
        if layer.form == "keras loop":
            raise _refused(layer.layer, f"runs as Keras's loop ({layer.reason})")
    for node in proto.graph.node:
        if node.op_type in _OTHERS:
            raise _refused(node.input[1].rpartition("/")[0], f"is a {_OTHERS[node.op_type]}")
    # Not at the top: it takes as long as all of onnxruntime, and this precision alone needs it.
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory(prefix="deeprnn-") as folder, _quiet():
        target = Path(folder) / "model.onnx"
        quantize_dynamic(
            onnx.ModelProto.FromString(proto.SerializeToString()),
            target,
            op_types_to_quantize=["LSTM"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            # 7 bits: on x86 without VNNI the kernels add two products of 8 bits in 16, which saturates, and
            # the same file answers otherwise on another CPU (microsoft/onnxruntime#6004).
            reduce_range=True,
        )
        return onnx.load(target)


def quantized_tensors(proto: onnx.ModelProto) -> tuple[StoredTensor, ...]:
    """Tell how the LSTMs' weights are stored."""
    suffix = "_quantized"
    return tuple(
        StoredTensor(
            name=tensor.name.removesuffix(suffix),
            precision="int8",
            size_bytes=len(tensor.raw_data),
            reason="an LSTM, which ONNX Runtime computes in 8 bits",
        )
        for tensor in proto.graph.initializer
        if tensor.name.endswith(suffix)
    )


def _refused(layer: str, why: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"int8-dynamic computes LSTM alone in 8 bits, and layer {layer!r} {why}; use precisions=('int8',), which takes "
        "every cell"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the root logger, on which the quantiser recommends a pass that canonical files do not need."""

    def drop(record: logging.LogRecord) -> bool:
        return "pre-processing before quantization" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(drop)
    try:
        yield
    finally:
        root.removeFilter(drop)
