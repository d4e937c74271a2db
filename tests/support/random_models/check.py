"""The property that random architectures hold: the exported file answers as Keras does, or it is said why not."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import deeprnn_edge
from deeprnn_edge.errors import DeepRNNEdgeError, ParityError
from deeprnn_edge.runtimes import runtime_of
from deeprnn_export import export
from tests.support.random_models.descriptions import Architecture, settled
from tests.support.random_models.inputs import answers, random_inputs
from tests.support.random_models.models import build

ATOL = 1e-5
STATED_ATOL = 1e-4  # what the manifest of a deep or long model may say instead
BATCHES = (1, 5, 2)
# What Keras warns of in models that are meant: a mask that ends at a layer, attention over a single step.
QUIET = (".*does not support masking", "(?s).*You are using a softmax over axis")


@dataclass(frozen=True)
class Outcome:
    """What became of one architecture in one format.

    kind: ``exact``; ``refused`` with a message; ``wrong``: exported, and the answers differ; ``error``: any
        other exception.
    loops: the operators that run a recurrence as a subgraph.
    """

    kind: str
    message: str = ""
    max_abs_diff: float = 0.0
    loops: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


def check(description: Architecture, kind: str) -> Outcome:
    """Build, export to one format, and hold the file against Keras on inputs that export never saw."""
    started = time.perf_counter()
    keras.backend.clear_session()
    model = build(description)
    length = description.steps if description.free_time else None
    before = _weights(model)
    try:
        with tempfile.TemporaryDirectory(prefix="random-") as folder:
            bundle = Path(folder) / "bundle"
            manifest = export(model, bundle, formats=[kind], max_length=length)
            loaded = deeprnn_edge.load(bundle, artifact=f"model.{kind}")
            content = (bundle / f"model.{kind}").read_bytes()
    except ParityError as refusal:
        outcome = Outcome("refused", f"{refusal}\n{refusal.table}")
    except DeepRNNEdgeError as refusal:
        outcome = Outcome("refused", str(refusal))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is an outcome
        outcome = Outcome("error", f"{type(error).__name__}: {error}")
    else:
        loops = sum(runtime_of(kind).inspect(content, f"model.{kind}").loops.values())
        stated = next(one.parity.atol for one in manifest.artifacts)
        outcome = _compared(description, model, loaded, atol=STATED_ATOL if stated == STATED_ATOL else ATOL)
        outcome = replace(outcome, loops=loops)
    after = _weights(model)
    if len(before) != len(after) or any((old != new).any() for old, new in zip(before, after, strict=False)):
        outcome = Outcome("wrong", f"export changed the model; otherwise {outcome}")
    return replace(outcome, seconds=time.perf_counter() - started)


def shrunk(description: Architecture, kind: str, outcome: Outcome) -> Architecture:
    """The simplest description found that still fails in the same manner."""
    cause = cause_of(outcome)
    while True:
        for simpler in _simpler(description):
            if cause_of(check(simpler, kind)) == cause:
                description = simpler
                break
        else:
            return description


def _weights(model: keras.Model) -> list[NDArray[Any]]:
    """All but the seeds of dropout, which change with every call, at inference too."""
    return [np.array(weight) for weight in model.variables if "seed_generator" not in weight.path]


def _compared(description: Architecture, model: keras.Model, loaded: deeprnn_edge.Model, *, atol: float) -> Outcome:
    random = np.random.default_rng(description.seed + 1)
    largest = 0.0
    names = [spec.name for spec in loaded.manifest.outputs]
    for batch, steps in _sizes(description, loaded):
        inputs = random_inputs(description, random, batch=batch, steps=steps, padded=True)
        where = f"batch {batch}, {steps} steps"
        try:
            # Ids of an input that was declared as floats are integers on the device.
            specs = loaded.manifest.inputs
            got = loaded.run({spec.name: value.astype(spec.dtype) for spec, value in zip(specs, inputs, strict=True)})
        except Exception as error:  # noqa: BLE001 - a file that was called good and does not run
            return Outcome("error", f"exported, and does not run: {where}: {type(error).__name__}: {error}")
        expected = answers(model, inputs)
        if len(expected) != len(names):
            return Outcome("wrong", f"{len(names)} outputs instead of {len(expected)}")
        for name, value in zip(names, expected, strict=True):
            if got[name].shape != value.shape or got[name].dtype != value.dtype:
                return Outcome("wrong", f"{where}: {name} is {got[name].shape}, expected {value.shape}")
            difference = _largest_difference(got[name], value)
            if not difference <= atol:
                return Outcome("wrong", f"{where}: {name} differs by {difference:.2e}", difference)
            largest = max(largest, difference)
    return Outcome("exact", max_abs_diff=largest)


def _sizes(description: Architecture, loaded: deeprnn_edge.Model) -> list[tuple[int, int]]:
    """Batches, and lengths where the file takes any."""
    batches = (description.batch,) * 3 if description.batch else BATCHES
    time = next(iter(loaded.input_shapes.values()))[1]
    lengths = (description.steps, description.steps + 4, 1) if isinstance(time, str) else (description.steps,) * 3
    return list(zip(batches, lengths, strict=True))


def _largest_difference(got: NDArray[Any], expected: NDArray[Any]) -> float:
    """Infinite where one alone is not a number: Keras's mean over no steps is none, and must stay none."""
    if (np.isnan(got) != np.isnan(expected)).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        difference = np.abs(got.astype(np.float64) - expected)
    return float(np.nanmax(difference, initial=0.0))


def cause_of(outcome: Outcome) -> tuple[str, str]:
    """What must stay the same while shrinking: numbers and names in the message may change."""
    told = "" if outcome.kind == "wrong" else " ".join(word for word in outcome.message.split() if word.isalpha())
    return outcome.kind, told[:40]


def _simpler(description: Architecture) -> list[Architecture]:
    """Every description that is one step simpler: a part left out, or a field at its default."""
    found = [replace(description, **change) for change in _changes(description)]
    return [one for one in dict.fromkeys(map(settled, found)) if one != description]


def _changes(value: Any) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = []
    plain = type(value)()
    for name, default in vars(plain).items():
        now = getattr(value, name)
        if now == default or name in ("seed", "sequences"):
            continue
        if isinstance(now, tuple):
            shortest = 0 if default == () else 1
            if len(now) > shortest:
                changes += [{name: now[:index] + now[index + 1 :]} for index in range(len(now))]
            for index, item in enumerate(now):
                if not isinstance(item, str):
                    changes += [
                        {name: (*now[:index], replace(item, **change), *now[index + 1 :])} for change in _changes(item)
                    ]
        else:
            changes.append({name: default})
            if isinstance(now, int) and not isinstance(now, bool) and now > 2:
                changes.append({name: 2})
    return changes
