"""A streaming twin answers a sequence, however it is cut, as Keras answers the whole: outputs and states."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

import deeprnn_edge
from deeprnn_edge.errors import ParityError, UnsupportedModelError
from deeprnn_export import export
from deeprnn_export.streaming.carry import Carry
from deeprnn_export.targets import TARGETS
from tests.support.keras_models import CELLS, randomised
from tests.support.workshop import assert_untouched, run, small

STEPS = 14
WORDS = 20
ATOL = 1e-5
CUTS = {"one chunk": [14], "single steps": [1] * 14, "ragged": [1, 4, 2, 7]}


def stack(cell: str, depth: int, *, mask: bool, every_step: bool) -> tuple[keras.Model, keras.Model]:
    """A stack of 3 units over ids, and the same network that gives its final states too."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    values = keras.layers.Embedding(WORDS, 4, mask_zero=mask)(ids)
    states: list[keras.KerasTensor] = []
    for layer in range(depth):
        top = layer == depth - 1
        values, *own = CELLS[cell](
            3, return_sequences=every_step or not top, return_state=True, name=f"{cell}_{layer + 1}"
        )(values)
        states += own
    answer = keras.layers.Dense(2, name="answer")(values)
    model = keras.Model(ids, answer, name="stack")
    return randomised(model), keras.Model(ids, [answer, *states])


def padded_rows(count: int) -> NDArray[np.int32]:
    """Rows that are full, padded ahead, behind and inside, and one of nothing but padding."""
    ids = np.random.default_rng(3).integers(1, WORDS, (count, STEPS)).astype(np.int32)
    ids[1, :5] = ids[2, -6:] = ids[3, 2:9:2] = ids[4] = 0
    return ids


def chunks(ids: NDArray[np.int32], lengths: list[int]) -> list[NDArray[np.int32]]:
    return np.split(ids, np.cumsum(lengths)[:-1], axis=1)


@pytest.mark.one_in(18)
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("mask", [False, True], ids=["plain", "masked"])
@pytest.mark.parametrize("depth", [1, 3, 10])
@pytest.mark.parametrize("cell", CELLS)
def test_chunked_is_whole(tmp_path: Path, cell: str, depth: int, mask: bool) -> None:
    every_step = depth == 3
    model, with_states = stack(cell, depth, mask=mask, every_step=every_step)
    # Converting ten layers to TFLite takes ten seconds; with masks they hold all that they hold without, and the cells
    # differ in one layer as in ten.
    formats = ("onnx",) if depth == 10 and not (mask and cell == "gru") else ("onnx", "tflite")
    manifest = export(model, tmp_path / "bundle", formats=formats, max_length=STEPS, stream=True)
    assert manifest.stream is not None
    kinds = ("h", "c") if cell == "lstm" else ("h",)
    names = [f"state_{cell}_{layer + 1}_{kind}" for layer in range(depth) for kind in kinds]
    assert [state.name for state in manifest.stream.states] == names
    ids = padded_rows(8)
    answer, *states = [np.asarray(value) for value in with_states(ids)]
    for path in (f"stream.{kind}" for kind in formats):
        loaded = deeprnn_edge.load(tmp_path / "bundle", artifact=path)
        for how, lengths in CUTS.items():
            for rows in (slice(0, 8), *(slice(row, row + 1) for row in range(5))):
                with loaded.stream(rows.stop - rows.start) as stream:
                    outputs = [stream.push(chunk) for chunk in chunks(ids[rows], lengths)]
                    got = np.concatenate(outputs, axis=1) if every_step else outputs[-1]
                    case = f"{path}, {how}, rows {rows.start} to {rows.stop}"
                    np.testing.assert_allclose(got, answer[rows], rtol=0, atol=ATOL, err_msg=case)
                    for name, expected in zip(names, states, strict=True):
                        np.testing.assert_allclose(
                            stream.state[name], expected[rows], rtol=0, atol=ATOL, err_msg=f"{name} of {case}"
                        )


@pytest.mark.one_in(4)
@pytest.mark.parametrize("cell", CELLS)
def test_each_push_answers_as_keras_does_up_to_there(tmp_path: Path, cell: str) -> None:
    model, _ = stack(cell, 2, mask=True, every_step=False)
    export(model, tmp_path / "bundle", formats=("onnx",), stream=True)
    ids = padded_rows(8)
    stream = deeprnn_edge.load(tmp_path / "bundle").stream(8)
    for step in range(STEPS):
        got = stream.push(ids[:, step : step + 1])
        np.testing.assert_allclose(got, np.asarray(model(ids[:, : step + 1])), rtol=0, atol=ATOL)


def test_a_network_built_for_a_fixed_length_streams_on(tmp_path: Path) -> None:
    model = small("lstm", steps=STEPS, unroll=True, name="lstm_1")
    free = small("lstm", steps=None, name="lstm_1")
    free.set_weights(model.get_weights())
    manifest = export(model, tmp_path / "bundle", formats=("onnx",), stream=True)
    assert manifest.inputs[0].shape == ("batch", STEPS)
    assert manifest.stream is not None
    assert manifest.stream.inputs[0].shape == ("batch", "time")
    stream = deeprnn_edge.load(tmp_path / "bundle").stream(8)
    ids = np.concatenate([padded_rows(8), padded_rows(8)[::-1]], axis=1)
    for chunk in chunks(ids, [10, 18]):
        got = stream.push(chunk)
    np.testing.assert_allclose(got, np.asarray(free(ids)), rtol=0, atol=ATOL)


@pytest.mark.slow
@pytest.mark.usefixtures("convert_in_process")
def test_tflite_takes_chunks_of_the_length_that_was_asked_for(tmp_path: Path) -> None:
    model, _ = stack("gru", 2, mask=True, every_step=False)
    manifest = export(model, tmp_path / "bundle", formats=("tflite",), max_length=STEPS, stream=True, chunk=4)
    assert [artifact.chunk for artifact in manifest.artifacts] == [None, 4]
    ids = padded_rows(8)[:, :12]
    stream = deeprnn_edge.load(tmp_path / "bundle").stream(8)
    outputs = [stream.push(chunk) for chunk in chunks(ids, [4, 8])]
    np.testing.assert_allclose(outputs[-1], np.asarray(model(ids)), rtol=0, atol=ATOL)
    assert all(result.passed for result in deeprnn_edge.verify(tmp_path / "bundle"))


@pytest.mark.slow
@pytest.mark.filterwarnings(r"ignore:\s+Warning. tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.usefixtures("convert_in_process")
@pytest.mark.parametrize("cell", CELLS)
def test_every_precision_streams_within_its_budget(tmp_path: Path, cell: str) -> None:
    features = keras.Input((None, 6), name="frames")
    values = CELLS[cell](8, return_sequences=True, name=f"{cell}_1")(features)
    model = randomised(keras.Model(features, keras.layers.Dense(3)(CELLS[cell](8, name=f"{cell}_2")(values))))
    sample = np.random.default_rng(0).standard_normal((40, STEPS, 6)).astype(np.float32)
    wanted = [precision for target in TARGETS.values() for precision in target.precisions if precision != "int4"]
    if cell != "lstm":
        wanted.remove("int8-dynamic")
    manifest = export(model, tmp_path / "bundle", precisions=wanted, sample=sample, stream=True)
    twins = {(artifact.format, artifact.precision) for artifact in manifest.artifacts if artifact.kind == "stream"}
    assert twins == {(artifact.format, artifact.precision) for artifact in manifest.artifacts}
    assert {precision for _, precision in twins} == set(wanted)
    expected = np.asarray(model(sample))
    for artifact in manifest.artifacts:
        if artifact.kind == "stream":
            stream = deeprnn_edge.load(tmp_path / "bundle", artifact=artifact.path).stream(len(sample))
            for step in range(STEPS):
                got = stream.push(sample[:, step : step + 1])
            assert np.abs(got - expected).max() <= artifact.parity.atol, artifact.path


def test_a_stream_that_answers_otherwise_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = stack("gru", 1, mask=False, every_step=False)
    take = Carry.take
    # As if a state were lost on its way in: only what is cut can show it.
    monkeypatch.setattr(Carry, "take", lambda self, names, initial: [0 * state for state in take(self, names, initial)])
    with pytest.raises(ParityError) as raised:
        export(model, tmp_path / "bundle", formats=("onnx",), stream=True)
    assert "single steps" in raised.value.table
    assert "one chunk" not in raised.value.table
    assert_untouched(tmp_path)


def test_an_evaluation_that_no_chunk_divides_is_refused(tmp_path: Path) -> None:
    small("gru", steps=None).save(tmp_path / "small.keras")
    words = ("--stream", "--chunk", "7", "--evaluate", "reviews", "--max-length", "100")
    done = run("export", tmp_path / "small.keras", "-o", tmp_path / "bundle", *words)
    assert done.exit_code == 2
    assert "no multiple of --chunk 7" in done.output
    assert_untouched(tmp_path, "small.keras")


def test_what_cannot_stream_leaves_nothing_behind(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, 3)), keras.layers.Bidirectional(keras.layers.GRU(2), name="both")])
    with pytest.raises(UnsupportedModelError, match="'both'"):
        export(model, tmp_path / "bundle", stream=True)
    assert_untouched(tmp_path)


def test_the_command_line_streams(tmp_path: Path) -> None:
    small("gru", steps=None).save(tmp_path / "small.keras")
    done = run("export", tmp_path / "small.keras", "-o", tmp_path / "bundle", "--format", "onnx", "--stream")
    assert done.exit_code == 0, done.output
    assert "stream.onnx" in done.output
    assert "state_gru_h" in run("inspect", tmp_path / "bundle").output
    assert "model.stream()" in (tmp_path / "bundle" / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"), [(["--chunk", "0", "--stream"], "at least 1 step"), (["--chunk", "5"], "give --stream")]
)
def test_a_chunk_that_cannot_be_is_refused(tmp_path: Path, words: list[str], message: str) -> None:
    small().save(tmp_path / "small.keras")
    done = run("export", tmp_path / "small.keras", "-o", tmp_path / "bundle", *words)
    assert done.exit_code == 2
    assert message in done.output
    assert_untouched(tmp_path, "small.keras")


@pytest.mark.slow
def test_rounding_that_a_deep_network_grows_is_told_with_its_way_out(tmp_path: Path) -> None:
    keras.utils.set_random_seed(10)
    layers = [keras.layers.SimpleRNN(16, return_sequences=layer < 9) for layer in range(10)]
    table = keras.layers.Embedding(1_000, 16)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), table, *layers, keras.layers.Dense(1)])
    wanted = {"formats": ("onnx",), "max_length": 20, "stream": True}
    with pytest.raises(ParityError, match=r"may be rounding .* atol=\de-05 would allow it"):
        export(model, tmp_path / "bundle", **wanted)
    assert_untouched(tmp_path)
    manifest = export(model, tmp_path / "bundle", atol=1e-4, **wanted)
    assert [artifact.parity.atol for artifact in manifest.artifacts] == [1e-4, 1e-4]
