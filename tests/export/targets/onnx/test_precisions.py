"""ONNX files of fewer bits, over cell, depth, mask and precision, held against Keras; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

import deeprnn_edge
from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export import export
from deeprnn_export.pipeline.precisions import expand_precisions
from deeprnn_export.targets import TARGETS
from tests.support.keras_models import CELLS, randomised
from tests.support.workshop import assert_untouched, run, small

STEPS = 12
# Of outputs in [0, 1], on ids that the export did not see: what precisions.py allows.
ALLOWED = {"fp16": 0.005, "int8": 0.05, "int4": 0.15, "int8-dynamic": 0.05}


def stacked(
    cell: str, *, mask: bool, units: tuple[int, ...] = (8, 6), words: int = 300, scale: float = 0.3
) -> keras.Model:
    *lower, last = units
    return randomised(
        keras.Sequential(
            [
                keras.Input((STEPS,), dtype="int32", name="tokens"),
                keras.layers.Embedding(words, 34, mask_zero=mask, name="embedding"),
                *(CELLS[cell](size, return_sequences=True) for size in lower),
                CELLS[cell](last),
                keras.layers.Dense(1, activation="sigmoid", name="probability"),
            ],
            name="stacked",
        ),
        scale=scale,
    )


def ids(words: int = 300) -> np.ndarray:
    drawn = np.random.default_rng(5).integers(1, words, (32, STEPS)).astype(np.int32)
    drawn[::3, :4] = 0
    drawn[1::3, 7:] = 0
    return drawn


@pytest.mark.one_in(4)
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("units", [(6,), (8, 6)])
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_every_precision_answers_as_keras_within_its_bound(
    cell: str, units: tuple[int, ...], mask: bool, tmp_path: Path
) -> None:
    model = stacked(cell, mask=mask, units=units)
    wanted = ["fp32", "fp16", "int8", "int4", *(["int8-dynamic"] if cell == "lstm" else [])]
    manifest = export(model, tmp_path / "b", formats=["onnx"], precisions=wanted)
    assert [artifact.precision for artifact in manifest.artifacts] == wanted
    expected = np.asarray(model(ids(), training=False))
    sizes = {}
    for artifact in manifest.artifacts:
        assert artifact.path == ("model.onnx" if artifact.is_exact else f"model.{artifact.precision}.onnx")
        sizes[artifact.precision] = artifact.size_bytes
        answer = deeprnn_edge.load(tmp_path / "b", artifact=artifact.path).run(ids())["probability"]
        np.testing.assert_allclose(answer, expected, rtol=0, atol=ALLOWED.get(artifact.precision, 1e-5))
        if artifact.precision not in ("fp32", "int8-dynamic"):
            proto = onnx.load(tmp_path / "b" / artifact.path)
            assert {node.domain for node in proto.graph.node} == {""}
            table = next(tensor for tensor in artifact.tensors if tensor.name == "stacked/embedding/embeddings")
            assert table.precision == artifact.precision
            assert table.effect is not None
            assert 0 < table.effect <= artifact.parity.atol
    assert sizes["fp32"] > sizes["fp16"] > sizes["int8"] > sizes["int4"]
    assert all(result.passed for result in deeprnn_edge.verify(tmp_path / "b"))


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    model = stacked("lstm", mask=True)
    for name in ("a.zip", "b.zip"):
        export(model, tmp_path / name, formats=["onnx"], precisions=["int8", "int4", "int8-dynamic"])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.slow
def test_bytes_decide_what_is_stored_in_8_bits(tmp_path: Path) -> None:
    large = export(stacked("gru", mask=True, words=6000), tmp_path / "large", formats=["onnx"], precisions=["int8"])
    stored = {tensor.name: tensor for tensor in large.artifacts[0].tensors}
    assert stored["stacked/embedding/embeddings"].precision == "int8"
    assert stored["gru/W"].precision == "fp16"
    assert "hold 0.6% of the bytes" in (stored["gru/W"].reason or "")
    little = export(stacked("gru", mask=True, words=40), tmp_path / "little", formats=["onnx"], precisions=["int8"])
    assert {tensor.precision for tensor in little.artifacts[0].tensors} == {"int8"}


@pytest.mark.slow
def test_the_effect_raises_a_weight(tmp_path: Path) -> None:
    """A bound that the table in 4 bits breaks gives it 8; what stays within is left."""
    model = stacked("gru", mask=True, scale=1.0)
    free = export(model, tmp_path / "free", formats=["onnx"], precisions=["int4"], max_difference=1.0)
    effects = {tensor.name: tensor.effect or 0.0 for tensor in free.artifacts[0].tensors}
    worst = max(effects, key=lambda name: effects[name])
    bound = 0.9 * effects[worst]
    tensors = {worst: "int4"} if worst != "stacked/embedding/embeddings" else {}
    said: list[str] = []
    if not tensors:
        with pytest.raises(UnsupportedModelError, match="no weight of this model can be int4 within a difference"):
            export(model, tmp_path / "no", formats=["onnx"], precisions=["int4"], max_difference=bound)
    manifest = export(
        model, tmp_path / "b", formats=["onnx"], precisions=["int8"], max_difference=bound, progress=said.append
    )
    assert manifest.artifacts[0].parity.max_abs_diff <= bound
    tight = export(
        model,
        tmp_path / "tight",
        formats=["onnx"],
        precisions=["int8"],
        max_difference=manifest.artifacts[0].parity.max_abs_diff * 0.6,
        progress=said.append,
    )
    raised = [tensor for tensor in tight.artifacts[0].tensors if "it changes the outputs" in (tensor.reason or "")]
    assert raised
    assert any(f"{raised[0].name} is stored as" in line for line in said)
    assert_untouched(tmp_path, "b", "free", "tight")


def test_a_tensor_is_stored_as_asked(tmp_path: Path) -> None:
    manifest = export(
        stacked("gru", mask=True),
        tmp_path / "b",
        formats=["onnx"],
        precisions=["int8"],
        tensors={"gru*": "fp32", "gru/R": "fp16"},
    )
    stored = {tensor.name: tensor.precision for tensor in manifest.artifacts[0].tensors}
    assert stored["gru/R"] == "fp16"
    assert {stored[name] for name in ("gru/W", "gru_1/W", "gru_1/R")} == {"fp32"}
    assert stored["stacked/embedding/embeddings"] == "int8"


def test_a_bidirectional_lstm_is_computed_in_8_bits(tmp_path: Path) -> None:
    layers = keras.layers
    model = randomised(
        keras.Sequential(
            [
                keras.Input((STEPS,), dtype="int32", name="tokens"),
                layers.Embedding(300, 8, mask_zero=True),
                layers.Bidirectional(layers.LSTM(6, return_sequences=True)),
                layers.LSTM(5),
                layers.Dense(1, activation="sigmoid", name="probability"),
            ]
        )
    )
    manifest = export(model, tmp_path / "b", formats=["onnx"], precisions=["int8-dynamic"])
    assert manifest.artifacts[0].operators is not None
    assert manifest.artifacts[0].operators["com.microsoft.DynamicQuantizeLSTM"] == 2
    answer = deeprnn_edge.load(tmp_path / "b").run(ids())["probability"]
    np.testing.assert_allclose(answer, np.asarray(model(ids(), training=False)), rtol=0, atol=0.05)


def test_a_table_that_also_answers_is_read_back_whole(tmp_path: Path) -> None:
    table = keras.layers.ReversibleEmbedding(300, 8, name="words")
    tokens = keras.Input((STEPS,), dtype="int32", name="tokens")
    hidden = keras.layers.GRU(8, return_sequences=True)(table(tokens))
    model = randomised(keras.Model(tokens, table(hidden, reverse=True), name="tied"))
    manifest = export(model, tmp_path / "b", formats=["onnx"], precisions=["fp32", "int8"])
    exact, small = manifest.artifacts
    assert small.size_bytes < 0.5 * exact.size_bytes
    (output,) = manifest.outputs
    answer = deeprnn_edge.load(tmp_path / "b", artifact=small.path).run(ids())[output.name]
    np.testing.assert_allclose(answer, np.asarray(model(ids(), training=False)), rtol=0, atol=small.parity.atol)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: small("gru"), r"layer 'gru' is a GRU; use precisions=\('int8',\)"),
        (lambda: small("rnn"), r"layer 'simple_rnn' is a SimpleRNN; use precisions=\('int8',\)"),
        (lambda: small("lstm", activation="gelu"), "layer 'lstm' runs as Keras's loop"),
    ],
)
def test_dynamic_quantisation_is_refused_by_name(model: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        export(model(), tmp_path / "b", precisions=["int8-dynamic"])  # type: ignore[operator]
    assert_untouched(tmp_path)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
@pytest.mark.parametrize(("number", "message"), [(0.0, "all zero"), (np.nan, "NaN"), (np.inf, "NaN or infinity")])
def test_constants_without_a_scale_are_refused_by_name(
    precision: str, number: float, message: str, tmp_path: Path
) -> None:
    model = small()
    table = np.array(model.layers[0].get_weights()[0])
    if number == 0:
        table[:] = 0
    else:
        table[5, 1] = number
    model.layers[0].set_weights([table])
    for kind, target in TARGETS.items():
        if precision in target.precisions:
            with pytest.raises(UnsupportedModelError, match=f"the weight 'small/embedding/embeddings' .*{message}"):
                export(model, tmp_path / "b", formats=[kind], precisions=[precision])
    assert_untouched(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precisions": ["fp8"]}, "unknown precision fp8; onnx has fp32, fp16, int8, int4, int8-dynamic; tflite has"),
        (
            {"formats": ["tflite"], "precisions": ["int4"]},
            "tflite has no precision int4; it has fp32, fp16, int8, int8-full",
        ),
        (
            {"formats": ["onnx"], "precisions": ["int16x8"]},
            "onnx has no precision int16x8; it has fp32, fp16, int8, int4",
        ),
        (
            {"precisions": ["int8"], "tensors": {"nobody/*": "fp16"}},
            "no weight is called 'nobody/\\*'; there are small/emb",
        ),
        ({"precisions": ["int8"], "tensors": {"*": "int3"}}, "unknown storage 'int3' of a tensor; there are fp32"),
        ({"precisions": ["int8"], "tensors": {"gru/W": "int4"}}, "gru/W: int4 is for embedding tables"),
        ({"max_accuracy_drop": 0.5}, "max_accuracy_drop= needs labelled data to measure it on: give evaluate="),
        ({"max_accuracy_drop": -1, "evaluate": "reviews"}, "max_accuracy_drop=-1: expected percentage points"),
        ({"max_difference": 0}, "max_difference=0: expected a difference above 0"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        export(small(), tmp_path / "b", **{"formats": ["onnx"], **options})  # type: ignore[arg-type]
    assert_untouched(tmp_path)


def test_a_precision_goes_to_the_formats_that_have_it() -> None:
    pairs = expand_precisions(None, ["int4", "int8", "int8-full"])
    assert [(target.name, precision) for target, precision in pairs] == [
        ("onnx", "int4"),
        ("onnx", "int8"),
        ("tflite", "int8"),
        ("tflite", "int8-full"),
    ]


def test_int4_needs_a_table(tmp_path: Path) -> None:
    model = randomised(keras.Sequential([keras.Input((9, 4)), keras.layers.GRU(5), keras.layers.Dense(2)]))
    with pytest.raises(UnsupportedModelError, match=r"int4 is for embedding tables, and no weight .* use int8"):
        export(model, tmp_path / "b", precisions=["int4"])


def test_beyond_the_bound_nothing_is_exported(tmp_path: Path) -> None:
    """A weight that has to stay in few bits keeps the file from its bound: exit code 1 and a table."""
    stacked("gru", mask=True, scale=1.0).save(tmp_path / "m.keras")
    options = ["--format", "onnx", "--precision", "int8", "--tensor", "*embedding/*=int4", "--max-difference", "1e-4"]
    result = run("export", tmp_path / "m.keras", "-o", tmp_path / "b", *options)
    assert result.exit_code == 1, result.output
    assert "model.int8.onnx" in result.stdout
    assert "nothing was exported" in result.stderr
    assert_untouched(tmp_path, "m.keras")


def test_inspection_and_card_tell_how_weights_are_stored(tmp_path: Path) -> None:
    stacked("gru", mask=True).save(tmp_path / "m.keras")
    result = run(
        "export", tmp_path / "m.keras", "-o", tmp_path / "b", "--format", "onnx", "--precision", "int8", "--json"
    )
    assert result.exit_code == 0, result.output
    tensors = json.loads(result.stdout)["artifacts"][0]["tensors"]
    assert {"name", "precision", "size_bytes", "effect", "reason"} == set(tensors[0])
    shown = run("inspect", tmp_path / "b").stdout
    assert "stored as" in shown
    assert "a table, read a row at a time" in shown
    assert json.loads(run("inspect", tmp_path / "b", "--json").stdout)["stored"]["model.int8.onnx"] == tensors
    assert "int8: allowed is" in (tmp_path / "b" / "README.md").read_text()
