"""Run a whole command in a process of its own, which a stranger's file may end, and say what it died of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from deeprnn_edge.errors import InputError
from deeprnn_edge.files.guard.parent import died, limit_memory_bytes, run_guarded

EXIT_UNUSABLE = 2


def run_guarded_command(words: Sequence[str]) -> int:
    """Run the command of these words, which answers on this process's own stdout and stderr; return its exit code."""
    try:
        memory_bytes = limit_memory_bytes(max(map(_file_bytes, words), default=0))
        ended = run_guarded("deeprnn_edge", words, memory_bytes=memory_bytes, ends_itself=True)
    except InputError as error:
        click.echo(f"error: {error}", err=True)
        return EXIT_UNUSABLE
    death = died(ended, next((word for word in words[1:] if not word.startswith("-")), words[0]))
    if death is not None:
        click.echo(f"error: {death}", err=True)
        return EXIT_UNUSABLE
    return ended.code or 0


def _file_bytes(word: str) -> int:
    """Return the size of the largest file that a word names, itself or in a folder."""
    try:
        path = Path(word)
        files = path.iterdir() if path.is_dir() else [path]
        return max((file.stat().st_size for file in files if file.is_file()), default=0)
    except (OSError, ValueError):  # no path, or one that the command itself will refuse
        return 0
