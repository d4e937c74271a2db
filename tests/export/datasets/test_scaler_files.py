"""A scaler is read from what people have, does what scikit-learn did, and what is none is one line."""

from __future__ import annotations

import json
import os
import pickle
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.feature_steps import RawInput
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.features import FeatureEncoder
from deeprnn_export.datasets.scaler_files import Scaler, inverse, read_scaler, take_features

FOLDER = Path(__file__).parents[2] / "fixtures" / "scalers"  # made by scikit-learn: see make_scalers.py
TRANSFORMED = dict(np.load(FOLDER / "transformed.npz"))
ROWS = TRANSFORMED.pop("rows")
KINDS = {"standard": "StandardScaler", "min_max": "MinMaxScaler", "max_abs": "MaxAbsScaler", "robust": "RobustScaler"}


def apply(scaler: Scaler, rows: Any = ROWS, *, dtype: str = "float64") -> Any:
    raw = RawInput("x", "float64", ("time", rows.shape[-1]), steps=scaler.steps)
    return FeatureEncoder(
        raw, TensorSpec("x", dtype, ("batch", "time", rows.shape[-1])), Preprocessing("sequence")
    ).encode(rows)


@pytest.mark.parametrize("name", TRANSFORMED)
@pytest.mark.parametrize("suffix", [".skops", ".json", ".npz", "mapping"])
def test_the_steps_do_what_scikit_learn_does(tmp_path: Path, name: str, suffix: str) -> None:
    given: Any = FOLDER / f"{name}{suffix}"
    if suffix in (".npz", "mapping"):
        fields = json.loads((FOLDER / f"{name}.json").read_text())
        given = {key: np.array(value) for key, value in fields.items() if value is not None}
    if suffix == ".npz":
        np.savez(tmp_path / "scaler.npz", **given)
        given = tmp_path / "scaler.npz"
    scaler = read_scaler(given)
    assert scaler.kind == f"a {next(kind for start, kind in KINDS.items() if name.startswith(start))}"
    assert scaler.count == 4
    assert scaler.names == (("ax", "ay", "az", "still") if name == "standard" else ())
    # Two roundings of float64 apart at most; a bundle's float32 is 1e-7 from either.
    np.testing.assert_allclose(apply(scaler), TRANSFORMED[name], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(scaler.formula(ROWS), TRANSFORMED[name], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(apply(scaler, dtype="float32"), TRANSFORMED[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"mean": [1, 2, 3, 4], "scale": [1, 2, 4, 8]}, (ROWS - [1, 2, 3, 4]) / [1, 2, 4, 8]),
        ({"mean": 5, "std": 2.0}, (ROWS - 5) / 2),
        ({"mean": [[[1, 2, 3, 4]]], "variance": [[[1, 4, 16, 64]]]}, (ROWS - [1, 2, 3, 4]) / [1, 2, 4, 8]),
        ({"min": [0, 1, 2, 3], "max": [1, 3, 6, 11]}, (ROWS - [0, 1, 2, 3]) / [1, 2, 4, 8]),
        ({"min": 0, "max": 255, "feature_range": [-1, 1]}, ROWS / 255 * 2 - 1),
        ({"min": [0, 1, 2, 3], "max": [1, 3, 6, 3]}, (ROWS - [0, 1, 2, 3]) / [1, 2, 4, 1]),
        ({"data_min_": [0, 1, 2, 3], "data_max_": [1, 3, 6, 11]}, (ROWS - [0, 1, 2, 3]) / [1, 2, 4, 8]),
        ({"max_abs_": [1, 2, 4, 0]}, ROWS / [1, 2, 4, 1]),
    ],
)
def test_plain_numbers(given: Any, expected: Any) -> None:
    scaler = read_scaler(given)
    np.testing.assert_allclose(apply(scaler), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scaler.formula(ROWS), expected, rtol=1e-12, atol=1e-12)


def test_some_features_of_a_scaler_for_more() -> None:
    for name in TRANSFORMED:
        some = take_features(read_scaler(FOLDER / f"{name}.json"), [2, 0])
        np.testing.assert_allclose(apply(some, ROWS[:, [2, 0]]), TRANSFORMED[name][:, [2, 0]], rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(some.formula(ROWS[:, [2, 0]]), TRANSFORMED[name][:, [2, 0]])


@pytest.mark.parametrize("name", [name for name in TRANSFORMED if "clipped" not in name])
def test_a_scaler_is_taken_back(name: str) -> None:
    factor, added = inverse(read_scaler(FOLDER / f"{name}.json", "the target's scaler"))
    np.testing.assert_allclose(TRANSFORMED[name] * factor + added, ROWS, rtol=1e-9)


class StandardScaler:
    """Stands in for scikit-learn's: what is read of an object are its class's name and its attributes."""

    def __init__(self) -> None:
        self.with_mean, self.with_std, self._private = True, True, object()
        self.mean_, self.scale_, self.n_features_in_ = np.array([1.0, 2.0]), np.array([3.0, 4.0]), 2
        self.n_samples_seen_ = np.int64(50)


def test_an_object() -> None:
    np.testing.assert_allclose(apply(read_scaler(StandardScaler()), np.ones((1, 2))), [[0, -0.25]])
    with pytest.raises(InputError, match="the scaler is a object; expected a fitted StandardScaler or"):
        read_scaler(object())


@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".json"])
def test_a_pickle_is_refused_and_the_advice_writes_json(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a scaler{suffix}"
    path.write_bytes(pickle.dumps(StandardScaler(), protocol=4))
    with pytest.raises(InputError, match="is a pickle, which runs its maker's code") as error:
        read_scaler(path)
    advice = str(error.value).split("write it as JSON: ")[1]
    # joblib, which stands where scikit-learn does and reads plain pickles too, stands in here for itself.
    (tmp_path / "joblib.py").write_text("import pickle\nload = lambda path: pickle.load(open(path, 'rb'))\n")
    (python, *words) = shlex.split(advice)
    assert python == "python"
    places = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3]), *sys.path])
    # The private attribute of the stand-in is no JSON, and scikit-learn has none.
    program = words[1].replace("vars(s)", "{k: v for k, v in vars(s).items() if k[0] != '_'}")
    subprocess.run(
        [sys.executable, words[0], program], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": places}
    )
    np.testing.assert_allclose(apply(read_scaler(tmp_path / "scaler.json"), np.ones((1, 2))), [[0, -0.25]])


BAD: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "neither JSON nor an .npz"),
    "a list": ("[1, 2]", "holds a list; expected mean and scale"),
    "empty": ("{}", "has no fields; expected mean and scale"),
    "another object": ('{"word_index": {}}', "has 'word_index', which no scaler that is known has"),
    "no scale": ('{"mean": [1, 2]}', "has mean and no scale"),
    "two scales": ('{"mean": [1], "scale": [1], "std": [1]}', "has mean and scale, std"),
    "unfitted": ('{"with_mean": true, "with_std": true, "copy": true}', "lacks 'mean_'"),
    "two counts": ('{"mean": [1, 2], "scale": [1]}', "has 1 numbers as 'scale' and 2 features"),
    "a count of its own": ('{"mean_": [1, 2], "scale_": [1, 2], "n_features_in_": 3}', "2 numbers as 'mean_' and 3"),
    "words": ('{"mean": ["a"], "scale": [1]}', "no numbers as 'mean'"),
    "true": ('{"mean": [true], "scale": [1]}', "no numbers as 'mean'"),
    "NaN": ('{"mean": [NaN], "scale": [1]}', "'mean' of the shape .* or not finite"),
    "ragged": ('{"mean": [[1], [1, 2]], "scale": [1]}', "no numbers as 'mean'"),
    "a matrix": ('{"mean": [[1, 2], [3, 4]], "scale": 1}', r"'mean' of the shape \(2, 2\)"),
    "zero": ('{"mean": [1, 2], "scale": [1, 0]}', "a 0 in 'scale', by which it divides"),
    "crossed": ('{"min": [2], "max": [1]}', "a minimum above its maximum"),
    "range": ('{"min": [0], "max": [1], "feature_range": [1, 0]}', r"the feature_range \[1.0, 0.0\]"),
    "flag": ('{"mean_": [1], "scale_": [1], "with_mean": "yes"}', "with_mean='yes'; expected true or false"),
    "names": ('{"mean": [1], "scale": [1], "columns": ["a", "b"]}', "has 2 names and 1 features"),
    "deep": ("[" * 100_000, "neither JSON nor an .npz"),
    "not text": (b"\xff\xfe\x00", "neither JSON nor an .npz"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_scaler_is_one_line(tmp_path: Path, name: str) -> None:
    content, said = BAD[name]
    path = tmp_path / "scaler.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=said) as error:
        read_scaler(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_files_that_are_missing_objects_or_another_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the scaler .*nowhere.json: No such file"):
        read_scaler(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match=r"holds a sklearn.pipeline.Pipeline; expected a fitted StandardScaler or"):
        read_scaler(FOLDER / "pipeline.skops")
    np.savez(tmp_path / "objects.npz", mean_=np.array([object()]))
    with pytest.raises(InputError, match=r"cannot read .*objects.npz as a scaler"):
        read_scaler(tmp_path / "objects.npz")


def said_of(path: Path) -> str:
    try:
        read_scaler(path)
    except InputError as error:
        return str(error)
    return ""


def test_a_damaged_skops_file_is_one_line(tmp_path: Path) -> None:
    content = (FOLDER / "min_max.skops").read_bytes()
    path = tmp_path / "s.skops"
    random = np.random.default_rng(0)
    messages = []
    for _ in range(200):
        changed = bytearray(content[: int(random.integers(1, len(content) + 1))] if random.random() < 0.3 else content)
        for place in random.integers(0, len(changed), 4):
            changed[place] = int(random.integers(256))
        path.write_bytes(changed)
        messages.append(said_of(path))
    assert sum(map(bool, messages)) > 100
    assert "\n" not in "".join(messages)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({"__class__": "MinMaxScaler", "__module__": "sklearn.preprocessing"})
        )
    with pytest.raises(InputError, match=r"cannot read the scaler .*s.skops as a skops file"):
        read_scaler(path)
