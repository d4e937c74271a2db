"""Measure the example of a service under load on loopback: ``python benchmarks/serving/service.py``.

``examples/service.py`` is started by the command that the guide gives: one process, with the seed GRU. Clients of one
kept connection each, all in this process, send texts of 100 words, the next as soon as the last is answered, and hold
every answer against ``Model.classify``. Writes ``results/service.json``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import deeprnn_edge
from benchmarks.paths import ROOT
from benchmarks.peers.workloads import WORDS, Network
from deeprnn_edge.bench.machine import describe_machine
from deeprnn_edge.files.atomic_write import write_output
from deeprnn_edge.packages import package_version

EXAMPLE = ROOT / "examples" / "service.py"
GUIDE = ROOT / "docs" / "guides" / "service.md"
RESULT = ROOT / "benchmarks" / "results" / "service.json"
HOST = "127.0.0.1"
CLIENTS = (1, 8, 32)
ROUNDS, ROUND_SECONDS = 5, 4.0
TEXTS = 200

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_START_SECONDS = 300

Question = tuple[bytes, float]  # the bytes of a request, and the probability of the class that answers it


@dataclass
class Load:
    """Hold what clients saw.

    Attributes:
        latencies_ms: of each right answer, from the first byte sent to the last one read.
        errors: what else came, by kind, and how often.
        seconds: from the first question to the last answer.
    """

    latencies_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def main() -> int:
    """Measure and write; 1 where an answer was not the right one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: what TensorFlow leaves behind would disturb the clients.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(make_bundle, (folder / "bundle",))
        questions = make_questions(folder / "bundle", make_texts())
        with serve(folder) as port:
            rows = measure(port, questions)
    result = {
        "format_version": 1,
        "what": "the example of a service, one process, seed GRU, texts of 100 words; each client sends the next text "
        "when the last is answered, from a second process on the same machine",
        "machine": describe_machine(),
        "server": {name: package_version(name) for name in ("fastapi", "uvicorn", "h11", "httptools", "uvloop")},
        "rounds": ROUNDS,
        "round_seconds": ROUND_SECONDS,
        "rows": rows,
    }
    write_output(RESULT, json.dumps(result, indent=2) + "\n")
    print(json.dumps(rows, indent=1))
    return int(any(row["errors"] for row in rows))


def make_bundle(path: Path) -> None:
    """Export the seed GRU with a vocabulary."""
    from benchmarks.peers.networks import build
    from deeprnn_export import export

    export(build(Network("gru")), path, formats=("onnx",), vocabulary=WORDS, rules="imdb")


def make_texts() -> list[str]:
    """Draw texts of 100 words with something to filter."""
    random = np.random.default_rng(1)
    return [" ".join(f"Word{rank}," for rank in random.integers(0, len(WORDS), 100)) for _ in range(TEXTS)]


def read_example() -> tuple[str, list[str]]:
    """Return the code of the example, and the words of the command that starts it."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    (command,) = (line.split() for line in lines if line.startswith("uvicorn "))
    return EXAMPLE.read_text(encoding="utf-8"), command


@contextmanager
def serve(folder: Path) -> Iterator[int]:
    """Run the service in a folder with a ``bundle``; yields its port once it answers."""
    code, command = read_example()
    (folder / "service.py").write_text(code, encoding="utf-8")
    log = folder / "service.log"
    with log.open("w") as file:
        words = [sys.executable, "-m", *command, "--host", HOST, "--port", "0"]
        server = subprocess.Popen(words, cwd=folder, stdout=file, stderr=file)
    try:
        yield _wait_for_port(server, log)
    finally:
        server.terminate()
        server.wait(30)


def make_questions(bundle: Path, texts: Sequence[str]) -> list[Question]:
    """Make a request for each text, with what ``Model.classify`` answers to it."""
    model = deeprnn_edge.load(bundle)
    return [(make_request({"text": text}), model.classify(text)[0][0][1]) for text in texts]


def make_request(body: Any) -> bytes:
    """Make a request that keeps the connection."""
    content = json.dumps(body).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def ask(port: int, questions: Iterator[Question], *, clients: int, timeout_seconds: float) -> Load:
    """Have clients draw from the questions until there is none left. Raises TimeoutError."""
    return asyncio.run(_ask(port, questions, clients, timeout_seconds))


def measure(port: int, questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Measure each number of clients, in rounds that alternate; the first round warms up and does not count."""
    loads: dict[int, list[Load]] = {clients: [] for clients in CLIENTS}
    for number in range(ROUNDS + 1):
        for clients, seen in loads.items():
            print(f"round {number} of {ROUNDS}, {clients} clients", file=sys.stderr)
            timed = _until(time.perf_counter() + ROUND_SECONDS, questions)
            load = ask(port, timed, clients=clients, timeout_seconds=ROUND_SECONDS + 30)
            if number:
                seen.append(load)
    return [_row(clients, seen) for clients, seen in loads.items()]


def _row(clients: int, loads: Sequence[Load]) -> dict[str, Any]:
    latencies = np.concatenate([load.latencies_ms for load in loads])
    rates = [len(load.latencies_ms) / load.seconds for load in loads]
    errors = sum((load.errors for load in loads), Counter())
    if not len(latencies):
        raise RuntimeError(f"{clients} clients got no right answer: {dict(errors)}")
    percentiles = zip(("p50_ms", "p95_ms", "p99_ms"), np.percentile(latencies, (50, 95, 99)), strict=True)
    return {
        "clients": clients,
        "predictions": len(latencies),
        "errors": dict(errors),
        "predictions_per_second": float(np.median(rates)),
        "predictions_per_second_by_round": rates,
        **{name: float(value) for name, value in percentiles},
        "max_ms": float(latencies.max()),
    }


def _until(deadline: float, questions: Sequence[Question]) -> Iterator[Question]:
    return itertools.takewhile(lambda _: time.perf_counter() < deadline, itertools.cycle(questions))


def _wait_for_port(server: subprocess.Popen[bytes], log: Path) -> int:
    started = time.monotonic()
    while time.monotonic() - started < _START_SECONDS and server.poll() is None:
        if found := re.search(rf"http://{re.escape(HOST)}:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start:\n{log.read_text()}")


async def _ask(port: int, questions: Iterator[Question], clients: int, timeout_seconds: float) -> Load:
    load = Load()
    started = time.perf_counter()
    async with asyncio.timeout(timeout_seconds), asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(_client(port, questions, load))
    load.seconds = time.perf_counter() - started
    return load


async def _client(port: int, questions: Iterator[Question], load: Load) -> None:
    """Ask on one connection; a new one follows on one that was lost."""
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    try:
        for request, expected in questions:
            try:
                connection = connection or await asyncio.open_connection(HOST, port)
                started = time.perf_counter()
                connection[1].write(request)
                status, content = await _read(connection[0])
            except (OSError, EOFError):
                load.errors["connection"] += 1
                await _close(connection)
                connection = None
                continue
            taken = time.perf_counter() - started
            if status != 200:
                load.errors[f"status {status}"] += 1
            elif json.loads(content)["probability"] != expected:
                load.errors["wrong answer"] += 1
            else:
                load.latencies_ms.append(taken * 1e3)
    finally:
        await _close(connection)


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise ValueError(f"an answer without its length: {head!r}")
    return int(head.split(maxsplit=2)[1]), await reader.readexactly(int(length[1]))


async def _close(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
    if connection is not None:
        connection[1].close()
        try:
            await connection[1].wait_closed()
        except OSError:
            return  # the server was first


if __name__ == "__main__":
    sys.exit(main())
