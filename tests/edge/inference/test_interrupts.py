"""Signals inside of a push, and forks while other threads answer: nothing stays in use, and nothing waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from types import FrameType

import numpy as np
import pytest

import deeprnn_edge
from deeprnn_edge.inference.stream import Stream

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither timers of signals nor forks"),
]
SIGNALS = 1_000


class Interrupt(BaseException):
    """Stands for KeyboardInterrupt, which pytest would take for its own."""


@pytest.mark.parametrize(("artifact", "rows"), [("stream.onnx", 1), ("stream.tflite", 1), ("stream.tflite", 3)])
def test_a_signal_leaves_the_stream_with_the_chunk_or_without_it(
    stream_bundle: Path, artifact: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if artifact.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    model = deeprnn_edge.load(stream_bundle, artifact=artifact)
    stream, random, struck = model.stream(rows), Random(0), 0
    texts = ["film"] * rows
    fresh, begun = _push(model.stream(rows), texts), model.stream(rows)
    begun.push(texts)
    twice = _push(begun, texts)
    assert (fresh != twice).any()

    def strike(number: int, frame: FrameType | None) -> None:
        raise Interrupt

    earlier = signal.signal(signal.SIGALRM, strike)
    try:
        for _ in range(SIGNALS):
            stream.reset()
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 1e-4))
                stream.push(texts)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupt:
                struck += 1
            # It goes on from the initial state, with the start id ahead, or from the first chunk, without.
            answer = _push(stream, texts)
            assert (answer == fresh).all() or (answer == twice).all()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    assert struck > SIGNALS / 20


def _push(stream: Stream, texts: list[str]) -> np.ndarray:
    return np.asarray(stream.push(texts))


FORK = """
import os, sys, threading, time
import deeprnn_edge
from deeprnn_edge.errors import InputError
bundle, artifact, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
model = deeprnn_edge.load(bundle, artifact=artifact, threads=threads)
ready, stop = threading.Event(), False
def go():
    stream = model.stream()
    while not stop:
        model.predict("a film"); stream.push("a"); model.stream(); ready.set()
workers = [threading.Thread(target=go) for _ in range(int(sys.argv[4]))]
for worker in workers: worker.start()
if workers: ready.wait()
model.predict("a film" )
for number in range(int(sys.argv[5])):
    time.sleep(0.002)
    child = os.fork()
    if not child:
        said = []
        for attempt in (lambda: model.predict("a film"), lambda: model.stream().push("a")):
            try: attempt(); said.append("answered")
            except InputError as error: said.append("refused" if "forked" in str(error) else str(error))
        deeprnn_edge.load(bundle, artifact=artifact).predict("a film")
        print(*said, flush=True)
        sys.exit(0)
    for _ in range(1000):
        if os.waitpid(child, os.WNOHANG)[0]: break
        time.sleep(0.01)
    else:
        os.kill(child, 9); os.waitpid(child, 0); print("hung", flush=True)
stop = True
"""


@pytest.mark.parametrize("artifact", ["model.onnx", "model.tflite"])
@pytest.mark.parametrize(("threads", "workers"), [(1, 0), (1, 4), (2, 0)])
def test_a_child_answers_or_refuses(stream_bundle: Path, artifact: str, threads: int, workers: int) -> None:
    if artifact.endswith(".tflite"):
        pytest.importorskip("ai_edge_litert", reason="a .tflite artifact runs in LiteRT")
    children = 6 if workers else 1
    words = [stream_bundle, artifact, threads, workers, children]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, *map(str, words)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    said = done.stdout.splitlines()
    assert len(said) == children
    assert set(" ".join(said).split()) <= {"answered", "refused"}
    if not workers:  # a stream that is opened in the child has a session of its own
        assert set(said) == {"answered answered" if threads == 1 else "refused answered"}


def test_locks_of_our_own_are_made_anew(stream_bundle: Path) -> None:
    model = deeprnn_edge.load(stream_bundle)
    with model._lock:
        child = os.fork()
        if not child:
            code = 1
            try:
                model.stream().push("a film")
                code = 0
            finally:
                os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
