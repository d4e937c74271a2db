"""Show a training's progress as one line on stderr that is written over, or a line an epoch where that is a file."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from deeprnn_edge.cli.terminal import clear_line

if TYPE_CHECKING:
    from deeprnn_export.training.fit import Progress

_WIDTH = 24
_SECONDS_BETWEEN = 0.1


class TrainingBar:
    """Call it with each ``Progress``."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._drawn = 0.0

    def __call__(self, progress: Progress) -> None:
        """Draw where the training is."""
        if progress.finished is not None:
            epoch = progress.finished
            self._clear()
            click.echo(
                f"epoch {progress.epoch}/{progress.epochs}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.1%}; "
                f"validation loss {epoch.val_loss:.3f}, accuracy {epoch.val_accuracy:.1%}; {epoch.seconds:.1f} s",
                err=True,
            )
        elif self._terminal and time.monotonic() - self._drawn > _SECONDS_BETWEEN:
            self._drawn = time.monotonic()
            done = _WIDTH * progress.batch // max(progress.batches, 1)
            bar = "#" * done + "-" * (_WIDTH - done)
            text = f"epoch {progress.epoch}/{progress.epochs} [{bar}] {progress.batch}/{progress.batches}"
            clear_line()
            click.echo(text, err=True, nl=False)

    def _clear(self) -> None:
        if self._terminal:
            clear_line()
