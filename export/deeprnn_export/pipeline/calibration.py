"""Choose the real inputs from which a converter learns the ranges of activations that a file holds as integers.

What the ranges come from decides what the file is good at: training data or the user's own, never noise.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.catalogue import NAMES, VOCABULARY_SIZE, Dataset, load_dataset
from deeprnn_export.datasets.npz_file import open_npz
from deeprnn_export.parity.grid import read_sample
from deeprnn_export.pipeline.vocabulary import cut_ids
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature
from deeprnn_export.reading.training_record import read_record
from deeprnn_export.targets import TARGETS
from deeprnn_export.targets.conversion_input import CALIBRATION_ROWS

SEED = 0
_CALIBRATED = " and ".join(
    name for target in TARGETS.values() for name, one in target.precisions.items() if one.is_calibrated
)

Shapes = dict[str, tuple[int, ...]]


def calibration_rows(
    given: Any,
    *,
    signature: Signature,
    rules: InputRules,
    shapes: Shapes,
    saved_at: Path | None,
    dataset: Dataset | None,
    sample: dict[str, NDArray[Any]] | None,
) -> list[dict[str, NDArray[Any]]]:
    """Read at most ``CALIBRATION_ROWS`` feeds of one row each, in the file's shapes and the inputs' dtypes.

    Args:
        given: a data set, its name or its path; an ``.npz`` with an array for each input by name; or arrays, a list in
            the order of the inputs or a dict by name. None: the training rows that the record beside the model names,
            else those of ``dataset``, else ``sample``.
        shapes: input name to the file's shape, ``(1, ...)``.
        saved_at: the model's file, if it has one.

    Raises:
        InputError: where there is no data, and for data that the model does not take.
    """
    name, values = _own_data(signature, rules, shapes, saved_at, dataset, sample) if given is None else ("", given)
    if isinstance(given, str | Path):
        name, values = str(given), _read(given, signature, rules, shapes)
    if isinstance(values, Dataset):
        name = name or values.name
        values = _training_rows(values, signature)
    name = name or "the calibration data"
    # The checks of the file's shapes, not of the model's, whose time axis may be free and whose batch fixed.
    fixed = tuple(replace(spec, shape=("batch", *shapes[spec.name][1:])) for spec in signature.inputs)
    try:
        arrays = read_sample(values, replace(signature, inputs=fixed))
    except InputError as error:
        raise InputError(f"{name} cannot calibrate this model: {error}") from error
    count = len(next(iter(arrays.values())))
    if not count:
        raise InputError(f"{name} has no rows; {_CALIBRATED} are calibrated on some hundred real samples")
    chosen = np.sort(np.random.default_rng(SEED).choice(count, min(count, CALIBRATION_ROWS), replace=False))
    return [{key: array[row : row + 1] for key, array in arrays.items()} for row in chosen]


def _own_data(
    signature: Signature,
    rules: InputRules,
    shapes: Shapes,
    saved_at: Path | None,
    dataset: Dataset | None,
    sample: dict[str, NDArray[Any]] | None,
) -> tuple[str, Any]:
    """Find what is at hand, the nearest to what the model was trained on first: its name in messages, and the data."""
    record = None if saved_at is None else read_record(saved_at)
    # Moved or deleted since, or imdb without a connection: the next best will do.
    if record is not None and (record.options.data in NAMES or Path(record.options.data).exists()):
        with suppress(InputError):
            return "", _load(record.options.data, signature, rules, shapes, vocabulary=record.options.vocabulary)
    if dataset is not None:
        rows, count = dataset.x_train, signature.inputs[0].id_count
        if count is not None and rows.dtype.kind in "iu":
            # Loaded for a table that may have been cut since.
            rows = cut_ids(rows, count, rules.preprocessing.oov_id)
        return "", replace(dataset, x_train=rows)
    if sample is not None:
        return "the sample", sample
    raise InputError(
        f"{_CALIBRATED} are calibrated on real samples, and there is no training data at hand: give some with "
        "calibration=, a data set or an .npz with an array for each input"
    )


def _read(given: str | Path, signature: Signature, rules: InputRules, shapes: Shapes) -> Any:
    """Read a data set, or the arrays of an ``.npz`` that is none."""
    path = Path(given)
    if given not in NAMES and path.suffix == ".npz" and path.exists():
        with open_npz(path, "an .npz of arrays by input name") as file:
            if "x_train" not in file.files:
                return {key: file[key] for key in file.files}
    return _load(given, signature, rules, shapes)


def _load(
    name_or_path: str | Path,
    signature: Signature,
    rules: InputRules,
    shapes: Shapes,
    *,
    vocabulary: str | None = None,
) -> Dataset:
    """Load a data set as long as the file's time axis, its ids those of the model's table."""
    spec = signature.inputs[0]
    shape = shapes[spec.name]
    return load_dataset(
        name_or_path,
        max_length=shape[1] if len(shape) > 1 else None,
        vocabulary_size=VOCABULARY_SIZE if spec.id_count is None else spec.id_count,
        vocabulary=vocabulary,
        words=rules.vocabulary,
        rules=rules.preprocessing,
    )


def _training_rows(dataset: Dataset, signature: Signature) -> dict[str, NDArray[Any]]:
    if len(signature.inputs) > 1:
        names = ", ".join(spec.name for spec in signature.inputs)
        raise InputError(
            f"{dataset.name} has one input, the model {len(signature.inputs)} ({names}); "
            "calibrate it with an .npz that has an array for each by name"
        )
    return {signature.inputs[0].name: dataset.x_train}
