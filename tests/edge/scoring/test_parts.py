"""The parts of scoring: ranges of rows, answers as columns, and the folder that is whole or not there."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deeprnn_edge
from deeprnn_edge.bundle.answer import Answer
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.names import Answered
from deeprnn_edge.scoring import output_folder
from deeprnn_edge.scoring.answers import answer_column, answer_names
from deeprnn_edge.scoring.output_folder import OutputFolder
from deeprnn_edge.scoring.partitions import Source, plan_partitions
from deeprnn_edge.scoring.row_reader import RowReader
from deeprnn_edge.scoring.run_settings import ModelIdentity, RunSettings, read_settings
from tests.support.changed_bundle import change_manifest


@given(st.lists(st.integers(0, 50), max_size=5), st.integers(1, 20))
def test_every_row_lies_in_one_partition_and_names_sort_as_rows_do(counts: list[int], size: int) -> None:
    sources = [Source(f"/data/{number % 2}/same.parquet", rows, 1, 1) for number, rows in enumerate(counts)]
    partitions = plan_partitions(sources, size)
    covered = [(partition.source, row) for partition in partitions for row in _rows(partition)]
    assert covered == [(source, row) for source in sources for row in range(source.rows)]
    assert all(1 <= partition.rows <= size for partition in partitions)
    names = [partition.name for partition in partitions]
    assert names == sorted(set(names))


def _rows(partition: Any) -> range:
    return range(partition.first_row, partition.first_row + partition.rows)


def source_of(path: Path) -> Source:
    stat = path.stat()
    return Source(str(path), pq.read_metadata(path).num_rows, stat.st_size, stat.st_mtime_ns)


@pytest.mark.parametrize("row_group_size", [7, 100, 1000])
def test_ranges_in_any_order_are_those_of_the_whole_file(tmp_path: Path, row_group_size: int) -> None:
    path = tmp_path / "rows.parquet"
    whole = pa.table({"n": range(1000), "word": pa.array([str(n % 9) for n in range(1000)]).dictionary_encode()})
    pq.write_table(whole, path, row_group_size=row_group_size)
    reader = RowReader(source_of(path))
    random = np.random.default_rng(0)
    for first, rows in [
        (0, 10),
        (10, 1),
        (500, 300),
        (799, 201),
        (0, 1000),
        *random.integers(1, 500, (50, 2)).tolist(),
    ]:
        assert reader.read(first, rows).to_pydict() == whole.slice(first, rows).to_pydict()
    reader.close()


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"n": [1, 2]}), path)
    source = source_of(path)
    pq.write_table(pa.table({"n": [1, 2, 3]}), path)
    with pytest.raises(InputError, match="has changed since"):
        RowReader(source)


class Fake:
    """A model of two outputs, whose answers say which item they belong to."""

    def __init__(self, manifest: Any) -> None:
        self.manifest = manifest

    def predict(self, items: list[str]) -> dict[str, Any]:
        length = np.array([len(item) for item in items], np.float32).reshape(-1, 1)
        return {"wide": length + np.arange(3, dtype=np.float32), "steps": np.stack([length, -length], axis=1)}

    def answer(self, items: list[str]) -> list[Answered]:
        outputs = self.predict(items)
        return [Answered({name: values[at] for name, values in outputs.items()}, None) for at in range(len(items))]


def test_several_values_become_lists_and_nulls_stay_null(bundle_path: Path) -> None:
    outputs = (TensorSpec("wide", "float32", ("batch", 3)), TensorSpec("steps", "float32", ("batch", "time", 1)))
    manifest = dataclasses.replace(deeprnn_edge.load(bundle_path).manifest, outputs=outputs)
    assert answer_names(manifest, "p_") == ["p_wide", "p_steps"]
    texts = [None if n % 5 == 0 else "x" * (n * 7 % 300) for n in range(700)]
    column = pa.chunked_array([texts[:300], texts[300:]])
    model: Any = Fake(manifest)
    wide, steps = answer_column(model, column, first_row=0)
    assert wide.type == pa.list_(pa.float32(), 3)
    assert wide.to_pylist() == [None if text is None else [len(text) + k for k in range(3)] for text in texts]
    assert steps.to_pylist() == [None if text is None else [[len(text)], [-len(text)]] for text in texts]


def test_nothing_but_nulls(bundle_path: Path) -> None:
    model = deeprnn_edge.load(bundle_path)
    probability, label = answer_column(model, pa.chunked_array([pa.array([None, None], pa.string())]), first_row=0)
    assert (probability.type, probability.to_pylist()) == (pa.float32(), [None, None])
    assert (label.type, label.to_pylist()) == (pa.string(), [None, None])


def test_models_that_score_cannot_ask(bundle_path: Path, stream_steps_bundle: Path) -> None:
    manifest = deeprnn_edge.load(bundle_path).manifest
    with pytest.raises(InputError, match="has 2 inputs"):
        answer_names(dataclasses.replace(manifest, inputs=manifest.inputs * 2), "")
    with pytest.raises(InputError, match="answers every step of sequences of any length"):
        answer_names(deeprnn_edge.load(stream_steps_bundle).manifest, "")


def test_several_labels_are_a_list(bundle_path: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle_path, tmp_path / "b")
    texts = ["film", "great great love", None, "worst plot"]
    threshold = float(np.median(deeprnn_edge.load(tmp_path / "b").predict([text for text in texts if text])))
    change_manifest(tmp_path / "b", labels=("good",), answer=Answer("labels", threshold=threshold))
    model = deeprnn_edge.load(tmp_path / "b")
    probability, label = answer_column(model, pa.chunked_array([texts]), first_row=0)
    assert label.type == pa.list_(pa.string())
    expected = [None if one is None else ["good"] if one > threshold else [] for one in probability.to_pylist()]
    assert label.to_pylist() == expected
    assert [] in expected
    assert ["good"] in expected


def settings_of(column: str) -> RunSettings:
    return RunSettings(1, ModelIdentity("m", "model.onnx", "0" * 64), column, "", 10, ())


class Killed(BaseException):
    """Stands for the end of the process."""


OPERATIONS = [
    (Path, "replace"),
    (Path, "mkdir"),
    (Path, "unlink"),
    (Path, "touch"),
    (output_folder, "exchange"),
    (shutil, "rmtree"),
    (output_folder, "write_settings"),
]


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many changes the folder may still make before it is killed."""
    left = {"count": 10**6}

    def limited(real: Any) -> Any:
        def call(*words: Any, **options: Any) -> Any:
            if left["count"] == 0:
                raise Killed
            left["count"] -= 1
            return real(*words, **options)

        return call

    for owner, name in OPERATIONS:
        monkeypatch.setattr(owner, name, limited(getattr(owner, name)))
    yield left
    left["count"] = 10**6


def make_result(output: Path, column: str, *, force: bool = False) -> None:
    settings, folder = settings_of(column), OutputFolder(output)
    folder.recover()
    folder.check(settings, force=force)
    if folder.find(settings) == folder.path:
        return
    folder.begin(settings)
    for number in range(3):
        (folder.partial / f"{number}.parquet").write_text(column)
    (folder.partial / ".half").write_text("of a file")
    folder.publish()


def content(output: Path) -> tuple[str | None, set[str], list[str]]:
    settings = read_settings(output)
    files = sorted(output.glob("*"))
    texts = {file.read_text() for file in files if file.suffix == ".parquet"}
    return settings and settings.column, texts, [file.name for file in files if not file.name.startswith(".")]


@pytest.mark.parametrize("killed_after", range(20))
@pytest.mark.parametrize("exchanges", [True, False])
def test_a_result_is_replaced_as_a_whole(
    tmp_path: Path, operations: dict[str, int], monkeypatch: pytest.MonkeyPatch, killed_after: int, exchanges: bool
) -> None:
    if not exchanges:
        monkeypatch.setattr(output_folder, "exchange", lambda *_: False)
    output = tmp_path / "out"
    make_result(output, "old")
    operations["count"] = killed_after
    try:
        make_result(output, "new", force=True)
    except Killed:
        operations["count"] = 10**6
        if not exchanges:
            # Between two renames neither stands in its place; what begins the next run puts the old one back.
            OutputFolder(output).recover()
    column, texts, names = content(output)
    assert texts == {column}
    assert column in ("old", "new")
    assert names == ["0.parquet", "1.parquet", "2.parquet", "_score.json"]
    operations["count"] = 10**6
    make_result(output, "new", force=True)
    assert content(output)[:2] == ("new", {"new"})
    assert list(output.glob(".*")) == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_of_another_record_is_refused_and_named(tmp_path: Path) -> None:
    output = tmp_path / "out"
    make_result(output, "old")
    with pytest.raises(InputError, match=r"holds scores of --column 'old', and now it is 'new'; .* force=True"):
        OutputFolder(output).check(settings_of("new"), force=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(InputError, match=r"holds other files, such as letter\.txt"):
        OutputFolder(tmp_path / "mine").check(settings_of("new"), force=True)
    (tmp_path / "out" / "_score.json").write_text("{}")
    with pytest.raises(InputError, match="is no record of this release"):
        OutputFolder(output).check(settings_of("new"), force=True)


def test_lists_of_ids_and_features_by_the_kind_of_model() -> None:
    from deeprnn_edge.scoring.corpus import _fits

    ids, vectors = pa.list_(pa.int32()), pa.large_list(pa.list_(pa.float32(), 5))
    text, words = pa.string(), pa.dictionary(pa.int32(), pa.string())
    fitting = {
        kind: [one for one in (ids, vectors, text, words) if _fits(one, Preprocessing(kind))]
        for kind in ("text", "tokens", "sequence")
    }
    assert fitting == {"text": [ids, text, words], "tokens": [ids], "sequence": [vectors]}
