"""Describe a runtime: what the rest of the device half has to know of a format, in one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from deeprnn_edge.runtimes.file_inspection import FileInspection
from deeprnn_edge.runtimes.session import Session


class Open(Protocol):
    """Open a session on the content of a file."""

    def __call__(self, content: bytes, path: str, *, threads: int, steps: bool) -> Session:
        """Open the content of the file that messages call ``path``.

        Args:
            content: the file's bytes.
            path: its name, for messages.
            threads: threads inside one call.
            steps: whether it is a stream, which is called for single steps.

        Raises:
            BundleError: where the runtime does not accept it.
            MissingExtraError: where the runtime is not installed.
        """
        ...


class Inspect(Protocol):
    """Read what a file holds, without running it."""

    def __call__(self, content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
        """Read the content of the file that messages call ``path``.

        Raises:
            BundleError: where the bytes are no such file.
            MissingExtraError: where the package that reads it is not installed.
        """
        ...


@dataclass(frozen=True)
class Runtime:
    """Hold what there is to know of one format and the library that runs it.

    Attributes:
        name: the format, as manifests write it; files of it end in a dot and this name.
        title: the format, as people write it.
        library: what runs it, as people write it.
        package: the distribution that has the library.
        open: opens a session.
        inspect: reads a file.
        check: refuses content before the library sees it, with BundleError.
        recurrent_operators: those that run a whole recurrence in one kernel.
        loop_operators: those that run a subgraph: a recurrence that was not lowered is one.
        foreign_prefix: how the names of operators outside the format's own set begin; empty where that does not tell.
        start_model: a model of one operator, float32 ``x`` of shape ``(1,)``, whose session starts the library: what
            that costs once is not a model's own.
        portable: whether the page for browsers and the programs in other languages run its files.
        native: whether opening a file compiles it and runs it as this machine's own code, which needs permission.
        streams_itself: whether one file answers whole sequences and streams: there is no artifact for streams alone.
        open_plain: opens a session in which the library runs every operator itself, for files that the libraries
            which it hands them on to refuse; None where it has none.
        numbers_layers: whether its converter puts a number behind the names of layers: ``gru_1_1`` is ``gru_1``.
    """

    name: str
    title: str
    library: str
    package: str
    open: Open
    inspect: Inspect
    check: Callable[[bytes, str], None]
    recurrent_operators: frozenset[str]
    loop_operators: frozenset[str]
    start_model: bytes
    foreign_prefix: str = ""
    portable: bool = False
    native: bool = False
    streams_itself: bool = False
    numbers_layers: bool = False
    open_plain: Open | None = None

    def opener(self, *, delegates: bool) -> Open:
        """Return what opens a session: a plain one where there are to be no delegates and it has them."""
        return self.open if delegates or self.open_plain is None else self.open_plain

    @property
    def suffix(self) -> str:
        """Return how the format's files end."""
        return f".{self.name}"
