"""``deeprnn-edge train`` as a user meets it."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.catalogue import load_dataset
from deeprnn_export.reading.training_record import read_record
from deeprnn_export.training import job as training_job
from deeprnn_export.training.fit import Progress, train_network
from deeprnn_export.training.network import build_network

pytestmark = pytest.mark.slow  # each trains

SMALL = [
    "--cell",
    "rnn",
    "--units",
    "4",
    "--epochs",
    "2",
    "--embedding-size",
    "4",
    "--max-length",
    "5",
    "--batch-size",
    "8",
]


@pytest.fixture(autouse=True)
def _without_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling takes seconds in each test here; training/test_fit.py holds it to the plain step."""
    monkeypatch.setattr(training_job, "train_network", functools.partial(train_network, jit_compile=False))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [("a good film", "yes"), ("a bad film", "no"), ("good , so good", "yes"), ("bad and long", "no")] * 15
    path = tmp_path / "own.csv"
    path.write_text("text,label\n" + "".join(f'"{line}",{label}\n' for line, label in rows))
    return path


def train(*words: Any) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, words)])


def shape_of(layer: keras.layers.Layer) -> tuple[Any, ...]:
    return layer.name, type(layer), [tuple(weight.shape) for weight in layer.weights]


def refuses(result: Result, message: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_model_and_its_record(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "gru.keras"
    result = train("--data", table, "-o", output, *SMALL)
    assert result.exit_code == 0, result.output
    record = read_record(output)
    assert record is not None
    assert f"best epoch {record.best_epoch} of 2" in result.stdout
    assert f"test accuracy {record.test_accuracy:.2%}" in result.stdout
    assert "naive Bayes" in result.stdout
    assert "embedding" in result.stderr  # the summary
    assert "epoch 2/2" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gru.keras", "gru.training.json", "own.csv"]
    data = load_dataset(table, max_length=5)
    assert (record.words, record.labels, record.preprocessing) == (data.words, data.labels, data.preprocessing)
    loaded = keras.models.load_model(output)
    answers = np.asarray(loaded(data.x_test))[:, 0] > 0.5
    assert record.test_accuracy == pytest.approx(np.mean(answers == data.y_test))


def test_json_is_all_of_stdout(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "rnn.keras"
    result = train("--data", table, "-o", output, *SMALL, "--json")
    shown = json.loads(result.stdout)
    record = read_record(output)
    assert record is not None
    assert (shown["model"], shown["best_epoch"]) == (str(output), record.best_epoch)
    assert shown["test_accuracy"] == record.test_accuracy
    assert (shown["interrupted"], shown["options"]["cell"], len(shown["history"])) == (False, "rnn", 2)


@pytest.mark.slow
def test_options_reach_the_network(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.keras"
    flags = ["--units", "3,2", "--no-mask", "--bidirectional", "--dropout", "0.1", "--vocabulary-size", "7"]
    result = train("--cell", "lstm", "--data", table, "-o", output, "--epochs", "1", "--max-length", "4", *flags)
    assert result.exit_code == 0, result.output
    expected = build_network(
        "lstm", units=(3, 2), vocabulary_size=7, steps=4, mask=False, bidirectional=True, dropout=0.1
    )
    loaded = keras.models.load_model(output)
    assert [shape_of(layer) for layer in loaded.layers] == [shape_of(layer) for layer in expected.layers]
    assert not loaded.get_layer("embedding").mask_zero
    assert loaded.get_layer("bidirectional_lstm_1").forward_layer.dropout == 0.1


def test_feature_vectors_have_no_baseline(tmp_path: Path) -> None:
    output = tmp_path / "speaker.keras"
    result = train("--data", "vowels", "--cell", "rnn", "--units", "6", "--epochs", "1", "-o", output)
    assert result.exit_code == 0, result.output
    assert "naive Bayes" not in result.stdout
    record = read_record(output)
    assert record is not None
    assert (record.baseline_accuracy, len(record.labels), record.preprocessing.kind) == (None, 9, "sequence")


@pytest.mark.slow
def test_resume_goes_on_with_the_models_own_options(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "gru.keras"
    assert train("--data", table, "-o", output, *SMALL).exit_code == 0
    before = read_record(output)
    result = train("--resume", "--epochs", "1", "-o", output)
    assert result.exit_code == 0, result.output
    after = read_record(output)
    assert before is not None
    assert after is not None
    assert after.history[:2] == before.history
    assert [epoch.number for epoch in after.history] == [1, 2, 3]
    assert after.words == before.words
    refuses(train("--resume", "--cell", "lstm", "-o", output), "--cell cannot be given with --resume")
    refuses(train("--resume", "--seed", "0", "-o", output), "--seed cannot be given with --resume")


def test_resume_needs_a_model_and_its_record(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "gru.keras"
    refuses(train("--resume", "-o", output), "no such model to resume")
    output.write_bytes(b"anything")
    refuses(train("--resume", "-o", output), "has no gru.training.json beside it")


def interrupt(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Ctrl-C in the second batch of an epoch."""
    original = training_job.train_network

    def interrupted(*arguments: Any, progress: Any, **options: Any) -> Any:
        def report(step: Progress) -> None:
            progress(step)
            if (step.epoch, step.batch) == (epoch, 2):
                raise KeyboardInterrupt

        return original(*arguments, progress=report, **options)

    monkeypatch.setattr(training_job, "train_network", interrupted)


def test_ctrl_c_keeps_the_best_epoch(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(monkeypatch, 2)
    output = tmp_path / "gru.keras"
    result = train("--data", table, "-o", output, *SMALL)
    assert result.exit_code == 130, result.output
    assert result.stderr.endswith(f"interrupted: {output} has epoch 1, the best so far; --resume goes on with it\n")
    record = read_record(output)
    assert record is not None
    assert len(record.history) == 1
    assert keras.models.load_model(output).count_params() > 0


def test_ctrl_c_too_early_keeps_nothing(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(monkeypatch, 1)
    result = train("--data", table, "-o", tmp_path / "gru.keras", *SMALL)
    assert result.exit_code == 130
    assert "interrupted: no epoch had ended, so there is nothing to keep" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]


def test_a_model_that_is_there_stays(table: Path, tmp_path: Path) -> None:
    output = tmp_path / "gru.keras"
    output.write_bytes(b"precious")
    refuses(train("--data", table, "-o", output), "--force")
    assert output.read_bytes() == b"precious"
    assert train("--data", table, "-o", output, *SMALL, "--force").exit_code == 0
    assert output.read_bytes() != b"precious"


def test_a_failed_save_leaves_what_was_there(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "gru.keras"
    output.write_bytes(b"precious")

    def full(_self: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    refuses(train("--data", table, "-o", output, *SMALL, "--force"), "No space left on device")
    assert output.read_bytes() == b"precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gru.keras", "own.csv"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "model.h5"], ".keras"),
        (["-o", "nowhere/gru.keras"], "cannot write in nowhere"),
        (["-o", "gru.keras", "--data", "nothing.csv"], "no data set or file 'nothing.csv'"),
        (["-o", "gru.keras", "--units", "8,x"], "--units '8,x'; expected numbers"),
        (["-o", "gru.keras", "--units", "0"], "units 0; expected a whole number from 1"),
        (["-o", "gru.keras", "--epochs", "0"], "epochs 0"),
        (["-o", "gru.keras", "--learning-rate", "-1"], "learning rate -1.0"),
        (["-o", "gru.keras", "--vocabulary", "w.txt"], "a vocabulary belongs to ids in a .npz"),
        ([], "Missing option '--output'"),
    ],
)
def test_words_that_cannot_be_used(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refuses(train(*words), message)
    assert list(tmp_path.iterdir()) == []


def test_errors_are_the_projects_own(tmp_path: Path) -> None:
    """The group turns them into lines; whoever calls the command in Python can catch them."""
    from deeprnn_export.commands.train import train as command

    result = CliRunner().invoke(command, ["-o", str(tmp_path / "model.h5")])
    assert isinstance(result.exception, InputError)


def test_help_needs_no_tensorflow() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from deeprnn_export.commands.train import train; "
        "print(CliRunner().invoke(train, ['--help']).output); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'tf2onnx', 'onnx')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "deeprnn-edge train --cell gru --data reviews -o gru.keras" in run.stdout
