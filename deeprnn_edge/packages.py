"""The packages that are optional: found, or refused in one line that says what to install."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from types import ModuleType

from deeprnn_edge.errors import MissingExtraError

ONNXRUNTIME_JS = "1.30.0"  # of onnxruntime-web and onnxruntime-node: one release for the page and the snippets


def require_workshop(command: str) -> None:
    """Raise MissingExtraError where the packages that train and export are not installed."""
    missing = [name for name in ("tensorflow", "keras", "tf2onnx", "onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"{command} needs {', '.join(missing)}, not installed here; install the workshop with: "
            "pip install 'deeprnn-edge[export]'"
        )


def require_litert() -> ModuleType:
    """LiteRT's interpreter module. Raises MissingExtraError where it is not installed."""
    try:
        return importlib.import_module("ai_edge_litert.interpreter")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a .tflite artifact needs LiteRT, which is not installed here; install it with: "
            "pip install 'deeprnn-edge[tflite]', or load the bundle's .onnx artifact"
        ) from error


def require_score() -> None:
    """Raise MissingExtraError where the packages that score a corpus are not installed."""
    missing = [name for name in ("distributed", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"score needs {', '.join(missing)}, not installed here; install it with: pip install 'deeprnn-edge[score]'"
        )


def package_version(name: str) -> str | None:
    """The installed version of a distribution, without importing it; None where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
