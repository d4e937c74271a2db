"""Streams: however a sequence is cut, the answers are those to the whole, and an error changes nothing."""

from __future__ import annotations

import copy
import pickle
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import deeprnn_edge
from deeprnn_edge import Model, Stream
from deeprnn_edge.errors import InputError, StreamError
from tests.support.changed_bundle import change_manifest

SENTENCE = "a gorgeous, moving film: bad plot but great story. never boring"
CUTS = {"whole": [16], "steps": [1] * 16, "ragged": [1, 5, 2, 8], "grows": [1, 2, 13], "alternates": [3, 1, 3, 1, 3, 5]}


def load(bundle: Path, artifact: str) -> Model:
    if artifact.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    return deeprnn_edge.load(bundle, artifact=artifact)


@pytest.fixture(params=["model.onnx", "model.tflite"])
def words(request: pytest.FixtureRequest, stream_bundle: Path) -> Model:
    """Words to one answer, masked; chunks of any length in both formats."""
    return load(stream_bundle, request.param)


@pytest.fixture
def steps(stream_steps_bundle: Path) -> Model:
    """Vectors of 5 to an answer of 3 each step; its TFLite stream takes 4 steps at a time."""
    return load(stream_steps_bundle, "model.onnx")


def ids(rows: int, length: int = 16, *, seed: int = 0, low: int = 1) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(low, 44, (rows, length)).astype(np.int32)


def vectors(rows: int, length: int = 16, *, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(rows, length, 5)).astype(np.float32)


def push_cut(stream: Stream, array: NDArray[Any], lengths: Sequence[int]) -> list[Any]:
    parts = np.split(array, np.cumsum(lengths)[:-1], axis=1)
    return [stream.push(part) for part in parts]


def states_equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("rows", [1, 3])
def test_any_cut_answers_as_the_whole(words: Model, rows: int, cut: str) -> None:
    array = ids(rows)
    stream = words.stream(rows)
    answers = push_cut(stream, array, CUTS[cut])
    assert {answer.shape for answer in answers} == {(rows, 1)}
    np.testing.assert_allclose(answers[-1], words.run(array)["probability"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("cut", CUTS)
def test_padding_anywhere_is_skipped(words: Model, cut: str) -> None:
    array = ids(3, low=0)
    array[0, :4] = array[1, 5:11] = array[2, 9:] = 0
    answer = push_cut(words.stream(3), array, CUTS[cut])[-1]
    np.testing.assert_allclose(answer, words.run(array)["probability"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("rows", [1, 3])
def test_every_step_has_its_answer(steps: Model, rows: int, cut: str) -> None:
    array = vectors(rows)
    answers = push_cut(steps.stream(rows), array, CUTS[cut])
    assert [answer.shape for answer in answers] == [(rows, length, 3) for length in CUTS[cut]]
    np.testing.assert_allclose(np.concatenate(answers, 1), steps.run(array)["probabilities"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("lengths", [[16], [4] * 4, [8, 4, 4]])
def test_tflite_takes_multiples_of_its_chunk(stream_steps_bundle: Path, steps: Model, lengths: list[int]) -> None:
    stream = load(stream_steps_bundle, "stream.tflite").stream(2)
    array = vectors(2)
    answers = push_cut(stream, array, lengths)
    np.testing.assert_allclose(np.concatenate(answers, 1), steps.run(array)["probabilities"], rtol=0, atol=1e-5)
    before = stream.state
    with pytest.raises(InputError, match=r"has 6 steps .* takes 4 at a time: push a multiple of 4"):
        stream.push(vectors(2, 6))
    assert states_equal(stream.state, before)


def test_a_stream_artifact_answers_whole_sequences_too(stream_bundle: Path, words: Model) -> None:
    streaming = load(stream_bundle, words.artifact.path.replace("model", "stream"))
    array = ids(3, low=0)
    expected = words.run(array)["probability"]
    np.testing.assert_allclose(streaming.run(array)["probability"], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(streaming.predict(SENTENCE), words.predict(SENTENCE), rtol=0, atol=1e-6)
    assert streaming.predict([]).shape == (0, 1)  # type: ignore[union-attr]
    assert streaming.input_shapes == {"tokens": ("batch", "time")}
    np.testing.assert_allclose(streaming.stream(3).push(array), expected, rtol=0, atol=1e-6)


def test_an_empty_list_has_no_rows_in_a_tflite_stream_of_chunks(stream_steps_bundle: Path) -> None:
    streaming = load(stream_steps_bundle, "stream.tflite")
    assert streaming.predict([]).shape == (0, 4, 3)  # type: ignore[union-attr]


def test_words_as_they_come_answer_as_the_sentence(words: Model) -> None:
    stream = words.stream()
    for count, word in enumerate(SENTENCE.split(), start=1):
        sofar = " ".join(SENTENCE.split()[:count])
        np.testing.assert_allclose(stream.push(word), words.predict(sofar), rtol=0, atol=1e-6)
    stream.reset()
    np.testing.assert_allclose(stream.push([SENTENCE]), words.predict(SENTENCE), rtol=0, atol=1e-6)


def test_the_start_id_comes_once(words: Model) -> None:
    stream = words.stream()
    np.testing.assert_allclose(stream.push(""), words.predict(""), rtol=0, atol=1e-6)
    before = stream.state
    np.testing.assert_array_equal(stream.push(""), stream.push("!"))
    assert states_equal(stream.state, before)
    np.testing.assert_allclose(stream.push("film"), words.predict("film"), rtol=0, atol=1e-6)
    stream.reset()
    stream.push([1])  # ids are pushed as they are, and the row has begun
    np.testing.assert_allclose(stream.push("film"), words.predict("film"), rtol=0, atol=1e-6)


def test_texts_of_unequal_length_in_a_batch(words: Model) -> None:
    stream = words.stream(3)
    stream.push(["a gorgeous", "dull", ""])
    answer = stream.push(["", "plot and story", "moving film"])
    whole = words.predict(["a gorgeous", "dull plot and story", "moving film"])
    np.testing.assert_allclose(answer, whole, rtol=0, atol=1e-6)


def test_texts_of_unequal_length_where_padding_counts(stream_bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stream_bundle, tmp_path / "bundle")
    spec = deeprnn_edge.load(copy).manifest.stream
    assert spec is not None
    change_manifest(copy, stream=type(spec)(spec.inputs, spec.outputs, spec.states, skips_padding=False))
    stream = deeprnn_edge.load(copy).stream(2)
    with pytest.raises(InputError, match="the texts come to 2, 3 steps, and this model counts padding"):
        stream.push(["dull", "dull plot"])
    assert stream.push(["dull", "film"]).shape == (2, 1)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "chunk",
    [
        [5, 6],
        (5, 6),
        np.array([5, 6]),
        [[5, 6]],
        np.array([[5, 6]], np.uint8),
        {"tokens": [5, 6]},
        {"tokens": [[5, 6]]},
        np.array([[5, 0, 6, 0]])[:, ::2],
    ],
)
def test_forms_of_ids(words: Model, chunk: Any) -> None:
    np.testing.assert_allclose(
        words.stream().push(chunk), words.run(np.array([[0] * 14 + [5, 6]]))["probability"], rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("form", [lambda x: x, lambda x: x[0], lambda x: x.tolist(), lambda x: x.astype(np.float64)])
def test_forms_of_vectors(steps: Model, form: Any) -> None:
    array = vectors(1)
    np.testing.assert_allclose(steps.stream().push(form(array)), steps.run(array)["probabilities"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "chunk", "message"),
    [
        (1, 5, r"has the shape \(\), expected \(1, time\) or \(time,\)"),
        (1, None, "has the shape"),
        (1, np.zeros((1, 2, 3), np.int32), r"has the shape \(1, 2, 3\)"),
        (2, np.zeros((1, 3), np.int32), r"has the shape \(1, 3\), expected \(2, time\)"),
        (2, [5, 6], r"has the shape \(2,\), expected \(2, time\)"),
        (1, np.zeros((2, 3), np.int32), r"has the shape \(2, 3\), expected \(1, time\) or \(time,\)"),
        (1, [44], r"has the id 44 in row 0; ids lie in \[0, 44\)"),
        (1, [-1], "has the id -1"),
        (2, [[3, 4], [5, 99]], "has the id 99 in row 1"),
        (1, [0.5], "dtype float64, expected integers"),
        (1, b"film", "expected"),
        (1, [2**70], "expected integers"),
        (2, [[1, 2], [3]], "rows of unequal length"),
        (2, "film", "got 1 texts, and the stream has a batch of 2: push a text for each row"),
        (1, ["a", "film"], "got 2 texts"),
        (2, ["a", 3], "item 1 is a int among texts"),
        (1, {"words": [1]}, r"got the inputs \['words'\], expected \['tokens'\]"),
    ],
)
def test_a_chunk_that_is_refused_changes_nothing(words: Model, rows: int, chunk: Any, message: str) -> None:
    stream = words.stream(rows)
    stream.push(ids(rows, 3))
    before = stream.state
    with pytest.raises(InputError, match=message):
        stream.push(chunk)
    assert states_equal(stream.state, before)
    control = words.stream(state=before)
    np.testing.assert_array_equal(stream.push(ids(rows, 2, seed=1)), control.push(ids(rows, 2, seed=1)))


def nan_at(*index: int) -> NDArray[np.float32]:
    array = vectors(1, 4)
    array[index] = np.nan
    return array


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (nan_at(0, 3, 2), "has a NaN in row 0"),
        (np.zeros((1, 4, 4), np.float32), r"has the shape \(1, 4, 4\), expected \(1, time, 5\) or \(time, 5\)"),
        (np.zeros(5, np.float32), r"has the shape \(5,\)"),
        (np.zeros((1, 0, 4), np.float32), r"has the shape \(1, 0, 4\)"),
        ("film", "got text, but the model has no vocabulary"),
    ],
)
def test_vectors_that_are_refused(steps: Model, chunk: Any, message: str) -> None:
    stream = steps.stream()
    stream.push(vectors(1, 3))
    before = stream.state
    with pytest.raises(InputError, match=message):
        stream.push(chunk)
    assert states_equal(stream.state, before)


def test_an_error_inside_the_runtime_changes_nothing(steps: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, control = steps.stream(), steps.stream()
    for one in (stream, control):
        one.push(vectors(1, 3))
    before = stream.state

    def fail(self: Any) -> Any:
        self.after[:] = 255
        raise RuntimeError("the runtime failed")

    with monkeypatch.context() as patched:
        patched.setattr("deeprnn_edge.runtimes.onnx.stepper._Buffers.run", fail)
        with pytest.raises(RuntimeError, match="the runtime failed"):
            stream.push(vectors(1, 2, seed=1))
    assert states_equal(stream.state, before)
    np.testing.assert_array_equal(stream.push(vectors(1, 2, seed=2)), control.push(vectors(1, 2, seed=2)))


@pytest.mark.parametrize("nothing", [[], (), "", np.zeros((1, 0), np.int32), np.zeros(0, np.int32), {"tokens": [[]]}])
def test_a_chunk_without_steps_repeats_the_last_answer(words: Model, nothing: Any) -> None:
    stream = words.stream()
    answer = stream.push("dull film")
    expected = np.array(answer)
    before = stream.state
    answer[...] = 7  # type: ignore[index]
    np.testing.assert_array_equal(stream.push(nothing), expected)
    stream.push(nothing)[...] = 7  # type: ignore[index]
    np.testing.assert_array_equal(stream.push(nothing), expected)
    assert states_equal(stream.state, before)
    stream.reset()
    with pytest.raises(InputError, match="no answer yet to repeat"):
        stream.push(np.zeros((1, 0), np.int32))
    with pytest.raises(InputError, match="no answer yet to repeat"):
        words.stream(state=before).push("")


def test_an_answer_is_the_callers_own(steps: Model) -> None:
    stream = steps.stream()
    first = stream.push(vectors(1, 2))
    kept = np.array(first)
    stream.push(vectors(1, 2, seed=1))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("rows", [1, [1], (1,), np.array([1]), np.int64(1)])
def test_reset_of_one_row(words: Model, rows: Any) -> None:
    stream = words.stream(2)
    stream.push(["a gorgeous", "dull"])
    stream.reset(rows)
    answer = stream.push(["moving film", "great film"])
    expected = words.predict(["a gorgeous moving film", "great film"])
    np.testing.assert_allclose(answer, expected, rtol=0, atol=1e-6)


def test_reset_of_all_rows(steps: Model) -> None:
    array = vectors(2)
    stream = steps.stream(2)
    first = stream.push(array)
    for rows in (None, [0, 1], range(2)):
        stream.reset(rows)
        with pytest.raises(InputError, match="no answer yet"):
            stream.push(array[:, :0])
        np.testing.assert_array_equal(stream.push(array), first)
    stream.reset([])
    np.testing.assert_array_equal(stream.push(array[:, :0]), first)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (2, "reset of row 2: the stream has a batch of 2, rows 0 to 1"),
        (-1, "reset of row -1"),
        ([0, 5], "reset of row 5"),
        (0.5, "reset takes numbers of rows, got 0.5"),
        ("0", "reset takes numbers of rows"),
        ([True, False], "reset takes numbers of rows, got True"),
    ],
)
def test_reset_refuses(steps: Model, rows: Any, message: str) -> None:
    stream = steps.stream(2)
    stream.push(vectors(2, 3))
    before = stream.state
    with pytest.raises(InputError, match=message):
        stream.reset(rows)
    assert states_equal(stream.state, before)


def test_a_state_is_saved_sent_and_restored(words: Model, tmp_path: Path) -> None:
    stream = words.stream(2)
    stream.push(["a gorgeous", "dull"])
    saved = stream.state
    np.savez(tmp_path / "state.npz", **saved)  # type: ignore[arg-type]
    with np.load(tmp_path / "state.npz") as sent:
        other = words.stream(state=dict(sent))
    as_lists = words.stream(2, state={name: array.tolist() for name, array in saved.items()})
    answer = stream.push(["film", "plot"])
    assert other.batch_size == as_lists.batch_size == 2
    np.testing.assert_array_equal(other.push(["film", "plot"]), answer)
    np.testing.assert_array_equal(as_lists.push(["film", "plot"]), answer)
    again = words.stream(state=saved)  # what was saved did not move on with the stream
    np.testing.assert_array_equal(again.push(["film", "plot"]), answer)


def test_a_restored_row_that_had_not_begun_starts_with_the_start_id(words: Model) -> None:
    stream = words.stream(2)
    stream.push(["dull", "dull"])
    stream.reset(1)
    answer = words.stream(state=stream.state).push(["plot", "film"])
    np.testing.assert_allclose(answer, words.predict(["dull plot", "film"]), rtol=0, atol=1e-6)


def test_a_state_names_what_is_wrong_with_it(words: Model, steps: Model) -> None:
    saved = words.stream().state
    assert {name: array.shape for name, array in saved.items()} == {"state_gru_1_h": (1, 6), "state_gru_2_h": (1, 4)}
    nan = np.full((1, 6), np.nan, np.float32)
    for state, size, message in (
        (steps.stream().state, None, "the state has the unknown 'state_conv_context'; this model's"),
        ({"state_gru_1_h": saved["state_gru_1_h"]}, None, "the state lacks 'state_gru_2_h'"),
        (saved, 2, r"state 'state_gru_1_h' has the shape \(1, 6\), expected \(2, 6\)"),
        (saved | {"state_gru_2_h": np.zeros((2, 4), np.float32)}, None, r"shape \(2, 4\), expected \(1, 4\)"),
        (saved | {"state_gru_1_h": np.zeros((0, 6), np.float32)}, None, r"\(0, 6\), expected \(batch, 6\)"),
        (saved | {"state_gru_1_h": np.zeros((1, 6), np.int32)}, None, "has the dtype int32, expected float32"),
        (saved | {"state_gru_1_h": nan}, None, "'state_gru_1_h' has a NaN"),
        (saved | {"state_gru_1_h": [[1.0], [1.0, 2.0]]}, None, "'state_gru_1_h' has rows of unequal length"),
        ([1, 2], None, "state is a list, expected a dict of arrays"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            words.stream(size, state=state)  # type: ignore[arg-type]


def test_the_state_is_a_copy(steps: Model) -> None:
    stream = steps.stream()
    stream.push(vectors(1, 3))
    saved = stream.state
    for array in saved.values():
        array[...] = 9
    assert not states_equal(stream.state, saved)


@pytest.mark.parametrize(("size", "message"), [(0, "batch_size 0"), (-1, "batch_size -1"), (1.5, "batch_size is 1.5")])
def test_batch_sizes_that_are_none(words: Model, size: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        words.stream(size)


def test_a_closed_stream(words: Model) -> None:
    with words.stream() as stream:
        stream.push("film")
    stream.close()
    for use in (lambda: stream.push("film"), stream.reset, lambda: stream.state, stream.__enter__):
        with pytest.raises(StreamError, match=r"this stream is closed: open another with model.stream\(\)"):
            use()


def test_two_threads_at_once_are_an_error(steps: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, control = steps.stream(), steps.stream()
    inside, leave = threading.Event(), threading.Event()
    advance = type(stream._stepper).advance

    def slowly(self: Any, arrays: Any) -> Any:
        inside.set()
        assert leave.wait(300)
        return advance(self, arrays)

    monkeypatch.setattr(type(stream._stepper), "advance", slowly)
    answers: list[Any] = []
    worker = threading.Thread(target=lambda: answers.append(stream.push(vectors(1, 2))))
    worker.start()
    assert inside.wait(300)
    for use in (lambda: stream.push(vectors(1, 1)), stream.reset, lambda: stream.state, stream.close):
        with pytest.raises(StreamError, match="used by two threads at once"):
            use()
    leave.set()
    worker.join()
    monkeypatch.undo()
    np.testing.assert_array_equal(answers[0], control.push(vectors(1, 2)))
    assert states_equal(stream.state, control.state)


def test_streams_in_threads_share_a_session(words: Model) -> None:
    rows = [ids(1, 16, seed=seed) for seed in range(6)]
    expected = [words.run(row)["probability"] for row in rows]
    wrong = []

    def work(index: int) -> None:
        for _ in range(5):
            stream = words.stream()
            answer = push_cut(stream, rows[index], CUTS["ragged"])[-1]
            if np.abs(answer - expected[index]).max() > 1e-6:
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_many_open_streams_in_turn(steps: Model) -> None:
    array = vectors(50, 6)
    streams = [steps.stream() for _ in array]
    answers = [
        np.concatenate([stream.push(row[step : step + 1]) for stream, row in zip(streams, array, strict=True)])
        for step in range(6)
    ]
    np.testing.assert_allclose(np.concatenate(answers, 1), steps.run(array)["probabilities"], rtol=0, atol=1e-6)


def test_a_bundle_without_a_stream(bundle_path: Path, stream_bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stream_bundle, tmp_path / "bundle")
    manifest = deeprnn_edge.load(copy).manifest
    change_manifest(copy, artifacts=tuple(a for a in manifest.artifacts if a.path != "stream.onnx"))
    with pytest.raises(InputError, match=r"no stream artifact for model.onnx; export the model again with: .*--stream"):
        deeprnn_edge.load(copy).stream()


def test_a_bundle_of_a_stream_alone(stream_bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stream_bundle, tmp_path / "bundle")
    manifest = deeprnn_edge.load(copy).manifest
    change_manifest(copy, artifacts=tuple(a for a in manifest.artifacts if a.path == "stream.onnx"))
    model = deeprnn_edge.load(copy)
    assert model.artifact.path == "stream.onnx"
    expected = deeprnn_edge.load(stream_bundle).predict(SENTENCE)
    np.testing.assert_allclose(model.predict(SENTENCE), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.stream().push(SENTENCE), expected, rtol=0, atol=1e-6)


def test_a_state_of_infinity_is_refused(steps: Model) -> None:
    state = steps.stream().state
    for number, said in ((np.inf, "infinite in float32"), (1e300, "infinite in float32"), (np.nan, "a NaN")):
        damaged = {name: array.astype(np.float64) + number for name, array in state.items()}
        with pytest.raises(InputError, match=said):
            steps.stream(state=damaged)


def test_a_stream_is_neither_copied_nor_pickled(steps: Model) -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(InputError, match=r"keep stream\.state, and open model\.stream\(state=\.\.\.\)"):
            attempt(steps.stream())


@pytest.mark.parametrize("size", [2**40, 2**62, 10**7])
def test_more_rows_than_there_is_room_for(steps: Model, size: int) -> None:
    with pytest.raises(InputError, match="are the most of this model"):
        steps.stream(size)
