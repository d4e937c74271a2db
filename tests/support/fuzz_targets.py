"""What a fuzzed input is given to: the readers that a stranger's file meets on a device, and what they may do.

A reader answers, or raises an error of ``deeprnn_edge.errors`` in one line of text, and opens nothing outside of
the bundle's folder.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from deeprnn_edge.bench.history.comparison import compare_reports
from deeprnn_edge.bench.history.earlier import read_earlier
from deeprnn_edge.bench.result_file import read_report, to_json
from deeprnn_edge.bundle.bundle import GOLDEN, MANIFEST, Bundle, open_bundle
from deeprnn_edge.bundle.golden import check_cases, decode_golden
from deeprnn_edge.bundle.vocabulary import VOCABULARY, VOCABULARY_JSON, encode_vocabulary
from deeprnn_edge.errors import DeepRNNEdgeError
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.report.collecting import READING
from tests.support import made_up_reports, mutations
from tests.support.paths import FIXTURES

BUNDLES = ("bundle", "stream_text", "stream_steps")
LONGEST_MESSAGE = 2_000  # characters: an error is for a person


@dataclass(frozen=True)
class Target:
    """One reader.

    seeds: real contents.
    mutate: makes an input of one.
    read: gives the input to the reader; nothing outside of the folder may be opened.
    """

    seeds: tuple[bytes, ...]
    mutate: mutations.Mutator
    read: Callable[[bytes, Path], object]

    def draw(self, random: Random) -> bytes:
        return self.mutate(random, random.choice(self.seeds))


def targets() -> dict[str, Target]:
    """The readers by name."""
    folders = [FIXTURES / name for name in BUNDLES]
    files = [{file.name: file.read_bytes() for file in sorted(folder.iterdir())} for folder in folders]
    _bundle()  # read here, as a reader may open nothing outside of its folder
    packed = mutations.mutate_zip, mutations.mutate_bytes
    return {
        "manifest": Target(
            tuple(one[MANIFEST] for one in files),
            mutations.either(mutations.mutate_json, mutations.mutate_json, mutations.mutate_bytes),
            _read_manifest(files[1]),
        ),
        "zip": Target(tuple(map(mutations.pack, files)), mutations.either(*packed), _read_zip),
        "golden": Target(
            tuple(one[GOLDEN] for one in files),
            mutations.either(*packed),
            _read_golden,
        ),
        "vocabulary": Target(
            (files[1]["vocabulary.txt"], encode_vocabulary(VOCABULARY_JSON, ["the", " ", "a\nb", "é"]).encode()),
            mutations.either(mutations.mutate_words, mutations.mutate_bytes, _mutate_if_json),
            _read_vocabulary,
        ),
        "benchmark": Target(
            tuple(
                to_json(one).encode()
                for one in (made_up_reports.report(made_up_reports.row()), made_up_reports.streamed({1: 0.1, 10: 0.5}))
            ),
            mutations.either(mutations.mutate_json, mutations.mutate_json, mutations.mutate_bytes),
            _read_benchmark,
        ),
    }


def outcome(target: Target, content: bytes, folder: Path) -> str:
    """``accepted`` or the name of the error. Raises AssertionError for what a reader may not do."""
    inside = folder / "inside"
    if not inside.exists():
        inside.mkdir()
        (folder / "outside.txt").write_text("none of the bundle's business")
    with opened_files() as opened:
        try:
            target.read(content, inside)
            said = "accepted"
        except DeepRNNEdgeError as error:
            said = type(error).__name__
            message = str(error)
            assert message, "an error without a message"
            assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters"
            message.encode("utf-8")
    # Modules that a reader imports when it first needs them are Python's own business.
    files = [path for path in opened if path.suffix not in (".py", ".pyc", ".so")]
    root = os.path.realpath(inside)
    outside = [path for path in files if not Path(os.path.realpath(path)).is_relative_to(root)]
    assert not outside, f"opened {outside}"
    return said


@contextmanager
def opened_files() -> Iterator[list[Path]]:
    """The paths of all files that are opened within."""
    found: list[Path] = []
    _install()
    _LISTENERS.append(found)
    try:
        yield found
    finally:
        _LISTENERS.remove(found)


_LISTENERS: list[list[Path]] = []


def _install() -> None:
    """Once a process: an audit hook stays."""
    if not getattr(sys, "_deeprnn_edge_hook", False):
        sys._deeprnn_edge_hook = True  # type: ignore[attr-defined]
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _LISTENERS and event == "open" and isinstance(arguments[0], str):
        for listener in _LISTENERS:
            listener.append(Path(arguments[0]))


def _read_manifest(files: dict[str, bytes]) -> Callable[[bytes, Path], object]:
    def read(content: bytes, folder: Path) -> object:
        bundle = folder / "bundle"
        if not bundle.exists():
            bundle.mkdir()
            for name, data in files.items():
                (bundle / name).write_bytes(data)
            (bundle / "link").symlink_to(folder.parent / "outside.txt")
        (bundle / MANIFEST).write_bytes(content)
        return _read_all(bundle)

    return read


def _read_zip(content: bytes, folder: Path) -> object:
    path = folder / "bundle.zip"
    path.write_bytes(content)
    return _read_all(path)


def _read_golden(content: bytes, folder: Path) -> object:
    """The cases; numpy, the oracle, reads the same arrays."""
    cases = decode_golden(content)
    sides = [
        (case.name, side, arrays) for case in cases for side, arrays in (("in", case.inputs), ("out", case.outputs))
    ]
    read = {f"{case}/{side}/{name}": array for case, side, arrays in sides for name, array in arrays.items()}
    with np.load(io.BytesIO(content), allow_pickle=False) as oracle:
        assert read.keys() == set(oracle.files), "other names than numpy reads"
        for name, array in read.items():
            same = oracle[name].dtype == array.dtype and oracle[name].tobytes() == array.tobytes()
            assert same, f"another array than numpy reads: {name}"
    with contextlib.suppress(DeepRNNEdgeError):
        check_cases(cases, _bundle().manifest)
    return cases


def _mutate_if_json(random: Random, content: bytes) -> bytes:
    return (mutations.mutate_json if content.startswith(b"[") else mutations.mutate_bytes)(random, content)


def _read_vocabulary(content: bytes, folder: Path) -> object:
    """The words, as a bundle of an older release has them: no hash covers the file."""
    path = folder / (VOCABULARY_JSON if content.startswith(b"[") else VOCABULARY)
    path.write_bytes(content)
    bundle = replace(_bundle(), path=folder)
    rules = replace(bundle.manifest.preprocessing, vocabulary=path.name)
    manifest = replace(bundle.manifest, preprocessing=rules, companions=())
    words = replace(bundle, manifest=manifest).vocabulary()
    assert all(isinstance(word, str) for word in words)
    return TextEncoder(rules, words).encode("a film the é")


def _read_benchmark(content: bytes, folder: Path) -> object:
    """What ``bench --compare`` and ``report --bench`` make of it."""
    path = folder / "bench.json"
    path.write_bytes(content)
    with contextlib.suppress(DeepRNNEdgeError):
        read_report(path, READING)
    old = read_earlier(path, stream=b'"push' in content)
    return compare_reports(path, old, old, fail_above=None)


@cache
def _bundle() -> Bundle:
    return open_bundle(FIXTURES / "stream_text")


def _read_all(path: Path) -> object:
    """Everything that loading reads, up to where a runtime would take over."""
    bundle = open_bundle(path)
    read = [bundle.vocabulary(), *(bundle.read_artifact(artifact) for artifact in bundle.manifest.artifacts)]
    return [*read, bundle.has(GOLDEN), bundle.size_bytes()]
