"""Keep the folder of scores whole under its name, or not there; what is not finished yet stands beside it.

``out.partial`` takes the partitions as they come, and becomes ``out`` when the last one is there. So a run that is
killed leaves what ``out`` held before, and a later one goes on from ``out.partial``.

Where there is an old result the two names are exchanged in one step, and the old one, which is ``out.partial`` then, is
removed. A mark inside of the new one tells which of them is which, where a run is killed between the two. A system that
cannot exchange names lets the old one step aside for the moment between two renames.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.atomic_replace import exchange
from deeprnn_edge.files.place_lock import hold_place
from deeprnn_edge.scoring.run_settings import RunSettings, describe_difference, read_settings, write_settings

_FINISHED = ".finished"  # the mark: in a result that is whole, and about to take its place or just there


class OutputFolder:
    """Keep where the scores go. Nothing changes before ``recover``, which comes first, and ``begin``.

    All of it but the constructor is for who holds the place: ``with folder.held():``.

    Attributes:
        path: the finished result.
        partial: the result in the making.
    """

    def __init__(self, path: Path) -> None:
        parent = path.resolve().parent
        if not path.name or not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise InputError(
                f"cannot make {path}: {path.parent} is no directory, or not writable; choose another output="
            )
        self.path = path.resolve()
        self.partial = self.path.with_name(f"{self.path.name}.partial")
        self._old = self.path.with_name(f".{self.path.name}.old")
        self._discarded = self.path.with_name(f".{self.path.name}.discarded")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out of the folder.

        Raises:
            BusyError: where another run writes it.
        """
        with hold_place(self.path):
            yield

    def recover(self) -> None:
        """Bring back, or remove, an old result that stepped aside, where a run was killed in between."""
        if (self.path / _FINISHED).exists():
            if self.partial.exists():
                self._discard(self.partial)
            (self.path / _FINISHED).unlink()
        if self._old.exists():
            if self.path.exists():
                self._discard(self._old)
            else:
                self._old.replace(self.path)
        shutil.rmtree(self._discarded, ignore_errors=True)

    def refuse_inputs(self, files: Iterable[Path]) -> None:
        """Check that no input lies in the folder of its own scores.

        Raises:
            InputError: where one does.
        """
        for file in files:
            if {self.path, self.partial} & set(file.parents):
                raise InputError(f"the input {file} lies in the output folder; choose another output=")

    def check(self, settings: RunSettings, *, force: bool) -> None:
        """Check that what is there is of these settings; ``force`` refuses only what is of no run.

        Raises:
            InputError: where it is not.
        """
        for folder in (self.path, self.partial):
            if not folder.exists():
                continue
            if not folder.is_dir():
                raise InputError(f"{folder} is no directory; choose another output=")
            found = read_settings(folder)
            if found is None:
                # A run that was killed before its settings were in place left no more than that one's temporary file.
                held = [file.name for file in folder.iterdir() if folder == self.path or not file.name.startswith(".")]
                if held:
                    raise InputError(f"{folder} holds other files, such as {min(held)}; choose another output=")
            elif not force and (difference := describe_difference(found, settings)):
                raise InputError(
                    f"{folder} holds scores of {difference}; choose another output=, or start over with force=True"
                )

    def find(self, settings: RunSettings) -> Path:
        """Return where partitions of these settings are, if any are: the finished result, or the one in the making."""
        finished = self.path.exists() and read_settings(self.path) == settings
        return self.path if finished and not self._is_making(settings) else self.partial

    def begin(self, settings: RunSettings) -> None:
        """Make ``partial`` ready for these settings' partitions, once ``check`` has passed.

        What is in the making for other settings goes, and a finished result of these, of which partitions are missing
        or damaged, is taken back.
        """
        self.abandon_other(settings)
        if self.find(settings) == self.path:
            self.path.replace(self.partial)
        self.partial.mkdir(exist_ok=True)
        self._clean()
        if not self._is_making(settings):
            write_settings(self.partial, settings)

    def abandon_other(self, settings: RunSettings) -> None:
        """Remove what is in the making for other settings."""
        if self.partial.exists() and read_settings(self.partial) not in (None, settings):
            self._discard(self.partial)

    def _is_making(self, settings: RunSettings) -> bool:
        return self.partial.exists() and read_settings(self.partial) == settings

    def publish(self) -> None:
        """Put the result in its place, whose old content goes only then."""
        self._clean()
        if not self.path.exists():
            self.partial.replace(self.path)
            return
        (self.partial / _FINISHED).touch()
        if not exchange(self.partial, self.path):
            self.path.replace(self._old)
            self.partial.replace(self.path)
        self.recover()

    def _clean(self) -> None:
        """Remove the temporary files that workers which were killed left."""
        for file in self.partial.glob(".*"):
            file.unlink(missing_ok=True)

    def _discard(self, folder: Path) -> None:
        """Remove a folder under another name, so that half of it is never taken for a result."""
        shutil.rmtree(self._discarded, ignore_errors=True)
        folder.replace(self._discarded)
        shutil.rmtree(self._discarded, ignore_errors=True)
