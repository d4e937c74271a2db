"""Turn what an app has, text, ids or feature vectors, into the model's one input array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs import arrays as feeds
from deeprnn_edge.inputs.padding import pad_features, pad_ids
from deeprnn_edge.inputs.text import TextEncoder

if TYPE_CHECKING:
    from deeprnn_edge.inputs.features import FeatureEncoder

# What could be read as items, and not as those that were meant: bytes as ids, a dict as its keys, a set in any order.
_NO_ITEMS = (*feeds.NO_NUMBERS, Mapping, Set)


def make_encoders(rules: Preprocessing, specs: Sequence[TensorSpec]) -> dict[str, FeatureEncoder]:
    """Make the encoder of each input that has steps for raw values, by the input's name; none where there are none."""
    if not rules.raw:
        return {}
    # Imported here, so that a program without such steps starts without them.
    from deeprnn_edge.inputs.features import make_feature_encoders

    return make_feature_encoders(rules, specs)


def to_rows(
    items: Any,
    rules: Preprocessing,
    spec: TensorSpec,
    encoder: TextEncoder,
    features: FeatureEncoder | None = None,
) -> list[Any]:
    """Read one item or many as a list of rows.

    Args:
        items: a text, a sequence of ids, or a ``(time, features)`` array, or several of one kind.
        rules: how the bundle prepares them.
        spec: the model's one input.
        encoder: turns texts into ids.
        features: turns raw values into what the model takes, where the bundle has steps for that.

    Returns:
        Rows of ids, or arrays of ``(time, features)``; of raw values that are cut into windows, one a window.

    Raises:
        InputError: for anything else.
    """
    if isinstance(items, str):
        items = [items]
    if type(items) is not np.ndarray or not items.ndim:  # an array is items, told sooner (2 us) than what is none
        _refuse_no_items(items, rules, takes_tables=features is not None)
    if features is not None:
        return features.rows(items)
    items = items if isinstance(items, np.ndarray) else list(items)
    if len(items) and isinstance(items[0], str):
        return _texts(items, rules, encoder)
    if rules.kind == "sequence":
        return _features(items, spec)
    return _ids(items, rules)


def _refuse_no_items(items: Any, rules: Preprocessing, *, takes_tables: bool) -> None:
    is_table = takes_tables and isinstance(items, Mapping)
    if (
        (isinstance(items, _NO_ITEMS) and not is_table)
        or not isinstance(items, Iterable)
        or getattr(items, "ndim", 1) == 0
    ):
        raise InputError(f"got a {type(items).__name__}; expected {_expected(rules)}")


def to_batch(rows: Sequence[Any], rules: Preprocessing, length: int) -> NDArray[Any]:
    """Return rows as ``(rows, length)`` int32 or ``(rows, length, features)`` float32."""
    if rules.kind == "sequence" and len(rows) == 1 and len(rows[0]) == length:
        return np.asarray(rows[0], np.float32)[np.newaxis]  # a window alone, the usual call: 4 us sooner than copied
    if "refuse" in (rules.padding, rules.truncating):
        _refuse_other_lengths(rows, rules, length)
    sides: Any = {
        "length": length,
        "padding": "post" if rules.padding == "refuse" else rules.padding,
        "truncating": "post" if rules.truncating == "refuse" else rules.truncating,
    }
    if rules.kind == "sequence":
        return pad_features(rows, pad_value=rules.pad_value, **sides)
    return pad_ids(rows, pad_id=rules.pad_id, **sides)


def encode_inputs(
    inputs: Any, specs: Sequence[TensorSpec], features: Mapping[str, FeatureEncoder]
) -> dict[str, NDArray[Any]]:
    """Return the inputs of a model of several, those with steps made of raw values ``(batch, ...)``.

    Raises:
        InputError: for other inputs, and with the input's name for values that a step cannot take.
    """
    arrays = feeds.arrange(inputs, specs)
    for name, encoder in features.items():
        try:
            arrays[name] = encoder.encode(arrays[name])
        except InputError as error:
            raise InputError(f"input {name!r}: {error}") from error
    return arrays


def kept_steps(
    rows: Sequence[Any], batch: NDArray[Any], rules: Preprocessing, *, skips_padding: bool
) -> NDArray[np.bool_]:
    """Tell the steps of a batch that are no padding, ``(rows, steps)``.

    Args:
        rows: the items, as ``to_rows`` made them.
        batch: what ``to_batch`` made of them.
        rules: how the bundle pads.
        skips_padding: whether a step of the pad id or value that came with an item is padding too.
    """
    counts = np.array([len(row) for row in rows])[:, np.newaxis]
    steps, length = np.arange(batch.shape[1]), batch.shape[1]
    kept = steps >= length - counts if rules.padding == "pre" else steps < counts
    return kept & given_steps(batch, rules) if skips_padding else kept


def given_steps(batch: NDArray[Any], rules: Preprocessing) -> NDArray[np.bool_]:
    """Tell the steps of a batch that are not of the pad id or value, ``(rows, steps)``."""
    if batch.ndim == 2:
        return np.asarray(batch != rules.pad_id)
    return np.asarray((batch != np.float32(rules.pad_value)).any(axis=2))


def _refuse_other_lengths(rows: Sequence[Any], rules: Preprocessing, length: int) -> None:
    """Raise InputError for what would have to be padded or cut, and the model does not say how."""
    for index, row in enumerate(rows):
        if len(row) == length:
            continue
        for side, far in (("padding", len(row) < length), ("truncating", len(row) > length)):
            if far and getattr(rules, side) == "refuse":
                raise InputError(
                    f"item {index} has {len(row)} steps, and the model takes {length}; "
                    f"give as many, or export the model with --{side} pre or post"
                )


def _texts(items: Sequence[Any], rules: Preprocessing, encoder: TextEncoder) -> list[Any]:
    if rules.kind != "text":
        raise InputError(f"got text, but the model has no vocabulary; expected {_expected(rules)}")
    for index, item in enumerate(items):
        if not isinstance(item, str):
            raise InputError(f"item {index} is a {type(item).__name__} among texts")
    return [encoder.encode(item) for item in items]


def _ids(items: Any, rules: Preprocessing) -> list[Any]:
    if len(items) and np.ndim(items[0]) == 0:
        items = [items]
    rows = []
    for index, item in enumerate(items):
        row = _as_row(item, index, rules)
        if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
            raise InputError(
                f"item {index} has the shape {row.shape} and the dtype {row.dtype}; expected {_expected(rules)}"
            )
        if row.size and (row.min() < -(2**31) or row.max() >= 2**31):
            raise InputError(f"item {index} has an id that does not fit 32 bits")
        rows.append(row)
    return rows


def _as_row(item: Any, index: int, rules: Preprocessing) -> NDArray[Any]:
    try:
        if isinstance(item, _NO_ITEMS):
            raise TypeError(type(item))
        return np.asarray(item)
    except (ValueError, TypeError) as error:  # numpy: "inhomogeneous shape"
        raise InputError(f"item {index} is a {type(item).__name__}; expected {_expected(rules)}") from error


def _features(items: Any, spec: TensorSpec) -> list[Any]:
    if len(spec.shape) != 3:
        shape = ", ".join(map(str, spec.shape))
        raise InputError(f"predict takes items of (time, features), and the model's input is ({shape}); give it to run")
    width = spec.shape[2]
    if len(items) and np.ndim(items[0]) == 1:
        items = [items]
    rows = []
    for index, item in enumerate(items):
        try:
            row = np.asarray(item)
            if row.size and row.dtype.kind not in "fiu":
                raise TypeError(row.dtype)
            with np.errstate(over="ignore"):  # what becomes infinite is refused where all inputs are checked
                row = row.astype(np.float32)
        except (ValueError, TypeError) as error:
            raise InputError(f"item {index} is not an array of numbers of the shape (time, {width})") from error
        if row.ndim != 2 or row.shape[1] != width:
            raise InputError(f"item {index} has the shape {row.shape}, expected (time, {width})")
        rows.append(row)
    return rows


def _expected(rules: Preprocessing) -> str:
    return {
        "text": "texts, or sequences of ids",
        "tokens": "sequences of integer ids",
        "sequence": "arrays of the shape (time, features)",
    }[rules.kind]
