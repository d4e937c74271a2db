"""Write the steps from raw values to an input as Python, on numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deeprnn_edge.bundle.feature_steps import FeatureStep
from deeprnn_edge.snippets.example import RawValues
from deeprnn_edge.snippets.literals import lines

_MOST_KEYS = 2_000  # of a table; with more the program says what to do, and does not do it
_INDENT = " " * 8


def can_prepare(raw: RawValues) -> bool:
    """Return whether a program can run these steps: on all columns alike, by tables that can be read."""
    steps = raw.how.steps
    return raw.how.dtype != "any" and all(
        (step.columns is None or step.step == "select") and len(step.keys or step.boundaries or ()) <= _MOST_KEYS
        for step in steps
    )


def prepare(raw: Sequence[RawValues], dtypes: Mapping[str, str]) -> list[str]:
    """Write the raw values, the function that prepares them, and its call; dtypes are those of the inputs, by name."""
    written = ["# What the inputs are made of.", "RAW = {"]
    for one in raw:
        kind = "object" if one.how.dtype == "str" else repr(one.how.dtype)
        literals = map(_literal, one.values.ravel().tolist())
        # Lines are broken at spaces, which words may have.
        numbers = ",\n".join(_INDENT + one for one in literals) if kind == "object" else lines(literals, _INDENT)
        written.append(f"    {one.how.input!r}: np.array([\n{numbers}\n    ], {kind}).reshape({one.values.shape}),")
    written += ["}", "", "", "def prepare(name, values):"]
    written.append('    """Turn raw values into an input of the model, by the steps of the bundle."""')
    for one in raw:
        written.append(f"    if name == {one.how.input!r}:")
        body = [line for step in one.how.steps if step.step != "window" for line in _WRITERS[step.step](step)]
        written += [f"        {line}" for line in (*body, f"return values.astype({dtypes[one.how.input]!r})")]
    written += ["    raise KeyError(name)", "", ""]
    written.append("INPUTS.update({name: prepare(name, values) for name, values in RAW.items()})")
    return written


def _literal(value: Any) -> str:
    return ascii(value) if isinstance(value, str) else repr(value)


def _row(values: Sequence[Any] | None) -> str:
    return f"np.array([{', '.join(map(_literal, values or ()))}])"


def _select(step: FeatureStep) -> list[str]:
    return [f"values = values[..., {list(step.columns or ())}]"]


def _scale(step: FeatureStep) -> list[str]:
    add = "" if step.add is None else f" + {_row(step.add)}"
    return [f"values = (values - {_row(step.subtract)}) * {_row(step.multiply)}{add}"]


def _clip(step: FeatureStep) -> list[str]:
    return [f"values = np.clip(values, {_row(step.low)}, {_row(step.high)})"]


def _bins(step: FeatureStep) -> list[str]:
    return [
        f"boundaries = {_row(step.boundaries)}",
        'own = boundaries.astype(values.dtype) if values.dtype.kind == "f" else boundaries',
        'values = np.searchsorted(own, values, side="right")',
    ]


def _lookup(step: FeatureStep) -> list[str]:
    table = ", ".join(f"{_literal(key)}: {place}" for place, key in enumerate(step.keys or ()))
    place = "places[value]" if step.unknown is None else f"places.get(value, {step.unknown})"
    return [
        f"places = {{{table}}}",
        f"values = np.array([{place} for value in values.ravel().tolist()]).reshape(values.shape)",
    ]


def _one_hot(step: FeatureStep) -> list[str]:
    hot = f"(values[..., None] == np.arange({step.size}))"
    ending = {"each": "", "one": ".reshape(*values.shape[:-1], -1)", "multi": ".any(axis=-2)", "count": ".sum(axis=-2)"}
    return [f"values = {hot}{ending[step.form or 'each']}"]


_WRITERS = {
    "select": _select,
    "scale": _scale,
    "clip": _clip,
    "bins": _bins,
    "lookup": _lookup,
    "one_hot": _one_hot,
}
