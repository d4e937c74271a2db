"""The same saved model gives the same bytes in every process, so that a hash of a file means something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.support.keras_models import randomised
from tests.support.paths import ROOT

# A process: SAVED TARGET OPTIONS [OTHER]. With another model exported before, whatever a process numbers, as
# TensorFlow, Keras and tf2onnx do, stands elsewhere. The converter runs in it too, which spares TensorFlow's start.
EXPORT = """
import json, sys
import pytest
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.inference.packing import pack
from deeprnn_export import export
from tests.support.converter import convert_here

convert_here(pytest.MonkeyPatch())
saved, target, options, *other = sys.argv[1:]
for one in other:
    export(one, target + "_other")
options = json.loads(options)
if "vocabulary" in options:
    options["preprocessing"] = Preprocessing("text")
export(saved, target, **options)
pack(target, target + ".zip", golden=True)
"""


def words() -> keras.Model:
    """The three cells on top of each other, masked: all precisions that are not calibrated, and streams."""
    layers = [
        keras.Input((8,), dtype="int32", name="tokens"),
        keras.layers.Embedding(40, 32, mask_zero=True),
        keras.layers.SimpleRNN(6, return_sequences=True),
        keras.layers.GRU(6, return_sequences=True),
        keras.layers.LSTM(4),
        keras.layers.Dense(1, activation="sigmoid", name="probability"),
    ]
    return randomised(keras.Sequential(layers, name="words"))


def loops() -> keras.Model:
    """Layers that keep Keras's loop, an LSTM in both directions, two inputs and two outputs."""
    series, scale = keras.Input((6, 5), name="series"), keras.Input((3,), name="scale")
    x = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(series)
    x = keras.layers.GRU(4, activation="mish", return_sequences=True)(x)
    last = keras.layers.LSTM(3, recurrent_activation="gelu", go_backwards=True)(x)
    outputs = [keras.layers.Dense(2, name="steps")(x), keras.layers.Multiply(name="scaled")([last, scale])]
    return randomised(keras.Model([series, scale], outputs, name="loops"))


# Without those that are calibrated. TFLite's quantiser does not always give the same file for the same SavedModel and
# samples: of eight conversions of these words to int8-full four had three operators more.
PRECISIONS = ("fp32", "fp16", "int8", "int4")
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "words": (words, {"stream": True, "precisions": PRECISIONS, "vocabulary": [f"w{rank}" for rank in range(36)]}),
    "loops": (loops, {"precisions": ("fp32", "fp16")}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_two_processes_write_the_same_bytes(name: str, tmp_path: Path) -> None:
    options = CASES[name][1]
    other = next(one for one in CASES if one != name)
    for model in (name, other):
        CASES[model][0]().save(tmp_path / f"{model}.keras")
    targets = [tmp_path / "first", tmp_path / "second"]
    processes = []
    for seed, target in enumerate(targets, start=1):
        arguments = [tmp_path / f"{name}.keras", target, json.dumps(options)]
        if seed == 2:
            arguments.append(tmp_path / f"{other}.keras")
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", EXPORT, *map(str, arguments)],
                cwd=ROOT,  # where its tests.support is
                env=os.environ | {"PYTHONHASHSEED": str(seed), "TF_CPP_MIN_LOG_LEVEL": "3"},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        said = process.communicate()[1]
        assert process.returncode == 0, said[-2000:]
    first, second = ({file.name: file.read_bytes() for file in target.iterdir()} for target in targets)
    assert len(first) == (3 + 2 * (4 + 3) + 1 if name == "words" else 3 + 4)
    assert first.keys() == second.keys()
    assert [file for file, content in first.items() if content != second[file]] == []
    assert targets[0].with_suffix(".zip").read_bytes() == targets[1].with_suffix(".zip").read_bytes()
