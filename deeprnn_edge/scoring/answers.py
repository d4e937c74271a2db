"""Turn a column of a corpus into columns of answers, row for row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.model import Model
from deeprnn_edge.inference.names import Answered, is_named
from deeprnn_edge.scoring.corpus import is_text

BATCH_ROWS = 64  # of one call; from 16 to 256 the pace is the same
LABEL = "label"


def answer_names(manifest: Manifest, prefix: str) -> list[str]:
    """Name the columns that a model's answers make: one an output, and the label where it has one.

    Raises:
        InputError: for a model whose answers are no columns.
    """
    if len(manifest.inputs) != 1:
        raise InputError(f"{manifest.name} has {len(manifest.inputs)} inputs, and score reads one column")
    if any(raw.window is not None for raw in manifest.preprocessing.raw):
        raise InputError(
            f"{manifest.name} cuts an item into windows, and score gives a row one answer; "
            "export the model without windows, and score rows of one window each"
        )
    free = [spec.name for spec in manifest.outputs if any(isinstance(size, str) for size in spec.shape[1:])]
    if free and manifest.preprocessing.max_length is None:
        raise InputError(
            f"{manifest.name} answers every step of sequences of any length ({free[0]}); "
            "score takes models whose answers have one shape"
        )
    names = [spec.name for spec in manifest.outputs]
    return [prefix + name for name in (*names, *([LABEL] if has_label(manifest) else []))]


def has_label(manifest: Manifest) -> bool:
    """Tell whether a row's only answer has a label, or several in a list."""
    return is_named(manifest) and manifest.outputs[0].name != LABEL


def answer_column(model: Model, column: Any, *, first_row: int) -> list[Any]:
    """Answer a column with the arrays under ``answer_names``, in the order of the rows; several values are a list.

    Args:
        model: that answers.
        column: a pyarrow ChunkedArray; a null in it answers null.
        first_row: of the column in its file, for messages.

    Raises:
        InputError: with the row's number, for a row that the model does not take.
    """
    manifest = model.manifest
    given = column.is_valid().to_numpy()
    # Rows of about one length run together, as a batch of a masked model takes as many steps as its longest row
    # (measured on sentences of 19 words: 22 us a row against 32).
    items = column.drop_null()
    order = np.argsort(_count_steps(items), kind="stable")
    listed, rows = items.to_pylist(), np.flatnonzero(given) + first_row
    answered: list[Answered] = []
    for start in range(0, len(order), BATCH_ROWS):
        batch = order[start : start + BATCH_ROWS]
        answered += _answer(model, [listed[index] for index in batch], rows[batch])
    answered = [answered[place] for place in np.argsort(order)]
    nothing = {} if answered else _by_name(manifest, model.predict([]))
    names = [spec.name for spec in manifest.outputs]
    arrays = [
        _to_array(np.stack([one.outputs[name] for one in answered]) if answered else nothing[name]) for name in names
    ]
    if has_label(manifest):
        several = manifest.answer is not None and manifest.answer.kind != "class"
        arrays.append(pa.array([one.label for one in answered], pa.list_(pa.string()) if several else pa.string()))
    if given.all():
        return arrays
    places = pa.array(np.cumsum(given) - 1, mask=~given)
    return [array.take(places) for array in arrays]


def _count_steps(items: Any) -> NDArray[Any]:
    """Count about how many time steps each item has: nothing but speed depends on it."""
    if is_text(items.type):
        counts = pc.count_substring(items.cast(pa.large_string()), " ")
    else:
        counts = pc.list_value_length(items)
    return np.asarray(counts.to_numpy())


def _answer(model: Model, items: list[Any], rows: Sequence[int] | NDArray[Any]) -> list[Answered]:
    try:
        return model.answer(items)
    except InputError:
        for item, row in zip(items, rows, strict=True):
            try:
                model.answer([item])
            except InputError as error:
                raise InputError(f"row {row:,}: {error}") from error
        raise


def _by_name(manifest: Manifest, answers: NDArray[Any] | dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return answers if isinstance(answers, dict) else {manifest.outputs[0].name: answers}


def _to_array(values: NDArray[Any]) -> Any:
    """Turn ``(rows,)`` or ``(rows, 1)`` into numbers, further axes into lists of fixed sizes."""
    shape = values.shape[1:]
    array = pa.array(values.reshape(-1))
    for size in reversed(() if shape == (1,) else shape):
        array = pa.FixedSizeListArray.from_arrays(array, size)
    return array
