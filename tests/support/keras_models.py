"""Keras layers by cell, and models whose every weight is random."""

from __future__ import annotations

import keras
import numpy as np

CELLS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def randomised(model: keras.Model, *, scale: float = 0.3, seed: int = 0) -> keras.Model:
    """Every weight random, biases too: Keras starts biases at zero, which hides a bias in the wrong place."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed_generator" not in weight.path:
            weight.assign(random.normal(0, scale, weight.shape))
    return model
