"""Do the main job from end to end: train, export, check and measure three networks beside each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.bench.sequences.run import bench
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_export.cells import CELLS, cell_named
from deeprnn_export.datasets.catalogue import Dataset, load_dataset
from deeprnn_export.pipeline.export import export
from deeprnn_export.reading.load import load_model
from deeprnn_export.reading.training_record import TrainingOptions
from deeprnn_export.training.job import train_and_save
from deeprnn_export.training.naive_bayes import naive_bayes_accuracy

DATA = "reviews"
_BENCH_SECONDS = 1.0  # an entry: some thousand calls of a file, a hundred of Keras


@dataclass(frozen=True)
class Measured:
    """Hold what one way to run a network takes: the size of its file, and p50 latency of a call on a full sequence."""

    size_bytes: int
    p50_us: float
    accuracy: float | None


@dataclass(frozen=True)
class DemoRow:
    """Hold one architecture, measured in Keras and in each format."""

    architecture: str
    layers: str
    parameters: int
    embedding_parameters: int
    recurrent_parameters: int
    accuracy: float
    best_epoch: int
    training_seconds: float
    measured: dict[str, Measured]
    bundle: str

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain values, with each measured file by its format's name."""
        values = asdict(self)
        bundle, measured = values.pop("bundle"), values.pop("measured")
        return {**values, **measured, "bundle": bundle}


@dataclass(frozen=True)
class DemoResult:
    """Hold all of it; ``baseline_accuracy`` is that of naive Bayes on the same split."""

    rows: tuple[DemoRow, ...]
    baseline_accuracy: float
    train_rows: int
    test_rows: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values, with the machine."""
        rows = [row.to_json() for row in self.rows]
        return {"format_version": 1, "dataset": DATA, **asdict(self), "rows": rows, "machine": describe_machine()}


def run_demo(folder: Path, *, progress: Callable[[str], None], on_batch: Callable[[Any], None]) -> DemoResult:
    """Train, export, check and measure SimpleRNN, LSTM and GRU on ``reviews``; models and bundles stay in ``folder``.

    Args:
        progress: called with a line at each step.
        on_batch: called with the training's progress.
    """
    started = time.perf_counter()
    dataset = load_dataset(DATA)
    rows = tuple(_run_cell(cell, dataset, folder, progress, on_batch) for cell in CELLS)
    return DemoResult(
        rows=rows,
        baseline_accuracy=naive_bayes_accuracy(dataset),
        train_rows=len(dataset.x_train),
        test_rows=len(dataset.x_test),
        seconds=time.perf_counter() - started,
    )


def _run_cell(
    cell: str, dataset: Dataset, folder: Path, progress: Callable[[str], None], on_batch: Callable[[Any], None]
) -> DemoRow:
    name = cell_named(cell).layer.__name__
    trained, bundle = folder / f"{cell}.keras", folder / cell
    progress(f"{name}: training on {len(dataset.x_train):,} sentences")
    record, run = train_and_save(TrainingOptions(data=DATA, cell=cell), dataset, trained, progress=on_batch)
    manifest = export(
        trained, bundle, name=cell, evaluate=dataset, force=True, progress=lambda line: progress(f"{name}: {line}")
    )
    # The trained file also holds the optimizer's state, two numbers for each weight, which inference leaves behind.
    inference = folder / f"{cell}.inference.keras"
    load_model(trained).save(inference)
    progress(f"{name}: measuring size and latency")
    report = bench(bundle, keras=inference, seconds=_BENCH_SECONDS)
    timings = {row.format: (row.size_bytes, row.timing) for row in report.rows}
    accuracies = {"keras": record.test_accuracy} | {one.format: one.accuracy for one in manifest.artifacts}
    measured = {}
    for name_of_format, accuracy in accuracies.items():
        size_bytes, timing = timings[name_of_format]
        if timing is None:
            raise RuntimeError(f"{bundle}: {name_of_format} was not timed: {report.rows}")
        measured[name_of_format] = Measured(size_bytes, timing.p50_ms * 1e3, accuracy)
    embedding, recurrent = _parameters(manifest)
    return DemoRow(
        architecture=name,
        layers=" → ".join(_layer_names(manifest)),
        parameters=manifest.architecture.parameters,
        embedding_parameters=embedding,
        recurrent_parameters=recurrent,
        accuracy=record.test_accuracy,
        best_epoch=record.best_epoch,
        training_seconds=run.seconds,
        measured=measured,
        bundle=str(bundle),
    )


def _parameters(manifest: Manifest) -> tuple[int, int]:
    """Count the parameters of the embedding, and all others: the cells and the head on them."""
    layers = manifest.architecture.layers
    embedding = sum(layer.parameters for layer in layers if layer.kind == "Embedding")
    return embedding, manifest.architecture.parameters - embedding


def _layer_names(manifest: Manifest) -> list[str]:
    return [
        layer.kind if layer.units is None else f"{layer.kind}({layer.units})" for layer in manifest.architecture.layers
    ]
