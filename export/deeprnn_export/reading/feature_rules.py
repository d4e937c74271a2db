"""Decide how raw rows become a model's features: from the caller's columns, scaler and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deeprnn_edge.bundle.feature_steps import ANY_COLUMNS, FeatureStep, RawInput
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.scaler_files import Scaler, read_scaler, take_features
from deeprnn_export.reading.signature import Signature


@dataclass(frozen=True, eq=False)  # a scaler may hold arrays
class FeatureOptions:
    """Hold what a caller says of raw rows.

    Attributes:
        scaler: see ``read_scaler``.
        columns: names, or places from 0, of the model's features in its order; or one text with commas between them.
        hop: steps from the start of a window to that of the next; None for items that are one window each.
        rest: what becomes of steps that fill no window.
    """

    scaler: Any = None
    columns: str | Sequence[str | int] | None = None
    hop: int | None = None
    rest: Literal["refuse", "pad", "cut"] | None = None

    @property
    def given(self) -> bool:
        """Return whether the caller says anything."""
        return any(value is not None for value in (self.scaler, self.columns, self.hop, self.rest))


@dataclass(frozen=True, eq=False)
class FeatureRules:
    """Hold how raw rows become features.

    Attributes:
        raw: as the manifest states it.
        scaler: of the model's features, as its maker defines it.
        columns: places in a raw row, in the order of the features; None for all of them.
        notes: what was recognised, for the user.
    """

    raw: RawInput
    scaler: Scaler | None
    columns: tuple[int, ...] | None
    notes: tuple[str, ...] = ()


def read_feature_rules(options: FeatureOptions, signature: Signature, rules: Preprocessing) -> FeatureRules | None:
    """Read the caller's files and words, and hold them against the model's input.

    Returns:
        The rules; None where the caller says nothing.

    Raises:
        InputError: for a scaler or columns of another number than the model takes, and for windows of no length.
    """
    if not options.given:
        return None
    spec = _feature_input(options, signature, rules)
    width = int(spec.shape[2])
    scaler = None if options.scaler is None else read_scaler(options.scaler)
    names, places = _read_columns(options.columns, spec, width)
    if scaler is not None:
        names, scaler = _match(scaler, names, places, spec, width)
    steps = [] if places is None else [FeatureStep("select", columns=places)]
    steps += [] if scaler is None else scaler.steps
    shape: tuple[int | str, ...] = ("time" if options.hop else spec.shape[1], width if places is None else ANY_COLUMNS)
    if options.hop is not None:
        steps.append(_window(options, spec, rules))
    elif options.rest is not None:
        raise InputError(f"rest={options.rest!r} is for windows: give hop= as well")
    raw = RawInput(spec.name, "float64", shape, names if places is None else (), tuple(steps))
    notes = () if scaler is None else (f"{scaler.where} is {scaler.kind} of {width} features",)
    return FeatureRules(raw, scaler, places, notes)


def _feature_input(options: FeatureOptions, signature: Signature, rules: Preprocessing) -> TensorSpec:
    named = {"scaler=": options.scaler, "columns=": options.columns, "hop=": options.hop, "rest=": options.rest}
    said = next(name for name, value in named.items() if value is not None)
    if len(signature.inputs) != 1:
        raise InputError(
            f"{said} is for models of one input, and this one has {len(signature.inputs)}; "
            "scale inside the model, with a Normalization for each input"
        )
    (spec,) = signature.inputs
    if rules.kind != "sequence" or len(spec.shape) != 3 or not isinstance(spec.shape[2], int):
        shape = ", ".join(map(str, spec.shape))
        raise InputError(f"{said} is for features of (batch, time, features); the model's input is ({shape})")
    return spec


def _read_columns(
    given: str | Sequence[str | int] | None, spec: TensorSpec, width: int
) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
    """Return names, or places in a raw row."""
    if given is None:
        return (), None
    listed: list[Any] = [part.strip() for part in given.split(",")] if isinstance(given, str) else list(given)
    if all(isinstance(one, str) and one.isdecimal() for one in listed):
        listed = list(map(int, listed))
    if len(listed) != width:
        raise InputError(f"{len(listed)} columns, and the model's input {spec.name!r} takes {width} features")
    if len(set(listed)) < len(listed):
        raise InputError(f"columns={given!r} has one twice; give each feature's column once")
    if all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in listed):
        return (), tuple(listed)
    if not all(isinstance(one, str) and one for one in listed):
        raise InputError(f"columns={given!r}: expected names, or places from 0, not both")
    return tuple(listed), None


def _match(
    scaler: Scaler, names: tuple[str, ...], places: tuple[int, ...] | None, spec: TensorSpec, width: int
) -> tuple[tuple[str, ...], Scaler]:
    """Hold a scaler against the features, and take of one for a whole table those that the model has."""
    if names and scaler.names:
        missing = [name for name in names if name not in scaler.names]
        if missing:
            raise InputError(f"{scaler.where} knows no feature {missing[0]!r}; it has {', '.join(scaler.names)}")
        return names, take_features(scaler, [scaler.names.index(name) for name in names])
    if scaler.count in (None, width):
        return names or (scaler.names if places is None else ()), scaler
    if places is not None and scaler.count is not None and max(places) < scaler.count:
        return (), take_features(scaler, list(places))  # made for the whole raw row
    raise InputError(
        f"{scaler.where} has {scaler.count} features, and the model's input {spec.name!r} takes {width}; "
        "give the scaler that the model was trained with, or columns= for those of its features that the model takes"
    )


def _window(options: FeatureOptions, spec: TensorSpec, rules: Preprocessing) -> FeatureStep:
    length = spec.shape[1] if isinstance(spec.shape[1], int) else rules.max_length
    if length is None:
        raise InputError("hop= cuts a recording into windows of the model's length, and it takes any: give max_length=")
    if options.hop is None or options.hop < 1:
        raise InputError(f"hop={options.hop}: the next window begins at least 1 step on")
    return FeatureStep("window", length=length, hop=options.hop, rest=options.rest or "refuse")
