"""What a fuzzed input is given to in the workshop: the readers of weights, data sets and lists of words."""

from __future__ import annotations

import io
import json
from pathlib import Path
from random import Random

import h5py
import numpy as np

from deeprnn_export.datasets.catalogue import load_dataset
from deeprnn_export.datasets.words import read_words
from deeprnn_export.reading.hdf5 import count_elements, open_hdf5
from tests.support import mutations
from tests.support.fuzz_targets import Target


def workshop_targets() -> dict[str, Target]:
    """The readers by name."""
    words = {word: rank for rank, word in enumerate(("the", "film", "good", "bad"), 1)}
    return {
        "hdf5": Target((_weights(),), mutations.either(mutations.mutate_model, mutations.mutate_bytes), _read_hdf5),
        "npz": Target(
            tuple(map(_arrays, _sets())), mutations.either(mutations.mutate_zip, mutations.mutate_bytes), _read_npz
        ),
        "word list": Target(
            ("\n".join(words).encode(), json.dumps(words).encode(), _tokenizer(words)),
            mutations.either(mutations.mutate_words, mutations.mutate_bytes, _mutate_if_json),
            _read_words,
        ),
    }


def _weights() -> bytes:
    """As Keras writes them: groups, attributes, plain and packed data sets."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer in ("gru", "dense"):
            group = file.create_group(f"layers/{layer}/vars")
            group.attrs["name"] = layer
            group.create_dataset("0", data=np.arange(24, dtype=np.float32).reshape(4, 6))
            group.create_dataset("1", data=np.zeros(300, np.float32), compression="gzip", chunks=(100,))
        file.attrs["keras_version"] = "3.15.1"
    return content.getvalue()


def _sets() -> list[dict[str, np.ndarray]]:
    ids, steps, y = np.arange(4, 44).reshape(8, 5), np.zeros((8, 5, 3), np.float32), np.array([0, 1] * 4)
    return [{"x_train": x, "y_train": y, "x_test": x, "y_test": y} for x in (ids, steps)]


def _arrays(arrays: dict[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # its own option has a name that no array has
    return content.getvalue()


def _tokenizer(words: dict[str, int]) -> bytes:
    config = {
        "num_words": 4, "filters": "!", "lower": True, "split": " ", "char_level": False, "oov_token": None,
        "word_index": json.dumps(words),
    }  # fmt: skip
    return json.dumps({"class_name": "Tokenizer", "config": config}).encode()


def _mutate_if_json(random: Random, content: bytes) -> bytes:
    return (mutations.mutate_json if content.startswith(b"{") else mutations.mutate_bytes)(random, content)


def _read_hdf5(content: bytes, folder: Path) -> object:
    with open_hdf5(io.BytesIO(content)) as file:
        found: list[object] = [count_elements(file)]
        file.visititems(lambda _, one: found.append(one[()]) if isinstance(one, h5py.Dataset) else None)
        return found


def _read_npz(content: bytes, folder: Path) -> object:
    (folder / "set.npz").write_bytes(content)
    return load_dataset(folder / "set.npz", max_length=5)


def _read_words(content: bytes, folder: Path) -> object:
    path = folder / ("words.json" if content.startswith(b"{") else "words.txt")
    path.write_bytes(content)
    return read_words(path)
