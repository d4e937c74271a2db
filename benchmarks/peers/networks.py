"""Build a workload's network in Keras, its inputs, and what Keras answers to them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.workloads import EMBEDDING, SEED, START_WORDS, VOCABULARY, Network, Workload
from deeprnn_export import build_network
from deeprnn_export.datasets.catalogue import load_dataset

CALLS = 32  # different inputs, taken in turn: a single one would find its rows of the embedding in the cache
MOST_VALUES = 2_000_000  # of all inputs of a workload


def build(network: Network) -> keras.Model:
    """Build the network as Keras initialises it: random weights cost what trained ones do, and saturate nothing."""
    keras.utils.set_random_seed(SEED)
    reads = {"vocabulary_size": VOCABULARY, "embedding_size": EMBEDDING}
    return build_network(
        network.cell,
        units=network.units,
        steps=network.steps,
        mask=network.masked,
        head=network.head,
        classes=network.outputs if network.outputs > 1 else None,
        name=network.key,
        **(reads if network.features is None else {"vocabulary_size": None, "features": network.features}),
    )


def weights_of(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Return every weight by its place: ``embedding``, ``0/kernel``, ``0/recurrent``, ``dense/bias``."""
    found: dict[str, NDArray[np.float32]] = {}
    recurrent = 0
    for layer in model.layers:
        names: tuple[str, ...] = ()
        if isinstance(layer, keras.layers.Embedding):
            names = ("embedding",)
        elif isinstance(layer, keras.layers.RNN):
            names = tuple(f"{recurrent}/{name}" for name in ("kernel", "recurrent", "bias"))
            recurrent += 1
        elif isinstance(layer, keras.layers.Dense):
            names = ("dense/kernel", "dense/bias")
        found |= zip(names, layer.get_weights(), strict=True)
    return found


def make_inputs(workload: Workload) -> NDArray[Any]:
    """Draw ``(calls, batch, steps)`` int32 ids or ``(calls, batch, steps, features)`` float32; for a stream one row."""
    network, random = workload.network, np.random.default_rng(SEED)
    if workload.streams:
        return random.integers(START_WORDS, VOCABULARY, (1, 1, network.steps), dtype=np.int32)
    values = workload.batch * network.steps * (network.features or 1)
    calls = int(np.clip(MOST_VALUES // values, 1, CALLS))
    shape = (calls, workload.batch, network.steps)
    if network.features is not None:
        return random.normal(size=(*shape, network.features)).astype(np.float32)
    ids = random.integers(START_WORDS, VOCABULARY, shape, dtype=np.int32)
    if workload.lengths == "reviews":
        lengths = random.permutation(review_lengths(calls * workload.batch, network.steps)).reshape(shape[:2])
        ids[np.arange(network.steps) >= lengths[..., None]] = 0
    return ids


def review_lengths(count: int, most: int) -> NDArray[np.intp]:
    """Spread so many lengths as the test reviews' quantiles are; the longest are cut."""
    lengths = np.count_nonzero(load_dataset("reviews", max_length=most).x_test, axis=1)
    return np.quantile(lengths, (np.arange(count) + 0.5) / count, method="nearest").astype(np.intp)


def answer(model: keras.Model, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return what Keras answers to each call: ``(calls, batch, outputs)``.

    By its own compiled call: the eager one takes seconds for each of the longer sequences.
    """
    return np.stack([model.predict_on_batch(one) for one in inputs])
