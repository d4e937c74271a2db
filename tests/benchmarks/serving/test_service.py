"""The example of a service: it starts as the guide says, and answers many clients as ``classify`` does."""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import deeprnn_edge
from benchmarks.serving.service import HOST, Question, ask, make_questions, make_request, read_example, serve
from tests.support.paths import FIXTURES

MISSING = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} is not installed; the extra dev brings it")
TEXTS = ["a gorgeous, moving film", "dull", "", "it falls apart, badly: the end", "naïve Ünïcode 🎬", "film " * 300]


def serve_fixture(folder: Path, name: str) -> Iterator[int]:
    shutil.copytree(FIXTURES / name, folder / "bundle")
    with serve(folder) as port:
        yield port


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A service with a model of texts."""
    yield from serve_fixture(tmp_path_factory.mktemp("texts"), "bundle")


@pytest.fixture(scope="module")
def features_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A service with a model of feature vectors, which cannot read a text."""
    yield from serve_fixture(tmp_path_factory.mktemp("features"), "stream_steps")


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return make_questions(FIXTURES / "bundle", TEXTS)


def repeated(questions: list[Question], count: int) -> Iterator[Question]:
    return itertools.islice(itertools.cycle(questions), count)


def test_the_example_is_short_and_one_process() -> None:
    code, command = read_example()
    assert len(code.splitlines()) <= 30
    assert command[:2] == ["uvicorn", "service:app"]
    assert "--workers" not in command


def test_many_clients_get_the_answers_of_predict(port: int, questions: list[Question]) -> None:
    assert len({answer for _, answer in questions}) == len(TEXTS)  # so that a mixed-up answer is a wrong one
    load = ask(port, repeated(questions, 600), clients=8, timeout_seconds=600)
    assert (dict(load.errors), len(load.latencies_ms)) == ({}, 600)


def test_the_answer_says_its_name(port: int) -> None:
    with socket.create_connection((HOST, port)) as connection:
        connection.sendall(make_request({"text": TEXTS[0]}).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    answer = json.loads(received.partition(b"\r\n\r\n")[2])
    ((name, probability),) = deeprnn_edge.load(FIXTURES / "bundle").classify(TEXTS[0], top_k=1)[0]
    assert answer == {"label": name, "probability": probability}


def test_what_is_not_the_answer_of_predict_is_counted(port: int, questions: list[Question]) -> None:
    wrong = [(request, answer + 1e-6) for request, answer in questions]
    load = ask(port, repeated([*questions, *wrong], 24), clients=3, timeout_seconds=600)
    assert (dict(load.errors), len(load.latencies_ms)) == ({"wrong answer": 12}, 12)


@pytest.mark.parametrize(
    "body",
    [{}, "dull", *({"text": text} for text in (None, 3, ["dull"], "a" * 10_001, "\ud800", float("inf"), float("nan")))],
)
def test_what_is_no_text_or_too_long_is_refused(port: int, questions: list[Question], body: object) -> None:
    load = ask(port, iter([(make_request(body), 0.0), questions[0]]), clients=1, timeout_seconds=600)
    assert (dict(load.errors), len(load.latencies_ms)) == ({"status 422": 1}, 1)


def test_a_body_without_end_is_refused_while_it_is_read(port: int, questions: list[Question]) -> None:
    with socket.create_connection((HOST, port), timeout=60) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {300 << 20}\r\n\r\n"
        connection.sendall(head.encode() + b'{"text": "' + b"a" * 200_000)  # and 299.8 MB are still to come
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection((HOST, port), timeout=60) as connection:  # one that leaves in the middle
        connection.sendall(head.encode() + b"{")
    assert dict(ask(port, iter(questions), clients=1, timeout_seconds=600).errors) == {}


def test_the_longest_text_may_be_all_escapes(port: int) -> None:
    texts = ["\U0001f3ac" * 10_000, "é" * 10_000]
    load = ask(port, iter(make_questions(FIXTURES / "bundle", texts)), clients=1, timeout_seconds=600)
    assert (dict(load.errors), len(load.latencies_ms)) == ({}, len(texts))


def test_what_the_model_refuses_is_the_clients_mistake(features_port: int) -> None:
    load = ask(features_port, iter([(make_request({"text": "dull"}), 0.0)]), clients=1, timeout_seconds=600)
    assert dict(load.errors) == {"status 422": 1}


def test_a_connection_that_fails_is_counted(questions: list[Question]) -> None:
    with socket.create_server((HOST, 0)) as free:
        closed = free.getsockname()[1]
    load = ask(closed, repeated(questions, 5), clients=2, timeout_seconds=600)
    assert (dict(load.errors), load.latencies_ms) == ({"connection": 5}, [])
