"""Reach into LiteRT: every use of a part that its makers may change, a function each.

Where an upgrade took such a part away, the error says so in plain words.
"""

from __future__ import annotations

import importlib
from functools import partial
from operator import attrgetter
from typing import Any

from deeprnn_edge.errors import MissingExtraError
from deeprnn_edge.packages import parts_of

_parts = partial(parts_of, "LiteRT", "ai-edge-litert")
# What the reader of files takes of the schema, which LiteRT generates anew with each release.
# fmt: off
_SCHEMA = (
    "BuiltinOperator.CUSTOM", "TensorType", "Model.GetRootAs", "Model.SubgraphsLength", "Model.Subgraphs",
    "Model.BuffersLength", "Model.Buffers", "Model.OperatorCodesLength", "Model.OperatorCodes",
    "Model.SignatureDefsLength", "Model.SignatureDefs", "OperatorCode.BuiltinCode",
    "OperatorCode.DeprecatedBuiltinCode", "OperatorCode.CustomCode", "SubGraph.OperatorsLength", "SubGraph.Operators",
    "SubGraph.TensorsLength", "SubGraph.Tensors", "SubGraph.InputsLength", "SubGraph.Inputs", "SubGraph.OutputsLength",
    "SubGraph.Outputs", "Operator.OpcodeIndex", "SignatureDef.SubgraphIndex", "SignatureDef.InputsLength",
    "SignatureDef.Inputs", "SignatureDef.OutputsLength", "SignatureDef.Outputs", "TensorMap.Name",
    "TensorMap.TensorIndex", "Tensor.Name", "Tensor.Type", "Tensor.Buffer", "Tensor.Shape", "Tensor.ShapeLength",
    "Tensor.ShapeSignature", "Tensor.ShapeSignatureLength", "Buffer.DataLength", "Buffer.Size", "Buffer.DataAsNumpy",
    "Model.MetadataLength", "Model.Metadata", "Metadata.Name", "Metadata.Buffer",
)
# fmt: on


def start_interpreter(content: bytes, *, threads: int, delegates: bool = True) -> Any:
    """Start an ``Interpreter`` on a model, its tensors allocated; without delegates it runs every operator itself.

    Raises:
        MissingExtraError: where LiteRT is not installed, or newer than what is used of it here.
    """
    litert = _require("interpreter")
    with _parts():
        options: dict[str, Any] = {}
        if not delegates:
            options["experimental_op_resolver_type"] = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = litert.Interpreter(model_content=content, num_threads=threads, **options)
        attrgetter("set_tensor", "get_tensor", "invoke", "reset_all_variables")(interpreter)
        interpreter.allocate_tensors()
        return interpreter


def signature_of(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the details of inputs and of outputs by the signature's names, from its ``SignatureRunner``.

    Not by the order of the tensors, which is the converter's own. Of each, ``index``, ``shape`` and ``dtype`` are used.
    """
    with _parts():
        signature = interpreter.get_signature_runner()
        return signature.get_input_details(), signature.get_output_details()


def load_schema() -> Any:
    """Return the module ``schema_py_generated``, once all that is used of it is there.

    Raises:
        MissingExtraError: where LiteRT is not installed, or newer than what is used of it here.
    """
    schema = _require("schema_py_generated")
    with _parts():
        attrgetter(*_SCHEMA)(schema)
    return schema


def _require(module: str) -> Any:
    try:
        importlib.import_module("ai_edge_litert")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a .tflite artifact needs LiteRT, which is not installed here; install it with: "
            "pip install 'deeprnn-edge[tflite]', or load the bundle's .onnx artifact"
        ) from error
    with _parts():
        return importlib.import_module(f"ai_edge_litert.{module}")
