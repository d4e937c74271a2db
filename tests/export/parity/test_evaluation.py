"""What an artifact costs on real data: measured as numpy would, and a gate where a budget is given."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.bundle.artifact import Artifact, Evaluation, Parity
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError, ParityError
from deeprnn_export import export
from deeprnn_export.datasets.labelled import Dataset, make_id_dataset
from deeprnn_export.parity import evaluation
from deeprnn_export.parity.gate import require_accuracy
from deeprnn_export.pipeline.vocabulary import cut_ids
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature
from tests.support.keras_models import randomised
from tests.support.workshop import assert_untouched, run, small


def dataset(rows: int = 90, *, ids: int = 20) -> Dataset:
    random = np.random.default_rng(11)
    parts = {part: [random.integers(1, ids, 8) for _ in range(rows)] for part in ("train", "test")}
    labels = {part: np.arange(rows) % 2 for part in parts}
    return make_id_dataset("noise", parts, labels, vocabulary_size=ids, max_length=8)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("precision", ["fp32", "int8", "int4"])
@pytest.mark.parametrize("batch", [7, 1000])
def test_costs_are_those_of_every_row(
    precision: str, batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_BATCH", batch)
    model, data = small(), dataset()
    manifest = export(model, tmp_path / "b", formats=["onnx"], precisions=[precision], evaluate=data)
    (artifact,) = manifest.artifacts
    expected = np.asarray(model(data.x_test, training=False), np.float64)[:, 0]
    actual = deeprnn_edge.load(tmp_path / "b").run(data.x_test)["probability"][:, 0].astype(np.float64)
    right, keras_right = (np.sum((answers > 0.5) == data.y_test) for answers in (actual, expected))
    assert artifact.accuracy == right / 90
    cost = artifact.evaluation
    assert cost is not None
    assert (cost.dataset, cost.rows, cost.accuracy, cost.keras_accuracy) == ("noise", 90, right / 90, keras_right / 90)
    assert cost.accuracy_change_points == pytest.approx(100 * (right - keras_right) / 90)
    assert cost.label_flips == np.sum((actual > 0.5) != (expected > 0.5))
    assert cost.max_abs_diff == pytest.approx(np.abs(actual - expected).max(), abs=1e-6)
    assert cost.mean_abs_diff == pytest.approx(np.abs(actual - expected).mean(), abs=1e-6)
    assert "On the 90 test rows of noise" in (tmp_path / "b" / "README.md").read_text()


def test_a_fixed_batch_is_filled_up(tmp_path: Path) -> None:
    import keras

    source = small()
    inputs = keras.Input(batch_shape=(32, 8), dtype="int32", name="tokens")
    fixed = keras.Model(inputs, source(inputs), name="fixed")
    free = export(source, tmp_path / "free", formats=["onnx"], evaluate=dataset())
    filled = export(fixed, tmp_path / "fixed", formats=["onnx"], evaluate=dataset())
    assert filled.artifacts[0].accuracy == free.artifacts[0].accuracy


def test_fewer_words_are_held_against_the_whole_model(tmp_path: Path) -> None:
    """The reference is Keras with every word; the artifact meets those that were cut as unknown words."""
    model, data = small(), dataset()
    manifest = export(model, tmp_path / "b", formats=["onnx"], keep_words=6, evaluate=data)
    assert manifest.kept_words == 6
    assert manifest.inputs[0].id_count == 10
    cost = manifest.artifacts[0].evaluation
    assert cost is not None
    expected = np.asarray(model(data.x_test, training=False))
    cut = np.asarray(model(cut_ids(data.x_test, 10, 2), training=False))
    assert cost.max_abs_diff == pytest.approx(np.abs(cut - expected).max(), abs=1e-6)
    assert cost.max_abs_diff > 1e-3
    assert manifest.artifacts[0].parity.max_abs_diff <= 1e-5


@pytest.mark.slow
def test_a_budget_that_is_met_and_one_that_is_not(tmp_path: Path) -> None:
    model, data = randomised(small(), scale=2.0), dataset(40)
    model.save(tmp_path / "m.keras")
    # Labels are what Keras answers: it is always right, and what flips a label loses.
    right = (np.asarray(model(data.x_test, training=False))[:, 0] > 0.5).astype(np.int64)
    np.savez(tmp_path / "noise.npz", x_train=data.x_train, y_train=data.y_train, x_test=data.x_test, y_test=right)
    options = ["--format", "onnx", "--keep-words", "1", "--evaluate", tmp_path / "noise.npz"]
    free = run("export", tmp_path / "m.keras", "-o", tmp_path / "free", *options, "--json")
    assert free.exit_code == 0, free.output
    change = json.loads(free.stdout)["artifacts"][0]["evaluation"]["accuracy_change_points"]
    assert change < 0
    met = run("export", tmp_path / "m.keras", "-o", tmp_path / "met", *options, "--max-accuracy-drop", f"{-change}")
    assert met.exit_code == 0, met.output
    assert "against Keras" in met.stdout
    missed = run(
        "export", tmp_path / "m.keras", "-o", tmp_path / "missed", *options, "--max-accuracy-drop", f"{-change - 0.1}%"
    )
    assert missed.exit_code == 1
    assert "model.onnx lost more than" in missed.stderr
    assert "change in points" in missed.stdout
    assert_untouched(tmp_path, "free", "m.keras", "met", "noise.npz")


def test_the_budget_counts_losses_alone() -> None:
    artifact = Artifact("model.int8.onnx", "onnx", "int8", "sequence", 1, "", Parity(0.01, 0.05, 0, 1))
    cost = Evaluation("noise", 1000, 0.8, 0.805, -0.5, 7, 0.001, 0.01)
    for change, budget, passes in ((-0.5, 0.5, True), (-0.6, 0.5, False), (3.0, 0.0, True), (-0.1, None, True)):
        one = dataclasses.replace(artifact, evaluation=dataclasses.replace(cost, accuracy_change_points=change))
        if passes:
            require_accuracy([one], budget)
        else:
            with pytest.raises(ParityError, match=r"model.int8.onnx lost more than 0.5 percentage points"):
                require_accuracy([one], budget)
    require_accuracy([artifact], 0.0)  # nothing was evaluated, which exporting refuses before


@pytest.mark.parametrize("given", ["400 parsecs", "", "-1", "nan"])
def test_a_budget_that_cannot_be_parsed(given: str, tmp_path: Path) -> None:
    small().save(tmp_path / "m.keras")
    result = run(
        "export", tmp_path / "m.keras", "-o", tmp_path / "b", "--evaluate", "reviews", "--max-accuracy-drop", given
    )
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert_untouched(tmp_path, "m.keras")


def test_data_of_several_inputs_is_not_evaluated(tmp_path: Path) -> None:
    import keras

    inputs = [keras.Input((8, 2), name=name) for name in ("a", "b")]
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GRU(3)(keras.layers.Concatenate()(inputs))))
    with pytest.raises(InputError, match="accuracy is measured for models of one input and one output"):
        export(model, tmp_path / "b", formats=["onnx"], evaluate=dataset())


TAKES_FOUR_IDS = Signature(
    inputs=(TensorSpec("ids", "int32", ("batch", 4), id_count=9),),
    outputs=(TensorSpec("p", "float32", ("batch", 1)),),
    mask_values={},
)


def test_a_table_is_read_by_the_models_own_words(tmp_path: Path) -> None:
    how = Preprocessing(
        "text", start_id=None, oov_id=1, index_offset=1, max_length=4, padding="post", truncating="post"
    )
    path = tmp_path / "own.csv"
    path.write_text("text,label\n" + "the film,no\nfilm unseen the,yes\n" * 5)
    loaded = evaluation.load_evaluation(path, TAKES_FOUR_IDS, InputRules(how, ("film", "the", "zero")))
    assert loaded.words == ("film", "the", "zero")
    assert {tuple(row) for row in loaded.x_test.tolist()} == {(3, 2, 0, 0), (2, 1, 3, 0)}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Preprocessing("text", max_length=4), ("film", "the")),
        (Preprocessing("text", start_id=None, oov_id=1, index_offset=1, max_length=4), ("the", "of")),
    ],
)
def test_ids_that_stand_for_other_words(rules: Preprocessing, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="the ids of reviews stand for other words than the model's"):
        evaluation.load_evaluation("reviews", TAKES_FOUR_IDS, InputRules(rules, words))
