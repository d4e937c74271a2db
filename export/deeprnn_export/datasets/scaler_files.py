"""Recognise what people have of their scaler: JSON, an .npz, scikit-learn's own object or its skops file; no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.feature_steps import FeatureStep
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.npz_file import open_npz
from deeprnn_export.datasets.skops_file import read_skops

SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
_PLAIN_FIELDS = ("mean", "scale", "std", "variance", "min", "max", "feature_range", "columns")
# What fitted scalers hold beside what is read here, and what changes nothing of what transform gives.
_FITTED = (
    *("mean_", "var_", "scale_", "min_", "data_min_", "data_max_", "data_range_", "max_abs_", "center_"),
    *("with_mean", "with_std", "with_centering", "with_scaling", "feature_range", "clip", "copy", "unit_variance"),
    *("quantile_range", "n_features_in_", "n_samples_seen_", "feature_names_in_"),
)
_EXPECTED = (
    "expected mean and scale, or min and max, a number for each feature, or the attributes of scikit-learn's "
    f"{', '.join(SCALERS[:-1])} or {SCALERS[-1]}"
)
_LARGEST_BYTES = 64 << 20
# How pickle (protocols 2 to 5) and what joblib packs it in begin: gzip, zlib, bzip2, xz, lzma, lz4.
_PICKLED = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x1f\x8b", b"x\x9c", b"x^", b"x\xda", b"BZh",
            b"\xfd7zXZ", b"\x5d\x00\x00", b"\x04\x22\x4d\x18", b"ZF")  # fmt: skip

Formula = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Scaler:
    """Hold a scaler that was recognised.

    Attributes:
        kind: what it is.
        where: the file, for messages.
        count: its features; None for one number for all.
        names: of its features, where it knows them.
        steps: what it does, as a bundle's steps.
        formula: the same as its maker defines it, on ``(..., features)`` float64, which the steps are held to.
    """

    kind: str
    where: str
    count: int | None
    names: tuple[str, ...]
    steps: tuple[FeatureStep, ...]
    formula: Formula


def read_scaler(given: Any, what: str = "the scaler") -> Scaler:
    """Read a scaler.

    Args:
        given: a path to JSON, an ``.npz`` or a ``.skops``; a mapping of the same names; or scikit-learn's object.
        what: what messages call it.

    Raises:
        InputError: for a pickle, for what is damaged or no scaler, and for numbers that cannot be.
    """
    if isinstance(given, str | Path):
        where = f"{what} {given}"
        return _recognise(_read_file(Path(given), where), where)
    if isinstance(given, Mapping):
        return _recognise(dict(given), what)
    name = type(given).__name__
    if name not in SCALERS:
        raise InputError(f"{what} is a {name}; expected a fitted {' or '.join(SCALERS)}, a mapping or a file")
    return _recognise(vars(given), what, name)


def inverse(scaler: Scaler) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what takes scaled numbers back: the factor, and what is added then, a number for each feature or one.

    What a scaler clips it does not bring back, nor does scikit-learn.
    """
    step = scaler.steps[0]
    multiply = np.array(step.multiply)
    return 1 / multiply, np.array(step.subtract) - np.array(step.add or (0.0,)) / multiply


def take_features(scaler: Scaler, columns: list[int]) -> Scaler:
    """Return the scaler of some of its features, in this order."""

    def taken(values: tuple[float, ...] | None) -> tuple[float, ...] | None:
        return values if values is None or len(values) == 1 else tuple(values[column] for column in columns)

    steps = [
        replace(
            step,
            subtract=taken(step.subtract),
            multiply=taken(step.multiply),
            add=taken(step.add),
            low=taken(step.low),
            high=taken(step.high),
        )
        for step in scaler.steps
    ]

    def formula(raw: NDArray[Any]) -> NDArray[Any]:
        whole = np.zeros((*raw.shape[:-1], scaler.count or 1))
        whole[..., columns] = raw
        return scaler.formula(whole)[..., columns]

    kept = tuple(scaler.names[column] for column in columns) if scaler.names else ()
    return Scaler(scaler.kind, scaler.where, len(columns), kept, tuple(steps), formula)


def _read_file(path: Path, where: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {where}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > _LARGEST_BYTES:
        raise InputError(f"{where} has more than {_LARGEST_BYTES:,} bytes, which no scaler has")
    if path.suffix.lower() in (".pkl", ".pickle", ".joblib") or content.startswith(_PICKLED):
        raise InputError(f"{where} is a pickle, which runs its maker's code; write it as JSON: {advice(path)}")
    if path.suffix.lower() == ".skops":
        return read_skops(content, where, SCALERS)
    if content.startswith(b"PK\x03\x04"):
        with open_npz(path, "a scaler: an .npz of numbers by name") as arrays:
            return {name: arrays[name] for name in arrays.files}
    try:
        fields = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is neither JSON nor an .npz ({error}); {_EXPECTED}") from error
    if not isinstance(fields, dict):
        raise InputError(f"{where} holds a {type(fields).__name__}; {_EXPECTED}")
    return fields


def advice(path: Path) -> str:
    """Return the command that writes a pickled scaler as JSON; where scikit-learn is, joblib is too."""
    program = (
        f"import joblib, json; s = joblib.load({str(path)!r}); json.dump({{k: getattr(v, 'tolist', lambda v=v: v)() "
        "for k, v in vars(s).items()}, open('scaler.json', 'w'))"
    )
    return f'python -c "{program}"'


def _recognise(fields: dict[str, Any], where: str, name: str | None = None) -> Scaler:
    fields = {key: _unpacked(value) for key, value in fields.items() if not str(key).startswith("_")}
    unknown = [key for key in fields if key not in (*_PLAIN_FIELDS, *_FITTED)]
    if unknown:
        raise InputError(f"{where} has {str(unknown[0])[:80]!r}, which no scaler that is known has; {_EXPECTED}")
    read = _Fields(fields, where)
    for kind, mark, rule in _RULES:
        if name == kind or (name is None and any(key in fields for key in mark)):
            steps, formula = rule(read)
            return Scaler(f"a {kind}", where, read.count, read.names(), steps, formula)
    raise InputError(f"{where} has {', '.join(map(str, fields)) or 'no fields'}; {_EXPECTED}")


def _unpacked(value: Any) -> Any:
    """Return the one number of an array without axes, as an ``.npz`` has it."""
    return value.item() if isinstance(value, np.ndarray | np.generic) and not value.ndim else value


class _Fields:
    """Read the fields of one scaler, all of one number of features.

    Attributes:
        where: the file, for messages.
        count: of its features, once a field has told.
    """

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        self._fields, self.where = fields, where
        self.count: int | None = None
        if self.has("n_features_in_"):
            self.count = int(self.numbers("n_features_in_")[0])

    def has(self, name: str) -> bool:
        """Return whether there is such a field."""
        return self._fields.get(name) is not None

    def flag(self, name: str, default: bool) -> bool:
        """Return a field that is true or false."""
        value = self._fields.get(name, default)
        if value not in (True, False):
            raise InputError(f"{self.where} has {name}={str(value)[:80]!r}; expected true or false")
        return bool(value)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a field with a number for each feature, or one for all."""
        if not self.has(name):
            raise InputError(f"{self.where} lacks {name!r}; {_EXPECTED}")
        try:
            found = np.asarray(self._fields[name])
            if found.dtype.kind not in "iuf":
                raise ValueError(found.dtype)
            if found.ndim > 1 and found.size == found.shape[-1]:  # a row, as the layer Normalization has its mean
                found = found.reshape(-1)
            array = found.astype(np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f"{self.where} has no numbers as {name!r}; {_EXPECTED}") from error
        if array.ndim > 1 or not array.size or not np.isfinite(array).all():
            raise InputError(f"{self.where} has {name!r} of the shape {array.shape}, or not finite; {_EXPECTED}")
        if array.ndim and name not in ("feature_range", "n_features_in_"):
            if self.count not in (None, array.size):
                raise InputError(f"{self.where} has {array.size} numbers as {name!r} and {self.count} features")
            self.count = array.size
        return array.reshape(-1)

    def divisors(self, name: str) -> NDArray[np.float64]:
        """Return numbers to divide by."""
        array = self.numbers(name)
        if not array.all():
            raise InputError(f"{self.where} has a 0 in {name!r}, by which it divides; give 1 for a constant feature")
        return array

    def range(self) -> tuple[float, float]:
        """Return what minimum and maximum become."""
        if not self.has("feature_range"):
            return 0.0, 1.0
        values = self.numbers("feature_range")
        if len(values) != 2 or values[0] >= values[1]:
            raise InputError(f"{self.where} has the feature_range {values.tolist()}; expected such as [0, 1]")
        return float(values[0]), float(values[1])

    def names(self) -> tuple[str, ...]:
        """Return the names of the features, where there are any."""
        given = self._fields.get("feature_names_in_", self._fields.get("columns"))
        if given is None:
            return ()
        names = tuple(given.tolist() if isinstance(given, np.ndarray) else given)
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise InputError(f"{self.where} has names of features that are no words, each once")
        if self.count not in (None, len(names)):
            raise InputError(f"{self.where} has {len(names)} names and {self.count} features")
        return names


Rule = tuple[tuple[FeatureStep, ...], Formula]


def _affine(subtract: Any, multiply: Any, add: Any = None) -> FeatureStep:
    def row(values: Any) -> tuple[float, ...]:
        return tuple(np.atleast_1d(np.asarray(values, np.float64)).tolist())

    return FeatureStep("scale", subtract=row(subtract), multiply=row(multiply), add=None if add is None else row(add))


def _standard(read: _Fields) -> Rule:
    """Read what ``StandardScaler`` does: ``(x - mean_) / scale_``, without either where it was made so."""
    mean = read.numbers("mean_") if read.flag("with_mean", True) else np.zeros(1)
    scale = read.divisors("scale_") if read.flag("with_std", True) else np.ones(1)
    return (_affine(mean, 1 / scale),), lambda x: (x - mean) / scale


def _robust(read: _Fields) -> Rule:
    """Read what ``RobustScaler`` does: ``(x - center_) / scale_``, likewise."""
    center = read.numbers("center_") if read.flag("with_centering", True) else np.zeros(1)
    scale = read.divisors("scale_") if read.flag("with_scaling", True) else np.ones(1)
    return (_affine(center, 1 / scale),), lambda x: (x - center) / scale


def _max_abs(read: _Fields) -> Rule:
    """Read what ``MaxAbsScaler`` does: ``x / scale_``, which is ``max_abs_`` with 1 in the place of 0."""
    largest = read.numbers("max_abs_")
    scale = read.divisors("scale_") if read.has("scale_") else np.where(largest == 0, 1.0, largest)
    steps = [_affine(0.0, 1 / scale)]
    clips = read.flag("clip", False)
    if clips:
        steps.append(FeatureStep("clip", low=(-1.0,), high=(1.0,)))
    return tuple(steps), lambda x: np.clip(x / scale, -1, 1) if clips else x / scale


def _min_max(read: _Fields) -> Rule:
    """Read what ``MinMaxScaler`` does: ``x * scale_ + min_``, both of the minima, the maxima and the range."""
    low, high = read.range()
    if read.has("scale_") and read.has("min_"):
        scale, offset = read.divisors("scale_"), read.numbers("min_")
    else:
        least, most = read.numbers("data_min_"), read.numbers("data_max_")
        scale = (high - low) / _spans(read, least, most)
        offset = low - least * scale
    steps = [_affine(0.0, scale, offset)]
    clips = read.flag("clip", False)
    if clips:
        steps.append(FeatureStep("clip", low=(low,), high=(high,)))
    return tuple(steps), lambda x: np.clip(x * scale + offset, low, high) if clips else x * scale + offset


def _plain_min_max(read: _Fields) -> Rule:
    low, high = read.range()
    least, most = read.numbers("min"), read.numbers("max")
    span = _spans(read, least, most)
    step = _affine(least, (high - low) / span, None if low == 0 else low)
    return (step,), lambda x: (x - least) / span * (high - low) + low


def _plain_mean(read: _Fields) -> Rule:
    given = [name for name in ("scale", "std", "variance") if read.has(name)]
    mean = read.numbers("mean")
    if len(given) != 1:
        raise InputError(f"{read.where} has mean and {', '.join(given) or 'no scale'}; expected mean and scale")
    scale = read.divisors(given[0])
    scale = np.sqrt(scale) if given[0] == "variance" else scale
    return (_affine(mean, 1 / scale),), lambda x: (x - mean) / scale


def _spans(read: _Fields, least: NDArray[Any], most: NDArray[Any]) -> NDArray[Any]:
    if (least > most).any():
        raise InputError(f"{read.where} has a minimum above its maximum")
    return np.where(most == least, 1.0, most - least)  # a constant feature, as scikit-learn has it


# What is recognised, by what a scaler of that kind alone has; scikit-learn's own first.
_RULES: tuple[tuple[str, tuple[str, ...], Callable[[_Fields], Rule]], ...] = (
    ("StandardScaler", ("mean_", "with_mean", "with_std"), _standard),
    ("RobustScaler", ("center_", "with_centering", "with_scaling"), _robust),
    ("MinMaxScaler", ("data_min_", "data_max_", "min_"), _min_max),
    ("MaxAbsScaler", ("max_abs_",), _max_abs),
    ("scaler of means and scales", ("mean",), _plain_mean),
    ("scaler of minima and maxima", ("min", "max"), _plain_min_max),
)
