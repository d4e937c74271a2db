"""Name what a model answered: a class, several of them, one a step, or what a spelling says."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.answer import Answer, class_count
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.errors import BundleError, InputError

Named = tuple[str, float]
Label = str | list[str] | None
CLASS = Answer("class")  # what labels alone stand for
EVERY_STEP = ("steps", "ctc")


@dataclass(frozen=True)
class Answered:
    """Hold the answer to one item.

    Attributes:
        outputs: the item's row of each output by name; of a ``number``, scaled back.
        label: its name, or a list of names where the answer has several; None where nothing is named.
    """

    outputs: dict[str, NDArray[Any]]
    label: Label


def decide(values: NDArray[Any], answer: Answer | None = None) -> NDArray[Any]:
    """Return what each row decides: the number of its class, or for ``labels`` whether each is above the threshold.

    Args:
        values: ``(rows, classes)``, or ``(rows, 1)`` for one probability; a time axis may be between.
        answer: what they stand for; None for a class.
    """
    limit = CLASS.limit if answer is None else answer.limit
    if answer is not None and answer.kind == "labels":
        return np.asarray(values, np.float64) > limit
    if values.shape[-1] == 1:  # in float64, as every language compares a number that it reads from the manifest
        return (values[..., 0].astype(np.float64) > limit).astype(np.int64)
    return np.asarray(np.argmax(values, axis=-1))


def scale_back(values: NDArray[Any], answer: Answer) -> NDArray[np.float64]:
    """Return the quantities that a ``number`` was scaled from, in float64: what the scaler knew has more digits."""
    return np.asarray(values.astype(np.float64) * (answer.scale or 1.0) + (answer.offset or 0.0))


def name_rows(
    values: Any,
    manifest: Manifest,
    *,
    top_k: int = 1,
    kept: NDArray[np.bool_] | None = None,
    last: Sequence[int | None] = (),
) -> list[list[Named]]:
    """Name each row's answer.

    Args:
        values: the model's only output; of a ``number``, scaled back.
        manifest: of the bundle, which has the labels and what they stand for.
        top_k: how many classes to give of a row, where it is one class.
        kept: ``(rows, steps)``, the steps that are no padding; None for all. It counts where output and input have as
            many steps.
        last: for each row of a stream the class of its step before, for ``ctc``.

    Returns:
        For each row pairs of name and number. Of a class, the decided first and then the most probable; of ``labels``
        those above the threshold, the largest first; of ``steps`` one a step; of ``ctc`` one for each that is left,
        with the largest number of its steps; of a ``number`` each value.

    Raises:
        InputError: for a model without labels, of several outputs, or whose answers every step nothing explains.
        BundleError: for other than one label a class.
    """
    answer, labels = manifest.answer or CLASS, manifest.labels
    if not labels:
        raise InputError("the bundle names no classes; export the model with: deeprnn-edge export MODEL --labels NAMES")
    if isinstance(values, dict) or (answer.kind == "class" and values.ndim != 2):
        what = f"{len(values)} outputs" if isinstance(values, dict) else f"answers of the shape {values.shape}"
        raise InputError(f"classify names one answer an item, and the model gives {what}; take them from predict")
    if len(labels) != (classes := class_count(answer.kind, values.shape[-1])):
        raise BundleError(f"the manifest has {len(labels)} labels, and the model {classes} classes")
    if answer.kind == "number":
        return [list(zip(labels, row.tolist(), strict=True)) for row in values.reshape(-1, values.shape[-1])]
    if answer.kind == "class":
        return _rank(values, answer, labels, top_k)
    decided = decide(values, answer)
    if answer.kind == "labels":
        return [_above(row, chosen, labels) for row, chosen in zip(values, decided, strict=True)]
    numbers = np.take_along_axis(_classes(values), decided[..., np.newaxis], axis=-1)[..., 0]
    rows = []
    for place, (steps, found) in enumerate(zip(decided, numbers, strict=True)):
        if kept is not None and kept.shape[1] == len(steps):
            steps, found = steps[kept[place]], found[kept[place]]
        before = last[place] if len(last) else None
        named = zip(steps.tolist(), found.tolist(), strict=True)
        pairs = list(named) if answer.kind == "steps" else _spell(named, answer.blank, before)
        rows.append([(labels[index], number) for index, number in pairs])
    return rows


def label_of(named: Sequence[Named], manifest: Manifest) -> Label:
    """Return the names alone: one of a class, a list of other kinds, none of quantities."""
    kind = (manifest.answer or CLASS).kind
    if kind == "number":
        return None
    return named[0][0] if kind == "class" else [name for name, _ in named]


def is_named(manifest: Manifest) -> bool:
    """Return whether an item's answer has a label: a class or several, of the model's only output."""
    if not manifest.labels or len(manifest.outputs) != 1:
        return False
    if manifest.answer is None:
        return len(manifest.outputs[0].shape) == 2
    return manifest.answer.kind != "number"


def check_count(top_k: Any) -> int:
    """Return how many classes were asked for.

    Raises:
        InputError: for less than one, and for what is no whole number.
    """
    try:
        count = operator.index(top_k)
    except TypeError as error:
        raise InputError(f"top_k is {top_k!r}, expected a whole number") from error
    if count < 1:
        raise InputError(f"top_k {count}: expected 1 or more")
    return count


def _classes(values: NDArray[Any]) -> NDArray[Any]:
    """Return a number for each class: both of a single probability."""
    return np.concatenate([1 - values, values], axis=-1) if values.shape[-1] == 1 else values


def _rank(values: NDArray[Any], answer: Answer, labels: Sequence[str], top_k: int) -> list[list[Named]]:
    """Sort the classes of each row: what is decided is first, of equal ones the first."""
    numbers, first = _classes(values), decide(values, answer)
    ahead = numbers.astype(np.float64)
    ahead[np.arange(len(ahead)), first] = np.inf
    order = np.argsort(-ahead, axis=1, kind="stable")[:, : check_count(top_k)]
    return [
        [(labels[index], float(row[index])) for index in ranked] for row, ranked in zip(numbers, order, strict=True)
    ]


def _above(row: NDArray[Any], chosen: NDArray[np.bool_], labels: Sequence[str]) -> list[Named]:
    order = np.argsort(-row, kind="stable")
    return [(labels[index], float(row[index])) for index in order if chosen[index]]


def _spell(steps: Any, blank: int | None, before: int | None) -> list[tuple[int, float]]:
    """Join the steps of one class that follow each other, then leave the blank out."""
    spelled: list[tuple[int, float]] = []
    for index, number in steps:
        if index == before:
            if index != blank and spelled:
                spelled[-1] = (index, max(number, spelled[-1][1]))
        elif index != blank:
            spelled.append((index, number))
        before = index
    return spelled
