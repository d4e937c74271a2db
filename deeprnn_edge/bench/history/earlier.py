"""Read an earlier benchmark, and tell whether a new one may be held against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deeprnn_edge.bench.result_file import Reading, read_report, timings_of
from deeprnn_edge.bench.results import BenchReport, Report
from deeprnn_edge.bench.timing import FEWEST_BLOCKS, Timing
from deeprnn_edge.errors import BundleError, InputError

_GIVE = "give a file that bench -o wrote"
_READING = Reading(
    unreadable=f"cannot read {{path}}: {{why}}; {_GIVE}",
    not_json=f"{{path}} is not JSON: {{why}}; {_GIVE}",
    no_report=f"{{path}} is no benchmark; {_GIVE}",
    version="{path} has format_version {version}; this release reads {expected}. "
    "Measure again with this release, or compare with the one that made the file.",
    out_of_range="{path}: {name} holds {value}, expected times above 0, sizes and counts too; measure it again",
)
# What tells two machines apart: the memory that a container is given or the version of the kernel do not.
_IDENTITY = ("board", "architecture")
_CPU_IDENTITY = ("model", "physical_cores", "logical_cores")


def read_earlier(path: Path, *, stream: bool) -> Report:
    """Read the report to compare with.

    Args:
        path: of a file that ``bench --output`` or ``bench --json`` wrote.
        stream: whether one of streams is expected.

    Raises:
        InputError: where the file cannot be read.
        BundleError: where it is no report of this format version, is of the other kind, or holds times that no call
            takes.
    """
    report = read_report(path, _READING)
    if isinstance(report, BenchReport) == stream:
        said = "whole sequences: leave out stream=True" if stream else "streams: add stream=True"
        raise BundleError(f"{path} is a benchmark of {said}, or give another file")
    return report


def check_same_model(path: Path, old: Report, *, name: str, batch: int) -> None:
    """Check, before anything is measured, that an earlier report is of the same model and batch.

    Args:
        path: the earlier report's file, for the words.
        old: the earlier report.
        name: of the model.
        batch: rows of one call.

    Raises:
        InputError: where the model or the batch is another.
    """
    if old.name != name:
        raise InputError(
            f"{path} is a benchmark of the model {old.name!r}, and this bundle holds {name!r}; give two benches of one"
        )
    if old.options.batch != batch:
        raise InputError(f"{path} was measured with batch {old.options.batch}, and this is {batch}; give batch= alike")


def check_same_inputs(path: Path, old: Report, new: Report) -> None:
    """Check that two reports timed the same shapes.

    Raises:
        InputError: where these, the model or the batch differ.
    """
    check_same_model(path, old, name=new.name, batch=new.options.batch)
    if isinstance(old, BenchReport) and isinstance(new, BenchReport) and dict(old.inputs) != dict(new.inputs):
        raise InputError(
            f"{path} was measured on {_shapes(old.inputs)}, and this on {_shapes(new.inputs)}; give length= alike, "
            "or benches of one model"
        )


def check_limit(fail_above: float | None) -> None:
    """Check the ratio that is allowed.

    Raises:
        InputError: for one that is no number above 0.
    """
    if fail_above is not None and not 0 < fail_above < math.inf:
        raise InputError(f"fail_above={fail_above:g}: give a ratio above 0, such as 1.15 for 15 % slower or larger")


def check_holdable(
    path: Path, old: Report, *, machine: Mapping[str, Any], threads: int, artifacts: Sequence[str] | None = None
) -> None:
    """Raise InputError where a regression cannot be told from something else, before anything is measured.

    On another machine or with other threads a ratio says nothing about what changed in the model; a check would
    pass or fail for the wrong reason. Without blocks of calls there is no noise to hold it against.

    Args:
        path: the earlier report's file, for the words.
        old: the earlier report.
        machine: this one, as ``describe_machine`` tells it.
        threads: threads inside one call.
        artifacts: those that are to be held; None for all.

    Raises:
        InputError: for another machine, other threads, and where a latency has too few blocks.
    """
    if other := describe_other_machine(old.machine, machine):
        raise InputError(
            f"{path} was measured on another machine ({other}), where fail_above= says nothing about the model; "
            "leave it out, or measure what to compare with on this machine"
        )
    if old.options.threads != threads:
        raise InputError(
            f"{path} was measured with threads {old.options.threads}, and this is {threads}; give threads= alike, "
            "or leave out fail_above="
        )
    for name, artifact, timing in timings_of(old):
        if artifact is not None and (artifacts is None or artifact in artifacts):
            require_blocks(f"{name} in {path}", timing)


def require_blocks(what: str, timing: Timing) -> None:
    """Check that a timing has blocks enough for an interval.

    Raises:
        InputError: where it has too few.
    """
    if len(timing.block_p50_ms) < FEWEST_BLOCKS:
        raise InputError(
            f"{what} was timed in {len(timing.block_p50_ms)} blocks of calls, and fail_above= takes {FEWEST_BLOCKS} "
            "to tell a regression from noise; measure it with more seconds= or runs="
        )


def describe_other_machine(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Tell how two machines differ, such as ``model 'A', here 'B'``; empty where they are alike."""
    old_cpu, new_cpu = (_mapping(one.get("cpu")) for one in (old, new))
    pairs = [(name, old.get(name), new.get(name)) for name in _IDENTITY]
    pairs += [(name.replace("_", " "), old_cpu.get(name), new_cpu.get(name)) for name in _CPU_IDENTITY]
    return ", ".join(f"{name} {before!r}, here {now!r}" for name, before, now in pairs if before != now)


def describe_conditions(old: Report, new: Report) -> list[str]:
    """List what differs beside the model and might be the reason: machine, threads, packages, the clock's governor."""
    notes = []
    if other := describe_other_machine(old.machine, new.machine):
        notes.append(f"another machine: {other}")
    if old.options.threads != new.options.threads:
        notes.append(f"threads: {old.options.threads}, here {new.options.threads}")
    before, now = (_mapping(_mapping(one.machine.get("cpu"))).get("governor") for one in (old, new))
    if before != now:
        notes.append(f"frequency governor: {before}, here {now}")
    old_packages, new_packages = (_mapping(one.machine.get("packages")) for one in (old, new))
    for name in sorted({*old_packages, *new_packages}):
        if old_packages.get(name) != new_packages.get(name):
            notes.append(f"{name}: {old_packages.get(name)}, here {new_packages.get(name)}")
    return notes


def _shapes(inputs: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in inputs.items())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
