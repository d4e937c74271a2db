"""List what is measured: networks, and the calls that they answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Cell = Literal["rnn", "gru", "lstm"]
Group = Literal["seed", "sensor", "stream", "threads", "layers", "units", "length", "batch"]

CELLS: dict[Cell, str] = {"rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
STEPS = 100  # what the seed models read, and what a network without a state runs again for one step more
VOCABULARY, EMBEDDING = 10_000, 32
START_WORDS = 4  # the ids below are padding, start and unknown
# For bundles that read text. The names do not matter to the cost of looking them up.
WORDS = tuple(f"word{rank}" for rank in range(VOCABULARY - START_WORDS))
SEED = 0

# The axes of growth; the first of layers is shared by the four.
LAYERS = (3, 1, 5, 10)
UNITS = (16, 64, 128, 256, 512)
LENGTHS = (10, 30, 300, 1_000, 2_000)
BATCHES = (4, 16, 64, 256)


@dataclass(frozen=True)
class Network:
    """Hold a stack of recurrent layers under a dense one.

    Attributes:
        units: of each layer, the lowest first.
        steps: the length that its files are made for.
        features: of each step's vector; None for ids under an embedding of 10,000 x 32.
        outputs: of the dense layer: 1 with a sigmoid over ids, more with a softmax, 1 alone over vectors.
    """

    cell: Cell
    units: tuple[int, ...] = (32, 16)
    steps: int = STEPS
    features: int | None = None
    outputs: int = 1
    masked: bool = False

    def __post_init__(self) -> None:
        if self.masked and self.features is not None:
            raise ValueError("a masked network of vectors: the C loop and PyTorch's packing know padding by its id")

    @property
    def key(self) -> str:
        """Return a name for its folder."""
        read = "ids" if self.features is None else f"{self.features}f"
        parts = [self.cell, "x".join(map(str, self.units)), f"{self.steps}s", read, f"{self.outputs}o"]
        return "-".join([*parts, *(["masked"] if self.masked else [])])

    @property
    def head(self) -> Literal["binary", "multiclass", "regression"]:
        """Return what the dense layer answers with."""
        if self.outputs > 1:
            return "multiclass"
        return "binary" if self.features is None else "regression"


@dataclass(frozen=True)
class Workload:
    """Hold a network and the calls that it is measured by.

    Attributes:
        group: what it is there for; the names of the four axes of growth are among them.
        threads: of each entry, pinned to as many cores.
        lengths: ``full``, or ``reviews``: rows as long as those of the data set of reviews, padded at their end.
    """

    name: str
    title: str
    group: Group
    network: Network
    batch: int = 1
    threads: int = 1
    lengths: Literal["full", "reviews"] = "full"

    @property
    def streams(self) -> bool:
        """Return whether a call is one step more of a sequence that goes on."""
        return self.group == "stream"


def subset() -> list[Workload]:
    """Return the seed models on full sequences, one thread: what the README shows."""
    return [one for one in sweep() if one.group == "seed" and one.lengths == "full"]


def sweep() -> list[Workload]:
    """Return every workload."""
    return [*_seeds(), *_sensors(), *_streams(), *_growth()]


def _seeds() -> Iterator[Workload]:
    for masked in (False, True):
        for cell, title in CELLS.items():
            network = Network(cell, masked=masked)
            name, what = f"{cell}-seed", f"{title}, seed size"
            if masked:
                name, what = f"{name}-masked", f"{what}, masked"
            full = Workload(name, what, "seed", network)
            yield full
            yield replace(full, name=f"{name}-reviews", title=f"{what}, lengths of reviews", lengths="reviews")
            yield replace(full, name=f"{name}-2-threads", title=f"{what}, 2 threads", group="threads", threads=2)


def _sensors() -> Iterator[Workload]:
    for cell, title in CELLS.items():
        network = Network(cell, units=(64, 64), steps=128, features=9, outputs=6)
        yield Workload(f"{cell}-sensor", f"{title}, sensor of 9 channels x 128 steps", "sensor", network)


def _streams() -> Iterator[Workload]:
    for cell, title in CELLS.items():
        yield Workload(f"{cell}-stream", f"{title}, seed size, one step of a stream", "stream", Network(cell))


def _growth() -> Iterator[Workload]:
    for cell, name in CELLS.items():
        common = Network(cell, units=(32,) * LAYERS[0], features=32)
        title = f"{name}, {LAYERS[0]} x 32 units"
        for layers in LAYERS:
            network = replace(common, units=(32,) * layers)
            yield Workload(f"{cell}-{layers}-layers", f"{name}, {layers} x 32 units", "layers", network)
        for units in UNITS:
            network = replace(common, units=(units,) * LAYERS[0])
            yield Workload(f"{cell}-{units}-units", f"{name}, {LAYERS[0]} x {units} units", "units", network)
        for steps in LENGTHS:
            yield Workload(f"{cell}-{steps}-steps", f"{title}, {steps:,} steps", "length", replace(common, steps=steps))
        for batch in BATCHES:
            yield Workload(f"{cell}-batch-{batch}", f"{title}, batch {batch}", "batch", common, batch=batch)
