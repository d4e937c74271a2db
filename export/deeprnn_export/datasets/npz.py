"""Read data sets in ``.npz`` files: ids or feature vectors, padded or end to end, in Keras's four arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.text import PAD_ID
from deeprnn_export.datasets.labelled import Dataset, Rows, make_id_dataset, make_sequence_dataset
from deeprnn_export.datasets.npz_file import open_npz

_REQUIRED = ("x_train", "y_train", "x_test", "y_test")
_PARTS = ("train", "test")


def read_npz_dataset(
    path: Path,
    *,
    max_length: int | None,
    vocabulary_size: int,
    words: Sequence[str] = (),
    rules: Preprocessing | None = None,
    label_names: Sequence[str] = (),
) -> Dataset:
    """Read ``x_train``, ``y_train``, ``x_test``, ``y_test`` in one of three layouts.

    - ids, padded: ``x_*`` ``(rows, time)`` of integers; zeros at either end are padding.
    - ids, end to end: ``x_*`` ``(ids,)`` and ``offsets_*`` ``(rows + 1,)``; row i is ``x[offsets[i]:offsets[i + 1]]``.
      An optional ``words`` holds the vocabulary as UTF-8 bytes, one word a line.
    - features: ``x_*`` ``(rows, time, features)`` of floats; an optional ``length_*`` ``(rows,)`` says where each
      row's padding begins.

    Raises:
        InputError: for a file that cannot be read, Python objects in it, and arrays that do not fit together.
    """
    arrays = _read_arrays(path)
    missing = [name for name in _REQUIRED if name not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; it has {', '.join(sorted(arrays)) or 'no arrays'}")
    labels = {part: arrays[f"y_{part}"] for part in _PARTS}
    name = path.stem
    kinds = {(arrays[f"x_{part}"].ndim, arrays[f"x_{part}"].dtype.kind in "iu") for part in _PARTS}
    if kinds == {(3, False)}:
        if words:
            raise InputError(f"{path} holds feature vectors, which have no vocabulary; leave it out")
        rows = {part: _feature_rows(path, arrays, part) for part in _PARTS}
        return make_sequence_dataset(name, rows, labels, label_names=label_names, max_length=max_length)
    if kinds not in ({(1, True)}, {(2, True)}):
        shapes = " and ".join(f"x_{part} {arrays[f'x_{part}'].dtype} {arrays[f'x_{part}'].shape}" for part in _PARTS)
        raise InputError(
            f"{path} has {shapes}; expected integer ids (rows, time), or flat ids with offsets, "
            "or float features (rows, time, features)"
        )
    read = _flat_rows if kinds == {(1, True)} else _padded_rows
    return make_id_dataset(
        name,
        {part: read(path, arrays, part) for part in _PARTS},
        labels,
        label_names=label_names,
        words=words or _stored_words(path, arrays),
        rules=rules,
        vocabulary_size=vocabulary_size,
        max_length=max_length,
    )


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays = {}
    with open_npz(path, ".npz") as file:
        for name in file.files:
            if file.zip.getinfo(f"{name}.npy").file_size and _holds_objects(file, name):
                raise InputError(
                    f"{path}: {name} holds Python objects, which may run code when they are read; "
                    "save padded ids instead: keras.utils.pad_sequences(x)"
                )
            arrays[name] = file[name]
    return arrays


def _holds_objects(file: Any, name: str) -> bool:
    with file.zip.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return bool(read_header(member)[2].hasobject)


def _flat_rows(path: Path, arrays: Mapping[str, NDArray[Any]], part: str) -> Rows:
    ids, offsets = arrays[f"x_{part}"], arrays.get(f"offsets_{part}")
    if offsets is None:
        raise InputError(f"{path} has flat ids in x_{part}, but no offsets_{part} that say where each row begins")
    valid = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1
    bounds = offsets.astype(np.int64) if valid else np.zeros(0, np.int64)
    if not valid or bounds[0] != 0 or bounds[-1] != len(ids) or np.any(np.diff(bounds) < 0):
        raise InputError(
            f"{path}: offsets_{part} must be whole numbers that rise from 0 to {len(ids)}, the count of ids"
        )
    return np.split(ids.astype(np.int64), bounds[1:-1])


def _padded_rows(_path: Path, arrays: Mapping[str, NDArray[Any]], part: str) -> Rows:
    ids = arrays[f"x_{part}"].astype(np.int64)
    kept = [np.flatnonzero(row != PAD_ID) for row in ids]
    return [row[at[0] : at[-1] + 1] if len(at) else row[:0] for row, at in zip(ids, kept, strict=True)]


def _feature_rows(path: Path, arrays: Mapping[str, NDArray[Any]], part: str) -> Rows:
    x, lengths = arrays[f"x_{part}"], arrays.get(f"length_{part}")
    if x.dtype.kind != "f":
        raise InputError(f"{path}: x_{part} is of {x.dtype}; expected floats, (rows, time, features)")
    if lengths is None:
        return list(x)
    valid = lengths.shape == (len(x),) and lengths.dtype.kind in "iu"
    if not valid or np.any(lengths > x.shape[1]) or np.any(lengths < 0):
        raise InputError(
            f"{path}: length_{part} must be a whole number from 0 to {x.shape[1]} for each of {len(x)} rows"
        )
    return [row[:length] for row, length in zip(x, lengths, strict=True)]


def _stored_words(path: Path, arrays: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    if "words" not in arrays:
        return ()
    stored = arrays["words"]
    if stored.ndim != 0 or stored.dtype.kind != "S":
        raise InputError(f"{path}: words is {stored.dtype} {stored.shape}; expected one UTF-8 text, a word a line")
    try:
        return tuple(bytes(stored.item()).decode("utf-8").split("\n"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: words is not UTF-8: {error}") from error
