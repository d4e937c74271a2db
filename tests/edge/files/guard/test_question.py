"""A process that may die: what it answers, and what its death becomes."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pytest

from deeprnn_edge.errors import BundleError, InputError, MissingExtraError
from deeprnn_edge.files.guard.parent import limit_memory_bytes, limit_seconds
from deeprnn_edge.files.guard.question import ask

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of Unix")]


def _ask(how: str, **request: Any) -> Any:
    return ask("tests.support.dying", {"how": how, **request}, where="bundle", file_bytes=0)


@pytest.mark.parametrize("how", ["answer", "noise"])
def test_an_answer_comes_back_whatever_a_library_prints(how: str) -> None:
    assert _ask(how, text="größer") == {"said": "größer"}


def test_a_crash_is_one_line_that_names_the_file() -> None:
    with pytest.raises(BundleError, match=r"^bundle: crash file ended the process that ran it \(SIGSEGV\); [^\n]*$"):
        _ask("crash")


def test_silence_ends_it_and_steps_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPRNN_EDGE_LIMIT_SECONDS", "2")
    assert _ask("steps", text="six steps") == {"said": "six steps"}
    started = time.monotonic()
    with pytest.raises(BundleError, match=r"^bundle: hang file did not answer within 2 s.*LIMIT_SECONDS=20$"):
        _ask("hang")
    assert time.monotonic() - started < 30  # the program would sleep 60


@pytest.mark.skipif(sys.platform != "linux", reason="macOS takes a limit of memory and does not hold it")
def test_more_memory_than_is_allowed_is_refused_and_more_can_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPRNN_EDGE_LIMIT_MIB", "1024")
    with pytest.raises(BundleError, match="more memory than it may take"):
        _ask("memory")


def test_an_error_keeps_its_kind() -> None:
    with pytest.raises(MissingExtraError, match=r"^a library is missing$"):
        _ask("error")


@pytest.mark.parametrize("how", ["traceback", "liar"])
def test_no_answer_is_an_error_of_the_bundle(how: str) -> None:
    with pytest.raises(InputError):
        _ask(how)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a file's size")
def test_an_endless_answer_ends() -> None:
    with pytest.raises(BundleError, match=r"SIGXFSZ|no answer"):
        _ask("endless")


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "1e400"])
def test_a_limit_that_is_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPRNN_EDGE_LIMIT_SECONDS", text)
    with pytest.raises(InputError, match="DEEPRNN_EDGE_LIMIT_SECONDS"):
        limit_seconds()


def test_memory_grows_with_the_file_and_ends_below_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 8 << 20, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert limit_memory_bytes(0) < limit_memory_bytes(1 << 28) < limit_memory_bytes(1 << 40) < 32 << 30
