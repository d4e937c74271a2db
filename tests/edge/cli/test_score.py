"""``deeprnn-edge score`` as a user sees it. The cluster is one of threads in this process, for speed."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from distributed import LocalCluster

import deeprnn_edge
from deeprnn_edge import packages as extras
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.cli.main import main
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.scoring import cluster
from deeprnn_edge.scoring.partition_scorer import PartitionScorer
from tests.support import score_runs
from tests.support.fresh_process import HEAVY, command, modules_after

NOBODY = "tcp://127.0.0.1:9"


def start_threads(*, workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address=":0",
        scheduler_kwargs={"dashboard": False},
    )


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with start_threads(workers=2) as started:
        yield started.scheduler_address


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, list[str]]:
    folder = tmp_path / "corpus"
    return folder, score_runs.write_corpus(folder, score_runs.make_texts(1000), row_group_size=70)


def run(bundle: Path, inputs: object, output: Path, *words: object) -> Result:
    options = ["--input", inputs, "--output", output, *words]
    if "--column" not in words:
        options += ["--column", "text"]
    return CliRunner().invoke(main, ["score", str(bundle), *map(str, options)])


def summary_of(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def assert_refused(result: Result, message: str) -> None:
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_rows_come_out_in_order_with_their_columns_and_answers(
    bundle_path: Path, corpus: tuple[Path, list[str]], tmp_path: Path, scheduler: str
) -> None:
    folder, texts = corpus
    out = tmp_path / "out"
    result = run(bundle_path, folder / "*.parquet", out, "--partition-rows", 150, "--scheduler", scheduler)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{out}: 1,000 rows in 8 partitions; ")
    assert result.stderr.splitlines()[0] == "8 partitions on 2 workers"
    assert "8 of 8 partitions, 1,000 of 1,000 rows, " in result.stderr.splitlines()[-1]
    score_runs.assert_scored(out, texts, bundle_path)
    assert [file.name for file in sorted(out.iterdir())][:5:4] == ["00000-part-0.parquet", "00004-part-1.parquet"]
    assert pq.read_schema(out / "00000-part-0.parquet").names == ["id", "text", "probability", "label"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "out"]


def test_what_is_done_is_not_done_again(
    bundle_path: Path, corpus: tuple[Path, list[str]], tmp_path: Path, scheduler: str
) -> None:
    folder, texts = corpus
    words = (bundle_path, folder / "*.parquet", tmp_path / "out", "--partition-rows", 100, "--json", "--scheduler")
    assert summary_of(run(*words, scheduler))["skipped"] == 0
    again = summary_of(run(*words, NOBODY))  # which nobody is asked for
    assert (again["skipped"], again["partitions"], again["workers"], again["failed"]) == (10, 10, 0, [])
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "00003-part-0.parquet").unlink()
    cut = tmp_path / "out" / "00007-part-1.parquet"
    cut.write_bytes(cut.read_bytes()[:-10])
    shutil.copy(tmp_path / "out" / "00001-part-0.parquet", tmp_path / "out" / "00002-part-0.parquet")
    assert summary_of(run(*words, scheduler))["skipped"] == 7
    score_runs.assert_scored(tmp_path / "out", texts, bundle_path)
    after = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir()}
    assert [name[:5] for name in sorted(after) if after[name] != before[name]] == ["00002", "00003", "00007"]


def test_columns_of_ids_of_dictionaries_and_of_nulls(bundle_path: Path, tmp_path: Path, scheduler: str) -> None:
    texts = [None if n % 7 == 0 else text for n, text in enumerate(score_runs.make_texts(300))]
    model = deeprnn_edge.load(bundle_path)
    encode = TextEncoder(Preprocessing("text"), (bundle_path / "vocabulary.txt").read_text().split()).encode
    table = pa.table(
        {
            "words": pa.array(texts).dictionary_encode(),
            "ids": pa.array([None if text is None else encode(text) for text in texts], pa.list_(pa.uint16())),
        }
    )
    pq.write_table(table, tmp_path / "corpus.parquet")
    expected = [None if text is None else model.predict(text)[0, 0] for text in texts]
    for column in ("words", "ids"):
        out = tmp_path / column
        summary_of(
            run(bundle_path, tmp_path / "corpus.parquet", out, "--column", column, "--json", "--scheduler", scheduler)
        )
        scored = pq.read_table(out)
        got = scored.column("probability").to_pylist()
        assert [value is None for value in got] == [value is None for value in expected]
        kept = [(value, other) for value, other in zip(got, expected, strict=True) if value is not None]
        np.testing.assert_allclose(*zip(*kept, strict=True), rtol=0, atol=1e-6)
        assert scored.select(["words", "ids"]).to_pydict() == table.to_pydict()


def test_a_partition_that_fails_twice_is_written_at_the_third_attempt(
    bundle_path: Path,
    corpus: tuple[Path, list[str]],
    tmp_path: Path,
    scheduler: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, texts = corpus
    attempts: Counter[int] = Counter()
    real = PartitionScorer.score

    def flaky(self: PartitionScorer, partition: Any) -> None:
        attempts[partition.number] += 1
        if partition.number == 2 and attempts[2] < 3:
            raise OSError("the network went away")
        real(self, partition)

    monkeypatch.setattr(PartitionScorer, "score", flaky)
    words = ("--partition-rows", 100, "--scheduler", scheduler, "--json")
    assert summary_of(run(bundle_path, folder / "*.parquet", tmp_path / "out", *words))["failed"] == []
    assert attempts == {number: 3 if number == 2 else 1 for number in range(10)}
    score_runs.assert_scored(tmp_path / "out", texts, bundle_path)


def test_a_damaged_page_is_reported_with_its_rows_and_the_rest_is_written(
    bundle_path: Path, tmp_path: Path, scheduler: str
) -> None:
    path, out = tmp_path / "corpus" / "part-0.parquet", tmp_path / "out"
    texts = score_runs.write_corpus(path.parent, score_runs.make_texts(1000), files=1, row_group_size=100)
    whole, stat = path.read_bytes(), path.stat()
    chunk = pq.read_metadata(path).row_group(4).column(1)
    damaged = bytearray(whole)
    damaged[chunk.data_page_offset + 20 : chunk.data_page_offset + 60] = b"\xff" * 40
    damaged[chunk.dictionary_page_offset + 20 : chunk.dictionary_page_offset + 60] = b"\xff" * 40
    path.write_bytes(damaged)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    words = (bundle_path, path, out, "--partition-rows", 100, "--scheduler", scheduler, "--json")
    result = run(*words)
    assert result.exit_code == 1
    (failure,) = json.loads(result.stdout)["failed"]
    assert (failure["path"], failure["first_row"], failure["rows"]) == (str(path), 400, 100)
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"error: 1 of 10 partitions failed, the first of them {path} rows 400 to 499 (")
    assert last.endswith(f"the others are in {out}.partial: run the same command again to try these alone")
    assert not out.exists()
    assert len(list((tmp_path / "out.partial").glob("*.parquet"))) == 9
    path.write_bytes(whole)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert summary_of(run(*words))["skipped"] == 9
    score_runs.assert_scored(out, texts, bundle_path)


def test_a_row_that_the_model_does_not_take_is_named(bundle_path: Path, tmp_path: Path, scheduler: str) -> None:
    rows = [[1, 5, 6]] * 500
    rows[321] = [1, 44]
    pq.write_table(pa.table({"ids": rows}), tmp_path / "corpus.parquet")
    words = ("--column", "ids", "--partition-rows", 200, "--scheduler", scheduler)
    result = run(bundle_path, tmp_path / "corpus.parquet", tmp_path / "out", *words)
    assert result.exit_code == 1
    assert "rows 200 to 399 (row 321: input 'tokens' has the id 44" in result.stderr.splitlines()[-1]


def test_an_old_result_stays_until_the_new_one_is_whole(
    bundle_path: Path, corpus: tuple[Path, list[str]], tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, texts = corpus
    out = tmp_path / "out"
    words = (bundle_path, folder / "*.parquet", out, "--partition-rows", 100, "--scheduler", scheduler, "--json")
    summary_of(run(*words))
    assert_refused(run(*words, "--prefix", "new_"), "holds scores of --prefix '', and now it is 'new_'; ")
    assert_refused(run(*words, "--artifact", "model.tflite"), "holds scores of the model 'fixture' (model.onnx, ")
    assert_refused(run(bundle_path, folder / "part-0.parquet", out), "holds scores of --partition-rows 100, ")
    with monkeypatch.context() as patched:
        patched.setattr(PartitionScorer, "score", lambda self, partition: 1 / (partition.number - 4))
        assert run(*words, "--prefix", "new_", "--force").exit_code == 1
    score_runs.assert_scored(out, texts, bundle_path)
    assert_refused(run(*words[:3], "--partition-rows", 100, "--prefix", "other_"), "--force")
    summary_of(run(*words, "--prefix", "new_", "--force"))
    score_runs.assert_scored(out, texts, bundle_path, "new_")
    pq.write_table(pa.table({"text": ["one"], "id": [1]}), folder / "part-2.parquet")
    assert_refused(
        run(*words, "--prefix", "new_"), f"holds scores of other inputs, without {folder / 'part-2.parquet'}"
    )


def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    bundle_path: Path, corpus: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, _ = corpus
    files, out = folder / "*.parquet", tmp_path / "out"
    (tmp_path / "text.parquet").write_text("text")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    pq.write_table(pa.table({"probability": [0.5], "text": ["good"]}), tmp_path / "scored.parquet")
    assert_refused(run(tmp_path / "no", files, out), "no such bundle")
    assert_refused(run(bundle_path, folder / "*.csv", out), "matches no file; give a path, or a pattern in quotes")
    assert_refused(run(bundle_path, folder, out), "is a directory; give a pattern such as")
    assert_refused(run(bundle_path, tmp_path / "text.parquet", out), "cannot read")
    assert_refused(
        run(bundle_path, files, out, "--column", "words"), "has no columns 'words'; its columns are id, text"
    )
    assert_refused(run(bundle_path, files, out, "--column", "id"), "holds int64; the model takes text (string), or")
    assert_refused(run(bundle_path, tmp_path / "scored.parquet", out), "a column 'probability', which is an answer's")
    assert_refused(run(bundle_path, files, tmp_path / "no" / "out"), "is no directory, or not writable")
    assert_refused(run(bundle_path, files, tmp_path / "mine", "--force"), "holds other files, such as letter.txt")
    assert_refused(run(bundle_path, files, folder), "lies in the output folder")
    assert_refused(run(bundle_path, files, out, "--artifact", "a.onnx"), "no artifact 'a.onnx'")
    assert_refused(run(bundle_path, files, out, "--workers", 0), "--workers")
    assert_refused(run(bundle_path, files, out, "--workers", 2, "--scheduler", NOBODY), "give one of the two")
    assert not out.exists()
    assert not out.with_name("out.partial").exists()


def test_a_cluster_that_is_not_there(
    bundle_path: Path, corpus: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(cluster, "_WORKER_SECONDS", 0.3)
    with start_threads(workers=0) as empty:
        address = empty.scheduler_address
        assert_refused(
            run(bundle_path, corpus[0] / "*", tmp_path / "out", "--scheduler", address), "has no workers; start one"
        )
    for address, message in [
        (NOBODY, f"no Dask scheduler answers at {NOBODY}"),
        ("nonsense", "no Dask scheduler answers at nonsense"),
    ]:
        assert_refused(run(bundle_path, corpus[0] / "*", tmp_path / "out", "--scheduler", address), message)


def test_a_worker_that_does_not_see_the_files(scheduler: str, tmp_path: Path) -> None:
    with (
        cluster.open_client(scheduler, workers=1) as client,
        pytest.raises(InputError, match=r"the worker tcp://.* does not see .*elsewhere; .* under the same path"),
    ):
        cluster.check_sight(client, [str(tmp_path), str(tmp_path / "elsewhere")])


def test_without_the_extra(bundle_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = extras.importlib.util.find_spec
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "distributed" else real(name))
    assert_refused(run(bundle_path, "*.parquet", tmp_path / "out"), "pip install 'deeprnn-edge[score]'")


def test_the_help_teaches_and_nothing_else_loads_the_extra(bundle_path: Path) -> None:
    example = "deeprnn-edge score bundle --input 'data/*.parquet' --column text --output out"
    assert example in CliRunner().invoke(main, ["score", "--help"]).stdout
    extra = {"dask", "distributed", "pyarrow", "tornado"}
    assert not modules_after(command("score", "--help")) & {*HEAVY, *extra, "onnxruntime"}
    assert not modules_after(command("predict", str(bundle_path), "film")) & extra
