"""Measure load time, first call and memory of one model, in a process that has loaded no other.

``python -m deeprnn_edge.bench.cold_start REQUEST`` is the process's side: JSON in as its argument, JSON out.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.errors import InputError
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.files.guard.parent import limit_seconds
from deeprnn_edge.inspection.plugins import load_format
from deeprnn_edge.runtimes.artifacts import open_artifact, start_runtime


@dataclass(frozen=True)
class Probe:
    """Hold what a model costs to start. Memory is None where the system does not tell.

    Attributes:
        load_ms: from the file, which the system has cached, to a session that is ready.
        first_call_ms: the first run.
        resident_added_bytes: how the process grew by both, imports and the runtime's own start aside.
        resident_bytes: the whole process after the first call.
    """

    load_ms: float
    first_call_ms: float
    resident_added_bytes: int | None
    resident_bytes: int | None


def probe_artifact(bundle: Path, artifact: str, feeds: Mapping[str, NDArray[Any]], *, threads: int = 1) -> Probe:
    """Start one artifact of a bundle in a fresh process.

    Args:
        bundle: its path.
        artifact: its path inside the bundle.
        feeds: the model's inputs by name.
        threads: threads inside one call.

    Raises:
        InputError: where that process fails.
    """
    return _run({"bundle": str(bundle), "artifact": artifact, "threads": threads}, feeds)


def probe_file(path: Path, feeds: Mapping[str, NDArray[Any]]) -> Probe:
    """Start the model in a file of a registered format, such as ``.keras``, in a fresh process.

    Args:
        path: of the file.
        feeds: the model's inputs by name.

    Raises:
        InputError: where that process fails.
    """
    return _run({"file": str(path)}, feeds)


def resident_bytes() -> int | None:
    """Return the memory of this process that is in RAM; on macOS its peak so far; None on Windows."""
    if sys.platform == "linux":
        # /proc/self/statm: size, resident, ... in pages (man 5 proc)
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "darwin":
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None


def _run(request: dict[str, Any], feeds: Mapping[str, NDArray[Any]]) -> Probe:
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "feeds.npz"
        # The prefix keeps an input called "file" apart from savez's own arguments, of which numpy 1.26 has fewer.
        np.savez(inputs, **{f"in/{name}": value for name, value in feeds.items()})  # type: ignore[arg-type]
        # -P and the parent's own path: the same modules as here, and none that lie in the working directory.
        command = [
            sys.executable,
            "-P",
            "-m",
            "deeprnn_edge.bench.cold_start",
            json.dumps({**request, "feeds": str(inputs)}),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        allowed = limit_seconds()
        report(str(request.get("artifact", request.get("file"))), seconds=allowed)
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=allowed
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(f"a fresh process that loads it did not answer within {allowed:g} s") from error
    try:
        # The last line alone: what a native library prints comes before.
        return Probe(**json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, LookupError, TypeError) as error:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise InputError(f"a fresh process that loads it ended with code {done.returncode}: {said[-1]}") from error


def _measure(request: dict[str, Any]) -> Probe:
    with np.load(request["feeds"], allow_pickle=False) as arrays:
        feeds = {key.split("/", 1)[1]: arrays[key] for key in arrays.files}
    if "file" in request:
        path = Path(request["file"])
        module = load_format(path)
        before, started = _settled_bytes(), time.perf_counter()
        session = module.open_runner(path)
    else:
        bundle = open_bundle(request["bundle"])
        artifact = bundle.artifact(request["artifact"])
        start_runtime(artifact.format, threads=request["threads"])
        before, started = _settled_bytes(), time.perf_counter()
        session = open_artifact(bundle, artifact, threads=request["threads"])
    loaded = time.perf_counter()
    session.run(feeds)
    answered = time.perf_counter()
    after = resident_bytes()
    return Probe(
        load_ms=(loaded - started) * 1e3,
        first_call_ms=(answered - loaded) * 1e3,
        resident_added_bytes=None if after is None or before is None else after - before,
        resident_bytes=after,
    )


def _settled_bytes() -> int | None:
    gc.collect()
    return resident_bytes()


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(dataclasses.asdict(_measure(json.loads(sys.argv[1])))) + "\n")
