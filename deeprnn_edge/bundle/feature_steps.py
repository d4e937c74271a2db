"""Name the steps by which raw values become an input of the model, and say which of them can be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.strict_json import show

Shape = tuple[int | str, ...]

ANY_COLUMNS = "columns"  # the axis of a raw row of which a step selects: it may have more
RAW_DTYPES = ("float64", "float32", "int64", "int32", "str", "any")
# The fields that each step has to have, and those that it may have; a step has no others.
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "select": (("columns",), ()),
    "scale": (("subtract", "multiply"), ("add",)),
    "clip": (("low", "high"), ()),
    "bins": (("boundaries",), ("columns",)),
    "lookup": (("keys",), ("columns", "unknown")),
    "one_hot": (("size", "form"), ("columns",)),
    "window": (("length", "hop", "rest"), ()),
}
FORMS = ("one", "each", "multi", "count")
RESTS = ("refuse", "pad", "cut")
_MOST_STEPS = 32
_MOST_COLUMNS = 65_536
_MOST_KEYS = 1_000_000
_MOST_LENGTH = 10_000_000


@dataclass(frozen=True)
class FeatureStep:
    """Hold one step from raw values to an input of the model; what a step does not use is None.

    The last axis of the values is that of the columns. What has a number for each column also takes one for all.

    Attributes:
        step: ``select`` (``columns``, in that order); ``scale`` (``(x - subtract) * multiply + add``); ``clip`` (to
            ``low`` and ``high``); ``bins`` (how many of the ``boundaries`` are not above the value); ``lookup`` (a
            value's place in ``keys``); ``one_hot``; or, as the last, ``window``.
        columns: which columns ``select`` keeps; of the others, those that they change alone.
        subtract, multiply, add: of ``scale``; without ``add`` nothing is added.
        low, high: of ``clip``.
        boundaries: of ``bins``, ascending.
        keys: of ``lookup``: words or whole numbers.
        unknown: of ``lookup``: the place of what is not there; None refuses it.
        size: of ``one_hot``: how many classes.
        form: of ``one_hot``: ``one`` (each column becomes ``size`` columns), ``each`` (each value becomes ``size``
            values on an axis of their own), ``multi`` or ``count`` (all columns become ``size``: whether or how often
            a class is there).
        length, hop: of ``window``: steps of one, and from the start of one to that of the next.
        rest: of ``window``: what becomes of steps that fill none: ``refuse``, ``pad`` or ``cut``.
    """

    step: str
    columns: tuple[int, ...] | None = None
    subtract: tuple[float, ...] | None = None
    multiply: tuple[float, ...] | None = None
    add: tuple[float, ...] | None = None
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    boundaries: tuple[float, ...] | None = None
    keys: tuple[Any, ...] | None = None
    unknown: int | None = None
    size: int | None = None
    form: str | None = None
    length: int | None = None
    hop: int | None = None
    rest: str | None = None


@dataclass(frozen=True)
class RawInput:
    """Say how raw values become one input of the model.

    Attributes:
        input: the model's, by its name.
        dtype: of the raw values; ``any`` is a table of numbers and words.
        shape: of one raw item, without the batch; a free axis is its name: ``time``, or ``columns`` where a step
            selects of them.
        columns: their names, where they have any: a table that has names is read by them.
        steps: in their order.
    """

    input: str
    dtype: Literal["float64", "float32", "int64", "int32", "str", "any"]
    shape: Shape
    columns: tuple[str, ...] = ()
    steps: tuple[FeatureStep, ...] = ()

    @property
    def window(self) -> FeatureStep | None:
        """Return the step that cuts an item into windows, if there is one."""
        return next((step for step in self.steps if step.step == "window"), None)


def refuse_unknown_features(raw: Any) -> None:
    """Raise BundleError for a step of a later release by its name, whatever fields it has."""
    for place, one in enumerate(raw if isinstance(raw, list) else ()):
        steps = one.get("steps") if isinstance(one, dict) else None
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, dict) and step.get("step", "scale") not in tuple(_FIELDS):
                raise BundleError(
                    f"manifest.json.preprocessing.raw[{place}].steps[{index}] is {show(step['step'])}, a step that "
                    f"this release does not know; it has {', '.join(_FIELDS)}: install the release that made the bundle"
                )


def shape_of_result(raw: RawInput, where: str = "manifest.json.preprocessing.raw") -> Shape:
    """Check the steps, and return the shape of one item behind them.

    Raises:
        BundleError: that names the step which cannot be.
    """
    _check_raw(raw, where)
    shape = raw.shape
    for index, step in enumerate(raw.steps):
        at = f"{where}.steps[{index}]"
        _check_fields(step, at)
        width = shape[-1] if isinstance(shape[-1], int) else None
        for column in step.columns or ():
            if not 0 <= column < (_MOST_COLUMNS if width is None else width):
                raise BundleError(f"{at} ({step.step}) has the column {show(column)}, and there are {width}")
        shape = _CHECKS[step.step](step, shape, at)
        if step.step == "window" and index + 1 < len(raw.steps):
            raise BundleError(f"{at} is a window, expected it as the last step")
    if any(isinstance(size, int) and size > _MOST_COLUMNS for size in shape[1:]):
        raise BundleError(f"{where} makes {shape[-1]} columns, and {_MOST_COLUMNS:,} are the most")
    return shape


def describe_raw(raw: RawInput) -> str:
    """Say in words, of ASCII alone, what an input is made of."""
    kind = {"str": "words", "any": "numbers and words"}.get(raw.dtype, raw.dtype)
    named = f", the columns {', '.join(map(ascii, raw.columns))}" if raw.columns else ""
    steps = "; ".join(_describe(step) for step in raw.steps) or "no steps"
    return f"raw {kind} ({', '.join(map(str, raw.shape))}){named}: {steps}"


def _check_raw(raw: RawInput, where: str) -> None:
    if len(raw.steps) > _MOST_STEPS:
        raise BundleError(f"{where}.steps has {len(raw.steps)} steps, and {_MOST_STEPS} are the most")
    sizes = [size for size in raw.shape if isinstance(size, int)]
    if not 1 <= len(raw.shape) <= 8 or any(not 1 <= size <= _MOST_LENGTH for size in sizes):
        raise BundleError(f"{where}.shape is {show(list(raw.shape))}, expected 1 to 8 axes of size 1 or more")
    if raw.columns and raw.shape[-1] != len(raw.columns):
        raise BundleError(f"{where} names {len(raw.columns)} columns, and its shape has {show(raw.shape[-1])}")
    if len(set(raw.columns)) < len(raw.columns):
        raise BundleError(f"{where}.columns has a name twice")


def _check_fields(step: FeatureStep, where: str) -> None:
    if step.step not in _FIELDS:
        refuse_unknown_features([{"steps": [{"step": step.step}]}])
    needed, further = _FIELDS[step.step]
    given = {name for name, value in dataclasses.asdict(step).items() if value is not None} - {"step"}
    if not set(needed) <= given <= {*needed, *further}:
        raise BundleError(
            f"{where} ({step.step}) has {', '.join(sorted(given)) or 'no fields'}; "
            f"expected {', '.join(needed)}{''.join(f', perhaps {name}' for name in further)}"
        )
    for name in ("subtract", "multiply", "add", "low", "high", "boundaries"):
        numbers = getattr(step, name)
        if numbers is not None and (not numbers or not all(map(math.isfinite, numbers))):
            raise BundleError(f"{where}.{name} is {show(list(numbers))}, expected finite numbers")
    if step.columns is not None and (not step.columns or len(set(step.columns)) < len(step.columns)):
        raise BundleError(f"{where}.columns is {show(list(step.columns))}, expected columns, each once")


def _check_select(step: FeatureStep, shape: Shape, _where: str) -> Shape:
    return (*shape[:-1], len(step.columns or ()))


def _check_by_column(step: FeatureStep, shape: Shape, where: str) -> Shape:
    for name in ("subtract", "multiply", "add", "low", "high"):
        numbers = getattr(step, name)
        if numbers is not None and len(numbers) not in (1, shape[-1]):
            raise BundleError(f"{where}.{name} has {len(numbers)} numbers, and there are {shape[-1]} columns")
    for low, high in zip(step.low or (), step.high or (), strict=False):
        if low > high:
            raise BundleError(f"{where} has the low {low} above the high {high}")
    return shape


def _check_bins(step: FeatureStep, shape: Shape, where: str) -> Shape:
    boundaries = step.boundaries or ()
    if list(boundaries) != sorted(boundaries) or len(boundaries) > _MOST_KEYS:
        raise BundleError(f"{where}.boundaries is {show(list(boundaries))}, expected ascending numbers")
    return shape


def _check_lookup(step: FeatureStep, shape: Shape, where: str) -> Shape:
    keys = step.keys or ()
    alike = {type(key) for key in keys}
    usable = all(_is_text(key) if isinstance(key, str) else -(1 << 63) <= key < 1 << 63 for key in keys)
    if len(keys) > _MOST_KEYS or alike not in ({str}, {int}) or len(set(keys)) < len(keys) or not usable:
        raise BundleError(f"{where}.keys is {show(list(keys))}, expected words or whole numbers, each once")
    if step.unknown is not None and not 0 <= step.unknown < 1 << 31:
        raise BundleError(f"{where}.unknown is {show(step.unknown)}, expected a place from 0")
    return shape


def _is_text(key: str) -> bool:
    try:
        return bool(key.encode("utf-8")) or not key
    except UnicodeEncodeError:  # half a character, which JSON's escapes can make
        return False


def _check_one_hot(step: FeatureStep, shape: Shape, where: str) -> Shape:
    size, form, width = step.size or 0, step.form, shape[-1]
    if not 1 <= size <= _MOST_COLUMNS or form not in FORMS:
        raise BundleError(f"{where} has {show(size)} classes in the form {show(form)}, expected {', '.join(FORMS)}")
    if form == "each":
        if step.columns is not None:
            raise BundleError(f"{where} has columns, and the form each takes all")
        return (*shape, size)
    if not isinstance(width, int):
        raise BundleError(f"{where} takes columns, and their number is not stated")
    chosen = width if step.columns is None else len(step.columns)
    return (*shape[:-1], width - chosen + (size * chosen if form == "one" else size))


def _check_window(step: FeatureStep, shape: Shape, where: str) -> Shape:
    if not 1 <= (step.length or 0) <= _MOST_LENGTH or not 1 <= (step.hop or 0) <= _MOST_LENGTH:
        raise BundleError(
            f"{where} has the length {show(step.length)} and the hop {show(step.hop)}, expected 1 or more"
        )
    if step.rest not in RESTS:
        raise BundleError(f"{where}.rest is {show(step.rest)}, expected {' or '.join(RESTS)}")
    return (step.length or 0, *shape[1:])


_CHECKS = {
    "select": _check_select,
    "scale": _check_by_column,
    "clip": _check_by_column,
    "bins": _check_bins,
    "lookup": _check_lookup,
    "one_hot": _check_one_hot,
    "window": _check_window,
}


def _describe(step: FeatureStep) -> str:
    of = "" if step.columns is None or step.step == "select" else f" in columns {_list(step.columns)}"
    if step.step == "select":
        return f"columns {_list(step.columns or ())}, counted from 0, in this order"
    if step.step == "scale":
        plus = "" if step.add is None else f" + {_list(step.add)}"
        return f"(x - {_list(step.subtract or ())}) * {_list(step.multiply or ())}{plus}, column by column"
    if step.step == "clip":
        return f"not below {_list(step.low or ())} nor above {_list(step.high or ())}"
    if step.step == "bins":
        return f"how many of {_list(step.boundaries or ())} are not above the value{of}"
    if step.step == "lookup":
        unknown = "refused" if step.unknown is None else str(step.unknown)
        return f"the place, from 0, in {_list(step.keys or ())}{of}, else {unknown}"
    if step.step == "one_hot":
        said = {"one": "each column one-hot", "each": "each value one-hot", "multi": "multi-hot", "count": "counted"}
        return f"{said[step.form or 'one']} of {step.size} classes{of}"
    return f"windows of {step.length} steps, each {step.hop}; steps that fill none: {step.rest}"


def _list(values: Sequence[Any]) -> str:
    shown = [ascii(value) if isinstance(value, str) else f"{value:g}" for value in values[:12]]
    return f"[{', '.join(shown)}{', ...' if len(values) > 12 else ''}]" if len(values) != 1 else shown[0]
