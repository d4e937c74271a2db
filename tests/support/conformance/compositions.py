"""Rows on what models are built of around their recurrent layers: fronts, heads, nesting, sharing."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np

from tests.support.conformance.row import (
    FEATURES,
    STEPS,
    UNITS,
    WORDS,
    Row,
    each_cell,
    embedded,
    features,
    in_turn,
    stack,
    tokens,
)
from tests.support.keras_models import CELLS

layers = keras.layers
_IDS = np.arange(2 * STEPS, dtype=np.int32).reshape(2, STEPS)


def rows() -> list[Row]:
    """Every row of the module."""
    each = partial(each_cell, "Compositions")
    nested, twice, several = "nested models", "a layer, a model called twice", "several inputs and outputs, dicts"
    fronts, after = "Conv1D, Conv2D, MaxPooling in front", "BatchNormalization, LayerNormalization, global pooling"
    timed, attended = "TimeDistributed of:", "Attention, AdditiveAttention, MultiHeadAttention"
    return [
        *each("subclassed models, called once", _subclassed, example=_IDS, nodes=2),
        *in_turn(
            each(nested, _nested, name="Sequential in Functional", nodes=2),
            each(nested, _doubly_nested, name="twice", nodes=2),
        ),
        *in_turn(each(twice, _shared, nodes=2), each(twice, _shared_model, name="a model", nodes=2)),
        *each("a recurrent layer inside a layer of your own", _block, nodes=1),
        *in_turn(each(several, _several, nodes=2), each(several, _dictionaries, name="dicts", nodes=2)),
        *each("residual stacks", _residual, nodes=3),
        *each("operations of `keras.ops` between layers", _operations, nodes=1),
        *in_turn(each(fronts, _convolved, name="1D", nodes=1), each(fronts, _frames, name="2D", nodes=1)),
        *in_turn(each(after, _pooled, name="pooling", nodes=1), each(after, _normalised, name="norms", nodes=2)),
        *in_turn(
            each(
                timed,
                lambda cell: features(_sequences(cell), layers.TimeDistributed(layers.Dense(3)), _sequences(cell)),
                name="Dense",
                nodes=2,
            ),
            each(timed, _hierarchical, name="a recurrent layer", nodes=2),
            each(timed, _any_frames, name="Conv2D over symbolic time", length=STEPS, nodes=1),
            each(
                timed,
                lambda cell: tokens(_sequences(cell), layers.TimeDistributed(layers.Dense(3)), steps=None),
                name="Dense over symbolic time",
                length=STEPS,
                nodes=1,
            ),
        ),
        *each("RepeatVector autoencoder", _autoencoder, nodes=2),
        *in_turn(
            each(attended, lambda cell: _attention(cell, layers.Attention()), nodes=2),
            each(attended, lambda cell: _attention(cell, layers.AdditiveAttention()), name="additive", nodes=2),
            each(attended, lambda cell: _attention(cell, layers.MultiHeadAttention(2, 3)), name="heads", nodes=2),
        ),
        *each("dropout, `recurrent_dropout`, noise", _dropped, nodes=2),
    ]


def _sequences(cell: str, **options: Any) -> layers.Layer:
    return CELLS[cell](UNITS, return_sequences=True, **options)


class Classifier(keras.Model):
    """What a tutorial on subclassing writes."""

    def __init__(self, cell: str) -> None:
        super().__init__(name="classifier")
        self.embedding = layers.Embedding(WORDS, FEATURES, mask_zero=True)
        self.lower = layers.Bidirectional(_sequences(cell))
        self.upper = CELLS[cell](UNITS)
        self.head = layers.Dense(3, activation="softmax")

    def call(self, ids: Any) -> Any:
        return self.head(self.upper(self.lower(self.embedding(ids))))


class Block(layers.Layer):
    """A recurrent layer and its shortcut."""

    def __init__(self, cell: str) -> None:
        super().__init__(name="block")
        self.recurrent = CELLS[cell](FEATURES, return_sequences=True)

    def call(self, inputs: Any) -> Any:
        return inputs + self.recurrent(inputs)


def _subclassed(cell: str) -> keras.Model:
    model = Classifier(cell)
    model(_IDS)
    return model


def _nested(cell: str) -> keras.Model:
    inputs, vectors = embedded(mask=False)
    encoder = keras.Sequential([keras.Input((STEPS, FEATURES)), *stack(cell, 2)], name="encoder")
    return keras.Model(inputs, layers.Dense(2)(encoder(vectors)))


def _doubly_nested(cell: str) -> keras.Model:
    inner_input = keras.Input((STEPS, FEATURES))
    inner = keras.Model(inner_input, _sequences(cell)(inner_input), name="inner")
    return keras.Sequential([keras.Sequential([inner, _sequences(cell)], name="middle"), layers.Dense(2)])


def _shared(cell: str) -> keras.Model:
    """Once masked and once not."""
    layer = CELLS[cell](UNITS)
    left, right = keras.Input((STEPS, FEATURES), name="left"), keras.Input((STEPS, FEATURES), name="right")
    return keras.Model([left, right], layers.Subtract()([layer(layers.Masking()(left)), layer(right)]))


def _shared_model(cell: str) -> keras.Model:
    """Two sentences through one encoder."""
    encoder = keras.Sequential(
        [keras.Input((STEPS,), dtype="int32"), layers.Embedding(WORDS, FEATURES, mask_zero=True), CELLS[cell](UNITS)]
    )
    left, right = (keras.Input((STEPS,), dtype="int32", name=name) for name in ("left", "right"))
    return keras.Model([left, right], layers.Dot(axes=-1)([encoder(left), encoder(right)]))


def _block(cell: str) -> keras.Model:
    return features(Block(cell), layers.Dense(2))


def _several(cell: str) -> keras.Model:
    words, vectors = embedded("words")
    series = keras.Input((STEPS + 2, 3), name="series")
    read, seen = CELLS[cell](UNITS)(vectors), CELLS[cell](UNITS)(series)
    both = layers.Concatenate()([read, seen])
    return keras.Model([words, series], [layers.Dense(1, name="score")(both), layers.Dense(3, name="kind")(seen)])


def _dictionaries(cell: str) -> keras.Model:
    """Named so that the order of the names is not the order of the calls."""
    words, vectors = embedded("words")
    extra = keras.Input((3,), name="extra")
    joined = layers.Concatenate()([CELLS[cell](UNITS)(_sequences(cell)(vectors)), extra])
    outputs = {"z": layers.Dense(1, name="first")(joined), "a": layers.Dense(2, name="second")(joined)}
    return keras.Model({"words": words, "extra": extra}, outputs)


def _residual(cell: str) -> keras.Model:
    inputs, vectors = embedded()
    for _ in range(2):
        vectors = layers.LayerNormalization()(
            layers.Add()([vectors, CELLS[cell](FEATURES, return_sequences=True)(vectors)])
        )
    return keras.Model(inputs, CELLS[cell](3)(vectors))


def _operations(cell: str) -> keras.Model:
    inputs = keras.Input((STEPS, FEATURES), name="features")
    outputs = _sequences(cell)(inputs)
    last = keras.ops.concatenate([outputs[:, -1], keras.ops.max(outputs, axis=1)], axis=-1)
    return keras.Model(inputs, keras.ops.tanh(last) * 2.0 + 1.0)


def _convolved(cell: str) -> keras.Model:
    return tokens(
        layers.Conv1D(5, 3, padding="causal", activation="relu"),
        layers.Conv1D(5, 3, padding="same", strides=1, dilation_rate=2),
        layers.MaxPooling1D(2),
        CELLS[cell](UNITS),
    )


def _camera(steps: int | None) -> tuple[Any, Any]:
    """A film's frames, each as a vector."""
    film = keras.Input((steps, 6, 6, 1), name="film")
    maps = layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu"))(film)
    pooled = layers.TimeDistributed(layers.MaxPooling2D(2))(maps)
    return film, layers.TimeDistributed(layers.Flatten())(pooled)


def _frames(cell: str) -> keras.Model:
    film, vectors = _camera(STEPS)
    return keras.Model(film, CELLS[cell](UNITS)(vectors))


def _any_frames(cell: str) -> keras.Model:
    film, vectors = _camera(None)
    return keras.Model(film, CELLS[cell](UNITS)(vectors))


def _pooled(cell: str) -> keras.Model:
    inputs, vectors = embedded(mask=False)
    outputs = _sequences(cell)(vectors)
    pooled = [layers.GlobalAveragePooling1D()(outputs), layers.GlobalMaxPooling1D()(outputs)]
    return keras.Model(inputs, layers.Concatenate()(pooled))


def _normalised(cell: str) -> keras.Model:
    return features(
        layers.BatchNormalization(),
        _sequences(cell),
        layers.BatchNormalization(),
        CELLS[cell](3),
        layers.LayerNormalization(),
    )


def _hierarchical(cell: str) -> keras.Model:
    """Words to sentences, sentences to a document."""
    inputs = keras.Input((3, STEPS, FEATURES), name="document")
    return keras.Model(inputs, CELLS[cell](3)(layers.TimeDistributed(CELLS[cell](UNITS))(inputs)))


def _autoencoder(cell: str) -> keras.Model:
    return features(
        CELLS[cell](3), layers.RepeatVector(STEPS), _sequences(cell), layers.TimeDistributed(layers.Dense(FEATURES))
    )


def _attention(cell: str, attend: layers.Layer) -> keras.Model:
    """A decoder that attends to its encoder."""
    source, read = embedded("source", mask=False)
    target, written = embedded("target", mask=False)
    memory, query = _sequences(cell)(read), _sequences(cell)(written)
    heads = isinstance(attend, layers.MultiHeadAttention)
    context = attend(query, memory) if heads else attend([query, memory])
    return keras.Model([source, target], layers.Dense(3)(layers.Concatenate()([query, context])))


def _dropped(cell: str) -> keras.Model:
    return features(
        layers.GaussianNoise(0.3),
        layers.SpatialDropout1D(0.3),
        _sequences(cell, dropout=0.2, recurrent_dropout=0.2),
        layers.Dropout(0.5),
        CELLS[cell](3, recurrent_dropout=0.5),
        layers.GaussianDropout(0.2),
    )
