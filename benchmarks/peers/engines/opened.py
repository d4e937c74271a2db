"""Give back what an engine opened: the network as a function, in the engine's own clothes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Call = Callable[[NDArray[Any]], Any]


@dataclass(frozen=True)
class Opened:
    """Hold a network that is ready.

    Attributes:
        call: ``(batch, steps)`` ids or ``(batch, steps, features)`` to ``(batch, outputs)``, of any array type.
        size_bytes: of what would be shipped: the file, or the weights and the code that reads them.
        carries: whether ``call`` goes on from where the last one ended, as in a stream.
    """

    call: Call
    size_bytes: int
    carries: bool = False


def with_window(opened: Opened, steps: int) -> Opened:
    """Make a network without a state answer single steps: it runs the last ``steps`` again at each."""
    window: NDArray[Any] | None = None

    def call(step: NDArray[Any]) -> Any:
        nonlocal window
        if window is None:
            window = np.zeros((len(step), steps, *step.shape[2:]), step.dtype)
        window[:, :-1] = window[:, 1:]
        window[:, -1:] = step
        return opened.call(window)

    return Opened(call, opened.size_bytes, carries=True)
