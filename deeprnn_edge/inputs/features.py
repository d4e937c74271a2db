"""Turn raw values, numbers and words as a sensor or a table has them, into an input of the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput, shape_of_result
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError

Change = Callable[[NDArray[Any]], NDArray[Any]]

# A step that would answer for a NaN as for any number; what scales leaves it to be found behind all steps.
_HIDES_NAN = ("bins", "clip", "lookup", "one_hot")

# What takes each value as it is, wherever it stands.
_BY_VALUE = ("scale", "clip", "bins", "lookup")

# With a sum of squares below this no number is beyond float32; told sooner than NumPy's warning is kept quiet (2.8 us).
_NONE_OVERFLOWS = 1e76
_MOST_FILLED = 1 << 16  # numbers, half a megabyte


class FeatureEncoder:
    """Turn raw values into one input of the model by a bundle's steps.

    Attributes:
        raw: what the bundle says of them.
    """

    def __init__(self, raw: RawInput, spec: TensorSpec, rules: Preprocessing) -> None:
        self.raw = raw
        self._changes = [_compile(step) for step in raw.steps if step.step != "window"]
        # Words are objects, each looked at before it is taken for one.
        self._numeric = None if raw.dtype in ("str", "any") else np.dtype(raw.dtype)
        self._dtype = np.dtype(spec.dtype) if spec.dtype.startswith("float") else None
        # Of values without columns the last axis is that of time, whose length the rules for padding hold.
        by_value = all(step.step in _BY_VALUE or step.form == "each" for step in raw.steps) and len(raw.shape) == 1
        self._width = raw.shape[-1] if isinstance(raw.shape[-1], int) and not by_value else None
        self._least = max((max(step.columns or (0,)) + 1 for step in raw.steps if step.step == "select"), default=0)
        self._none_overflows = 0.0 if self._dtype is None or self._dtype.itemsize < 4 else _NONE_OVERFLOWS
        self._checks_first = any(step.step in _HIDES_NAN for step in raw.steps)
        self._raw_rank, self._rank, self._window = len(raw.shape), len(shape_of_result(raw)), raw.window
        self._pads_in_front, self._pad_value = rules.padding == "pre", rules.pad_value

    def encode(self, value: Any) -> NDArray[Any]:
        """Return raw values, of one item or with further axes in front, as the model's.

        Raises:
            InputError: for another number of columns, and for values that a step cannot take.
        """
        array = value if type(value) is np.ndarray and value.dtype is self._numeric else self.read(value)
        if array.ndim == 0 or (array.shape[-1] != self._width and (self._width or array.shape[-1] < self._least)):
            raise InputError(f"raw values of the shape {array.shape}; expected {self.expected()}")
        if self._checks_first and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError("a raw value is NaN or infinite; fill or drop missing values first")
        for change in self._changes:
            array = change(array)
        if self._dtype is None:
            return array
        numbers = array if array.dtype.kind != "O" else _numbers(array)
        # As a Python float: NumPy would put the limit in float32 where the numbers are, and warn of it.
        if float(np.vdot(numbers, numbers)) < self._none_overflows:
            return numbers.astype(self._dtype)
        with np.errstate(over="ignore"):  # what becomes infinite is refused where all inputs are checked
            return numbers.astype(self._dtype)

    def rows(self, items: Any) -> list[NDArray[Any]]:
        """Return one raw item or several as the model's rows: one an item, or one a window.

        Raises:
            InputError: with the item's number, for what cannot be read.
        """
        if type(items) is np.ndarray and items.ndim == self._raw_rank and self._window is None:
            try:
                return [self.encode(items)]
            except InputError as error:
                raise InputError(f"item 0: {error}") from error
        found: list[NDArray[Any]] = []
        for index, item in enumerate(self.split(items)):
            try:
                row = self.encode(item)
                if row.ndim != self._rank:
                    raise InputError(f"raw values of the shape {np.shape(item)}; expected {self.expected()}")
                found += [row] if self._window is None else self._windows(row, self._window)
            except InputError as error:
                raise InputError(f"item {index}: {error}") from error
        return found

    def expected(self) -> str:
        """Say what a raw item is, for messages."""
        kind = {"str": "words", "any": "numbers and words"}.get(self.raw.dtype, "numbers")
        named = f" (the columns {', '.join(map(str, self.raw.columns[:12]))})" if self.raw.columns else ""
        return f"{kind} of the shape ({', '.join(map(str, self.raw.shape))}){named}"

    def read(self, value: Any) -> NDArray[Any]:
        """Return raw values as an array, a table's in the order of the columns.

        Raises:
            InputError: for what is none.
        """
        if self.raw.columns and (is_table(value) or _is_row_table(value)):
            value = _take_columns(value, self.raw.columns)
        try:
            if self._numeric is None:
                return _words(value) if self.raw.dtype == "str" else np.asarray(value, object)
            array = np.asarray(value)
            if array.dtype.kind not in ("iu" if self.raw.dtype.startswith("int") else "fiu"):
                raise InputError(f"raw values of the dtype {array.dtype}; expected {self.expected()}")
            return array.astype(self._numeric, copy=False)
        except (ValueError, TypeError) as error:
            raise InputError(f"raw values are no array; expected {self.expected()}") from error

    def split(self, items: Any) -> Sequence[Any]:
        """Return one raw item or several as a sequence of them."""
        if is_table(items) or _is_row_table(items):
            return [items]
        depth = _depth(items)
        return [items] if depth == self._raw_rank and len(items) else items

    def _windows(self, row: NDArray[Any], how: FeatureStep) -> list[NDArray[Any]]:
        length, hop, count = how.length or 1, how.hop or 1, len(row)
        whole = max((count - length) // hop + 1, 0)
        windows = [row[start * hop : start * hop + length] for start in range(whole)]
        # Steps behind the last window, or, where these are apart, behind the gap that follows it.
        rest = row[whole * hop :] if whole == 0 or whole * hop - hop + length < count else row[:0]
        if not len(rest) or (how.rest == "cut" and windows):
            return windows
        if how.rest != "pad":
            raise InputError(
                f"{count} steps make no whole number of windows of {length} steps, each {hop}; "
                f"give {length + whole * hop}, or export the model with rest=cut or rest=pad"
            )
        filled = np.full((length, *row.shape[1:]), self._pad_value, row.dtype)
        filled[slice(length - len(rest), None) if self._pads_in_front else slice(len(rest))] = rest
        return [*windows, filled]


def make_feature_encoders(rules: Preprocessing, specs: Sequence[TensorSpec]) -> dict[str, FeatureEncoder]:
    """Make the encoder of each input that has steps, by the input's name."""
    named = {spec.name: spec for spec in specs}
    return {raw.input: FeatureEncoder(raw, named[raw.input], rules) for raw in rules.raw if raw.input in named}


def is_table(value: Any) -> bool:
    """Tell whether a value is columns by name: a dict of sequences, or a data frame."""
    if isinstance(value, Mapping):
        return any(_depth(column) for column in value.values())
    return hasattr(value, "columns") and hasattr(value, "__getitem__")


def _is_row_table(value: Any) -> bool:
    """Tell whether a value is rows, each a dict by column."""
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping) and not is_table(value[0])


def _take_columns(table: Any, columns: Sequence[str]) -> Any:
    if _is_row_table(table):
        table = {name: [row.get(name) for row in table] for name in table[0]}
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; expected {', '.join(columns)}")
    try:
        return np.stack([np.asarray(table[name]) for name in columns], axis=-1)
    except ValueError as error:
        raise InputError("the table's columns are of unequal length") from error


def _depth(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.ndim
    depth = 0
    while isinstance(value, list | tuple | np.ndarray):
        depth += 1
        if not len(value):
            break
        value = value[0]
    return depth


def _words(value: Any) -> NDArray[Any]:
    array = np.asarray(value, object)
    odd = next((one for one in array.ravel().tolist() if not isinstance(one, str)), None)
    if odd is not None:
        raise InputError(f"{odd!r} is a {type(odd).__name__} among words")
    return array


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "O":
        return array
    try:
        return array.astype(np.float64)
    except (ValueError, TypeError) as error:
        odd = next((one for one in array.ravel().tolist() if not isinstance(one, int | float)), None)
        raise InputError(f"{odd!r} stands where the model takes a number") from error


def _compile(step: FeatureStep) -> Change:
    return _COMPILERS[step.step](step)


def _select(step: FeatureStep) -> Change:
    columns = list(step.columns or ())
    return lambda array: array[..., columns]


def _scale(step: FeatureStep) -> Change:
    rows = [None if row is None else np.array(row) for row in (step.subtract, step.multiply, step.add)]
    # Of the last shape, as windows are mostly of one: NumPy takes twice as long to repeat a row of 9 (of 128 x 9: 4.2
    # us against 1.8). One tuple, so that threads see the shape and its numbers together.
    filled: tuple[tuple[int, ...], Sequence[NDArray[Any] | None]] = ((), rows)

    def run(array: NDArray[Any]) -> NDArray[Any]:
        nonlocal filled
        values, (shape, numbers) = array if array.dtype.kind != "O" else _numbers(array), filled
        if shape != values.shape:
            numbers = rows
            if values.size <= _MOST_FILLED:
                numbers = [row if row is None else np.full(values.shape, row) for row in rows]
                filled = (values.shape, numbers)
        subtract, multiply, add = numbers
        scaled: NDArray[Any] = values - subtract
        scaled *= multiply
        if add is not None:
            scaled += add
        return scaled

    return run


def _clip(step: FeatureStep) -> Change:
    low, high = np.array(step.low), np.array(step.high)
    return lambda array: np.clip(_numbers(array), low, high)


def _bins(step: FeatureStep) -> Change:
    boundaries = np.array(step.boundaries)

    def run(values: NDArray[Any]) -> NDArray[Any]:
        numbers = _numbers(values)
        # In the raw numbers' own precision, as the layer compares: 0.1 of float32 is above 0.1 of float64.
        own = boundaries.astype(numbers.dtype) if numbers.dtype.kind == "f" else boundaries
        return np.searchsorted(own, numbers, side="right")

    return _on_columns(step, run)


def _lookup(step: FeatureStep) -> Change:
    places = {key: place for place, key in enumerate(step.keys or ())}
    count, unknown = len(places), step.unknown

    def run(values: NDArray[Any]) -> NDArray[Any]:
        flat = values.ravel().tolist()
        found = [places.get(value, unknown) for value in flat]
        if unknown is None and None in found:
            odd = flat[found.index(None)]
            raise InputError(f"{odd!r} is none of the {count:,} categories that the model knows")
        return np.array(found, np.int64).reshape(values.shape)

    return _on_columns(step, run)


def _one_hot(step: FeatureStep) -> Change:
    size, form = step.size or 1, step.form

    def run(array: NDArray[Any]) -> NDArray[Any]:
        columns = range(array.shape[-1]) if step.columns is None else step.columns
        if form == "each":
            return _hot(array, size)
        parts: list[NDArray[Any]] = []
        joined = False
        for column in range(array.shape[-1]):
            if column not in columns:
                parts.append(array[..., column : column + 1])
            elif form == "one":
                parts.append(_hot(array[..., column], size))
            elif not joined:  # all together, where the first of them stood
                counts = sum(_hot(array[..., one], size) for one in columns)
                parts.append(np.asarray(counts) if form == "count" else np.minimum(counts, 1))
                joined = True
        return np.concatenate(parts, axis=-1)

    return run


def _hot(values: NDArray[Any], size: int) -> NDArray[np.float64]:
    numbers = _numbers(values)
    index = numbers.astype(np.int64)
    if index.size and ((index != numbers).any() or index.min() < 0 or index.max() >= size):
        odd = numbers[(index != numbers) | (index < 0) | (index >= size)].flat[0]
        raise InputError(f"{odd} is no class; expected a whole number from 0 to {size - 1}")
    hot: NDArray[np.float64] = (index[..., None] == np.arange(size)).astype(np.float64)
    return hot


def _on_columns(step: FeatureStep, run: Change) -> Change:
    """Make a change of the step's columns alone; the others stay as they are."""
    if step.columns is None:
        return run
    columns = list(step.columns)

    def change(array: NDArray[Any]) -> NDArray[Any]:
        changed = array.copy()
        changed[..., columns] = run(array[..., columns])
        return changed

    return change


_COMPILERS: dict[str, Callable[[FeatureStep], Change]] = {
    "select": _select,
    "scale": _scale,
    "clip": _clip,
    "bins": _bins,
    "lookup": _lookup,
    "one_hot": _one_hot,
}
