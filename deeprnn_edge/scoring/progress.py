"""Tell how far a run is, as a line of text."""

from __future__ import annotations

import time
from collections.abc import Callable


class Progress:
    """Count what is over, and show it.

    Args:
        partitions: that are to do.
        rows: that are to do.
        show: takes a line, which stands for the one before.
    """

    def __init__(self, partitions: int, rows: int, show: Callable[[str], None]) -> None:
        self._partitions, self._rows, self._show = partitions, rows, show
        self._over_partitions = self._over_rows = 0
        self._started = time.perf_counter()

    def add(self, rows: int) -> None:
        """Count one partition more as over, written or failed."""
        self._over_partitions += 1
        self._over_rows += rows
        pace = self._over_rows / max(time.perf_counter() - self._started, 1e-9)
        minutes, seconds = divmod(round((self._rows - self._over_rows) / pace), 60)
        done, of = self._over_partitions, self._partitions
        self._show(
            f"{done:,} of {of:,} partitions, {self._over_rows:,} of {self._rows:,} rows, "
            f"{pace:,.0f} rows/s, {minutes}:{seconds:02} left"
        )
