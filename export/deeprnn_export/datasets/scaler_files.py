"""Read how numbers were scaled: from a dict, a JSON or .npz file, or an object as scikit-learn has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.npz_file import open_npz

_FORMS = (
    "mean and scale, or min and max (and feature_range, where it is not 0 to 1), each one number or one for each column"
)
# As scikit-learn calls what its scalers learned.
_LEARNED = ("data_min_", "data_max_", "mean_", "center_", "scale_")


@dataclass(frozen=True)
class Scaler:
    """Hold how numbers were scaled: a number is ``scaled * scale + offset``.

    Attributes:
        scale: ``(columns,)`` float64, or ``()`` for every column.
        offset: likewise.
    """

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


def read_scaler(given: Any, option: str) -> Scaler:
    """Read a scaler.

    Args:
        given: a dict of ``mean`` and ``scale``, or of ``min`` and ``max`` with ``feature_range``; the path of a JSON
            object or an ``.npz`` of these; or a fitted ``StandardScaler`` or ``MinMaxScaler``.
        option: what messages call it.

    Raises:
        InputError: for a file that cannot be read, and for what is no such scaler.
    """
    fields = _fields(_read_file(Path(given), option) if isinstance(given, str | Path) else given, option)
    try:
        values = {name: np.asarray(value, np.float64) for name, value in fields.items()}
    except (TypeError, ValueError) as error:
        raise InputError(f"{option}= has what is no number: {error}; expected {_FORMS}") from error
    if wrong := [name for name, value in values.items() if value.ndim > 1 or not np.isfinite(value).all()]:
        raise InputError(f"{option}= has no plain list of finite numbers under {wrong[0]!r}; expected {_FORMS}")
    if values.keys() == {"mean", "scale"}:
        return Scaler(values["scale"], values["mean"])
    if values.keys() in ({"min", "max"}, {"min", "max", "feature_range"}):
        low, high = _feature_range(values.get("feature_range"), option)
        width = values["max"] - values["min"]
        # A column of one value alone: scikit-learn takes a width of 1 in its place.
        scale = np.where(width == 0, 1.0, width) / (high - low)
        return Scaler(scale, values["min"] - low * scale)
    raise InputError(f"{option}= has {', '.join(sorted(fields)) or 'nothing'}; expected {_FORMS}")


def _feature_range(given: NDArray[np.float64] | None, option: str) -> tuple[float, float]:
    found = np.array([0.0, 1.0]) if given is None else given
    if found.shape != (2,) or not found[0] < found[1]:
        raise InputError(f"{option}= has the feature_range {found.tolist()}; expected two numbers, the smaller first")
    return float(found[0]), float(found[1])


def _fields(given: Any, option: str) -> dict[str, Any]:
    """Return what a mapping or a fitted object says, under the names of here."""
    if not isinstance(given, Mapping):
        learned = {name: getattr(given, name) for name in (*_LEARNED, "feature_range") if hasattr(given, name)}
        if not any(name in learned for name in _LEARNED):
            raise InputError(f"{option}= is a {type(given).__name__}, which learned nothing known; expected {_FORMS}")
        return _fields(learned, option)
    if "data_min_" in given:  # a MinMaxScaler, whose own scale_ is of the other direction
        return {"min": given["data_min_"], "max": given.get("data_max_"), "feature_range": given.get("feature_range")}
    if "mean_" in given or "center_" in given:  # None where it did not shift, or did not scale
        mean, scale = given.get("mean_", given.get("center_")), given.get("scale_")
        return {"mean": 0.0 if mean is None else mean, "scale": 1.0 if scale is None else scale}
    return {str(name): value for name, value in given.items()}


def _read_file(path: Path, option: str) -> Any:
    if path.suffix == ".npz":
        with open_npz(path, f"a scaler of {_FORMS}") as arrays:
            return {name: arrays[name] for name in arrays.files}
    try:
        read = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is neither JSON nor .npz, as {option}= has to be, never a pickle, which could run anything; "
            f"write it from Python as JSON with {_FORMS}"
        ) from error
    if not isinstance(read, dict):
        raise InputError(f"{path} holds a {type(read).__name__}; expected an object with {_FORMS}")
    return read
