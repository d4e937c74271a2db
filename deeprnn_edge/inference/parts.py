"""Put answers back in the order of the items: those of one length ran together."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError

T = TypeVar("T")


def join(parts: list[Part]) -> dict[str, NDArray[Any]]:
    """Return the outputs of all parts by name, a row an item.

    Raises:
        InputError: where an output has a step for each of the input, and the items are of unequal lengths.
    """
    back = np.argsort(_places(parts))
    try:
        return {name: np.concatenate([part.outputs[name] for part in parts])[back] for name in parts[0].outputs}
    except ValueError as error:
        raise InputError(
            "the model answers every step and the items have unequal lengths; predict items of one length together"
        ) from error


def in_order(parts: list[Part], answers: list[list[T]]) -> list[T]:
    """Return what was made of each item of each part."""
    if len(parts) == 1:
        return answers[0]
    flat = [answer for part in answers for answer in part]
    return [flat[place] for place in np.argsort(_places(parts))]


def _places(parts: list[Part]) -> NDArray[np.intp]:
    return np.concatenate([part.places for part in parts if part.places is not None])


class Part(NamedTuple):
    """Hold items that ran together.

    Attributes:
        places: among all; None for all of them, in order.
        rows: the items, as the network counts their steps.
        batch: what they became, padded and cut.
        outputs: of the network, by name; of a ``number``, scaled back.
    """

    places: NDArray[np.intp] | None
    rows: list[Any]
    batch: NDArray[Any]
    outputs: dict[str, NDArray[Any]]
