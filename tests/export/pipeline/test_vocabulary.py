"""A smaller vocabulary: the original model is the oracle for every id that is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.pipeline.vocabulary import cut_ids, prune_vocabulary
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.tracing.overrides import layer_paths
from tests.support.keras_models import CELLS, randomised

layers = keras.layers

ROWS = 20  # ids of the original: 16 words
STEPS = 3
KEPT = 5  # words; ids below 9 are left
LEFT = KEPT + 4
WAY_OUT = "train with a smaller vocabulary instead"


def table(rows: int = ROWS, **options: Any) -> layers.Embedding:
    return layers.Embedding(rows, 3, **options)


def tokens(name: str = "tokens", *, shape: tuple[int | None, ...] = (STEPS,)) -> Any:
    return keras.Input(shape, dtype="int32", name=name)


def sequential(cell: str, mask: bool) -> keras.Model:
    return keras.Sequential([tokens(), table(mask_zero=mask), CELLS[cell](4), layers.Dense(2)], name="film")


def functional(cell: str, mask: bool) -> keras.Model:
    inputs = tokens(shape=(None,))
    x = CELLS[cell](4, return_sequences=True)(table(mask_zero=mask, name="words")(inputs))
    outputs = [layers.Dense(2, name="steps")(x), layers.GlobalAveragePooling1D(name="mean")(x)]
    return keras.Model(inputs, outputs, name="film")


def nested(cell: str, mask: bool) -> keras.Model:
    inner = keras.Sequential([tokens("inner"), table(mask_zero=mask), CELLS[cell](4)], name="encoder")
    outer_input = tokens("outer")
    outer = keras.Model(outer_input, layers.Dense(3)(inner(outer_input)), name="tower")
    inputs = tokens()
    return keras.Model(inputs, layers.Dense(2)(outer(inputs)), name="film")


def shared(cell: str, mask: bool) -> keras.Model:
    """One table, read for two inputs, and a recurrence that both share."""
    left, right = tokens("left"), tokens("right")
    words, recurrence = table(mask_zero=mask), CELLS[cell](4)
    both = layers.Concatenate()([recurrence(words(left)), recurrence(words(right))])
    return keras.Model([left, right], layers.Dense(2)(both), name="film")


def bidirectional(cell: str, mask: bool) -> keras.Model:
    both = layers.Bidirectional(CELLS[cell](3, dropout=0.2), name="both")
    return keras.Sequential([tokens(), table(mask_zero=mask), both, layers.Dense(2)], name="film")


def ids_for(model: keras.Model, count: int = ROWS) -> list[NDArray[np.int32]]:
    random = np.random.default_rng(1)
    arrays = [random.integers(0, count, [4, *(size or STEPS for size in one.shape[1:])]) for one in model.inputs]
    for array in arrays:
        array[0], array[1, :2] = 0, 0  # padding alone, and padding before
    return [array.astype(np.int32) for array in arrays]


def answers(model: keras.Model, ids: list[NDArray[np.int32]]) -> list[NDArray[Any]]:
    given = model(ids[0] if len(ids) == 1 else ids, training=False)
    return [np.asarray(one) for one in keras.tree.flatten(given)]


def assert_pruned(model: keras.Model, *, kept: int = KEPT, tables: int = 1) -> keras.Model:
    """Prune, and compare with the original, whose weights stay as they were."""
    left = kept + 4
    known = [cut_ids(one, left, 2) for one in ids_for(model)]
    weights, expected = [np.array(weight) for weight in model.get_weights()], answers(model, known)
    pruned = prune_vocabulary(model, kept)

    for answer, reference in zip(answers(pruned, known), expected, strict=True):
        np.testing.assert_allclose(answer, reference, rtol=0, atol=1e-6)
    cut = 0
    for weight, original in zip(pruned.weights, model.weights, strict=True):
        rows = slice(left) if weight.shape != original.shape else ...
        cut += weight.shape != original.shape
        np.testing.assert_array_equal(weight, np.asarray(original)[rows])
        assert weight.value is not original.value
    assert cut == tables
    assert all(layer.input_dim == left for layer in layer_paths(pruned) if isinstance(layer, layers.Embedding))
    assert (pruned.name, list(layer_paths(pruned).values())) == (model.name, list(layer_paths(model).values()))
    assert [(one.name, one.shape) for one in pruned.inputs] == [(one.name, one.shape) for one in model.inputs]

    for weight, value in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, value)
    return pruned


@pytest.mark.one_in(6)
@pytest.mark.parametrize("mask", [False, True], ids=["plain", "masked"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("build", [sequential, functional, nested, shared, bidirectional])
def test_the_copy_answers_as_the_original(build: Callable[[str, bool], keras.Model], cell: str, mask: bool) -> None:
    assert_pruned(randomised(build(cell, mask)))


def test_the_original_answers_as_before_and_apart_from_its_copy() -> None:
    model = randomised(nested("gru", True))
    ids, known = ids_for(model), ids_for(model, LEFT)
    before = answers(model, ids)
    pruned = assert_pruned(model)
    alone = answers(pruned, known)
    np.testing.assert_array_equal(answers(model, ids), before)
    randomised(model, seed=5)
    np.testing.assert_array_equal(answers(pruned, known), alone)


@pytest.mark.parametrize("kept", [1, 15])
def test_from_one_word_to_all_but_one(kept: int) -> None:
    assert_pruned(randomised(sequential("rnn", True)), kept=kept)


def test_the_offset_of_ids_is_the_callers() -> None:
    model = sequential("rnn", True)
    pruned = prune_vocabulary(model, 10, index_offset=0)
    assert pruned.layers[0].embeddings.shape == (11, 3)
    with pytest.raises(InputError, match="19 words to keep, but the model 'film' has 19"):
        prune_vocabulary(model, 19, index_offset=0)


class Gate(layers.Layer):
    """A layer of one's own that Keras does not know by name."""

    def __init__(self, slope: float, **options: Any) -> None:
        super().__init__(**options)
        self.slope = slope

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "slope": self.slope}

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1],), name="kernel")

    def call(self, x: Any) -> Any:
        return x * keras.ops.sigmoid(self.slope * self.kernel)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def squashed(x: Any) -> Any:
    return x / (1 + keras.ops.abs(x))


def words_in_sentences() -> keras.Model:
    sentence = keras.Sequential([tokens("sentence"), table(), layers.GRU(4)], name="sentence")
    return keras.Sequential([tokens(shape=(2, STEPS)), layers.TimeDistributed(sentence), layers.SimpleRNN(3)])


def table_of_every_step() -> keras.Model:
    spread = [layers.TimeDistributed(table(mask_zero=True)), layers.Reshape((2 * STEPS, 3))]
    return keras.Sequential([tokens(shape=(2, STEPS)), *spread, layers.SimpleRNN(3)])


def layers_of_ones_own() -> keras.Model:
    inner = layers.TimeDistributed(Gate(0.5))
    recurrence = layers.LSTM(4, activation=squashed)
    return keras.Sequential([tokens(), table(), Gate(2.0), inner, recurrence, layers.Lambda(lambda x: squashed(x) * 2)])


def constant_table() -> keras.Model:
    values = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
    given = layers.Embedding(
        ROWS,
        3,
        embeddings_initializer=keras.initializers.Constant(values),
        embeddings_regularizer="l2",
        embeddings_constraint="non_neg",
        trainable=False,
    )
    return keras.Sequential([tokens(), given, layers.SimpleRNN(3)])


def table_with_weights() -> keras.Model:
    values = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
    return keras.Sequential([tokens(), table(weights=[values]), layers.SimpleRNN(3)])


def stateful() -> keras.Model:
    inputs = keras.Input(batch_shape=(4, STEPS), dtype="int32", name="tokens")
    return keras.Sequential([inputs, table(), layers.LSTM(3, stateful=True)])


def built_by_its_first_call() -> keras.Model:
    model = keras.Sequential([table(mask_zero=True), layers.SimpleRNN(3)])
    model(np.zeros((4, STEPS), np.int32))
    return model


def derived_from_weights() -> keras.Model:
    """Normalization computes from values that it derives from its weights when they are loaded."""
    scale = layers.Normalization()
    scale.adapt(np.random.default_rng(0).normal(2.0, 3.0, (50, 3)).astype(np.float32))
    return keras.Sequential([tokens(), table(), scale, layers.BatchNormalization(), layers.SimpleRNN(3)])


def masked_as_in_keras_2() -> keras.Model:
    both = layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True))
    for direction in (both.forward_layer, both.backward_layer):
        direction.zero_output_for_mask = False
    return keras.Sequential([tokens(), table(mask_zero=True), both])


def compiled() -> keras.Model:
    model = sequential("lstm", False)
    model.compile(loss=lambda truth, answer: keras.ops.mean(truth - answer), optimizer="adam")
    return model


@pytest.mark.parametrize(
    "build",
    [
        words_in_sentences,
        table_of_every_step,
        layers_of_ones_own,
        constant_table,
        table_with_weights,
        built_by_its_first_call,
        derived_from_weights,
        masked_as_in_keras_2,
        compiled,
    ],
)
def test_models_as_users_write_them(build: Callable[[], keras.Model]) -> None:
    assert_pruned(build())


def test_a_stateful_model_starts_anew_and_keeps_its_own_state() -> None:
    model = stateful()
    known = [cut_ids(one, LEFT, 2) for one in ids_for(model)]
    model(known[0])
    before = [np.asarray(state) for state in model.layers[1].states]
    pruned = prune_vocabulary(model, KEPT)
    for state, expected in zip(model.layers[1].states, before, strict=True):
        np.testing.assert_array_equal(state, expected)
    model.layers[1].reset_state()
    for _ in range(2):
        np.testing.assert_array_equal(answers(pruned, known)[0], answers(model, known)[0])


def test_the_signature_differs_in_the_ids_alone() -> None:
    model = functional("gru", True)
    own, others = read_signature(prune_vocabulary(model, KEPT)), read_signature(model)
    assert [spec.id_count for spec in (*others.inputs, *own.inputs)] == [ROWS, LEFT]
    assert replace(own, inputs=others.inputs) == others
    assert [replace(spec, id_count=ROWS) for spec in own.inputs] == list(others.inputs)


def two_tables(first: int, second: int) -> keras.Model:
    left, right = tokens("left"), tokens("right")
    sequences = layers.Concatenate()([table(first, name="first")(left), table(second, name="second")(right)])
    return keras.Model([left, right], layers.SimpleRNN(3)(sequences), name="film")


def test_tables_of_one_size_are_all_cut() -> None:
    assert_pruned(randomised(two_tables(ROWS, ROWS)), tables=2)


def test_a_table_of_something_else_stays() -> None:
    inputs = tokens()
    words, parity = table(name="words")(inputs), table(2, name="parity")(inputs % 2)
    model = randomised(keras.Model(inputs, layers.SimpleRNN(3)(words + parity), name="film"))
    pruned = prune_vocabulary(model, KEPT)
    assert [pruned.get_layer(name).embeddings.shape[0] for name in ("words", "parity")] == [LEFT, 2]
    known = [cut_ids(one, LEFT, 2) for one in ids_for(model)]
    np.testing.assert_array_equal(answers(pruned, known)[0], answers(model, known)[0])


@pytest.mark.parametrize(
    ("keep", "options", "message"),
    [
        (0, {}, "words to keep 0; expected a whole number from 1"),
        (True, {}, "words to keep True; expected a whole number"),
        (2.5, {}, "words to keep 2.5; expected a whole number"),
        (16, {}, "16 words to keep, but the model 'film' has 16; expected fewer than that"),
        (5, {"index_offset": -1}, "index offset -1; expected a whole number from 0"),
        (5, {"index_offset": 30}, "5 words to keep, but the model 'film' has 0"),
    ],
)
def test_numbers_that_cannot_be_used(keep: Any, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        prune_vocabulary(sequential("rnn", False), keep, **options)


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="own")
        self.words, self.recurrence = table(), layers.SimpleRNN(3)

    def call(self, ids: Any) -> Any:
        return self.recurrence(self.words(ids))


class Twofold(keras.Model):
    """Functional, with a ``call`` of its own around the graph."""

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return 2 * super().call(inputs, training=training, mask=mask)


class Tower(layers.Layer):
    """A layer that makes its own table."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.words = table(name="words")

    def build(self, shape: Any) -> None:
        self.words.build(shape)

    def call(self, ids: Any) -> Any:
        return self.words(ids)


class Tied(layers.Layer):
    """Reads another layer's table back to words."""

    def __init__(self, weight: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.weight = weight

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, keras.ops.transpose(self.weight))


class Hashed(layers.Embedding):
    def call(self, ids: Any) -> Any:
        return super().call(ids * 7 % self.input_dim)


def subclassed() -> keras.Model:
    model = Subclassed()
    model(np.zeros((1, STEPS), np.int32))
    return model


def twofold() -> keras.Model:
    inputs = tokens()
    return Twofold(inputs, layers.SimpleRNN(3)(table()(inputs)), name="own")


def holding(inner: keras.layers.Layer) -> keras.Model:
    inputs = tokens()
    return keras.Model(inputs, layers.Dense(2)(inner(inputs)), name="film")


def with_lora() -> keras.Model:
    model = sequential("gru", False)
    model.layers[0].enable_lora(2)
    return model


def quantised() -> keras.Model:
    model = sequential("gru", False)
    model.layers[0].quantize("int8")
    return model


def tied(how: str) -> keras.Model:
    """Answers with words, by the table that it reads them with."""
    inputs = tokens()
    words = layers.ReversibleEmbedding(ROWS, 3, name="words") if how == "reversible" else table(name="words")
    x = layers.SimpleRNN(3)(words(inputs))
    outputs = {
        "reversible": lambda: words(x, reverse=True),
        "layer": lambda: Tied(words._embeddings, name="tied")(x),
        "operation": lambda: keras.ops.einsum("bd,vd->bv", x, words.embeddings),
        "lambda": lambda: layers.Lambda(lambda y: keras.ops.matmul(y, keras.ops.transpose(words.embeddings)))(x),
    }[how]()
    return keras.Model(inputs, outputs, name="film")


def beyond_the_ids() -> keras.Model:
    """The table is also read one row further on."""
    inputs, words = tokens(), table()
    return keras.Model(inputs, layers.SimpleRNN(3)(words(inputs) + words((inputs + 1) % ROWS)), name="film")


def changed_after_its_making() -> keras.Model:
    model = randomised(keras.Sequential([tokens(), table(), layers.GRU(3)], name="film"))
    model.layers[1].cell.activation = keras.activations.relu
    model.layers[1].get_config = lambda: layers.GRU(3, name="gru").get_config()
    return model


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: keras.Sequential([keras.Input((STEPS, 3)), layers.SimpleRNN(3)], name="film"),
            "the model 'film' has no Embedding that reads its ids as they come, so no vocabulary to cut",
        ),
        (
            lambda: holding(keras.Sequential([layers.Lambda(lambda x: x * 2), table(), layers.SimpleRNN(3)])),
            "has no Embedding that reads its ids as they come",
        ),
        (
            lambda: two_tables(ROWS, 30),
            rf"of the model 'film' are of several sizes: 'first' has 20 rows, 'second' has 30 rows; .* so {WAY_OUT}",
        ),
        (
            subclassed,
            rf"'own' \(Subclassed\) computes in code of its own.*build it as a functional model, or {WAY_OUT}",
        ),
        (twofold, r"the model 'own' \(Twofold\) computes in code of its own"),
        (lambda: holding(twofold()), r"layer 'own' \(Twofold\) is a model with code of its own"),
        (
            lambda: holding(keras.Sequential([Tower(name="tower"), layers.SimpleRNN(3)], name="inner")),
            r"layer 'inner/tower' \(Tower\) uses the table of 'inner/tower/words' in code of its own",
        ),
        (with_lora, r"layer 'embedding' \(Embedding\) has LoRA weights beside its table; merge them"),
        (quantised, r"layer 'embedding' \(Embedding\) is quantised to int8; cut the model's words before"),
        (
            lambda: keras.Sequential([tokens(), Hashed(ROWS, 3, name="hashed"), layers.SimpleRNN(3)]),
            r"layer 'hashed' \(Hashed\) is not Keras's plain Embedding",
        ),
        (lambda: tied("reversible"), r"layer 'words' \(ReversibleEmbedding\) is not Keras's plain Embedding"),
        (lambda: tied("layer"), r"layer 'tied' \(Tied\) uses the table of 'words' in code of its own"),
        (lambda: tied("operation"), "uses its weight 'words/embeddings' outside the layer that made it"),
        (lambda: tied("lambda"), "uses its weight 'words/embeddings' outside the layer that made it"),
        (beyond_the_ids, "the model 'film' cannot look its ids up in a smaller table"),
        (changed_after_its_making, "copy of the model 'film' answers otherwise in 'gru' .*a layer's get_config does"),
    ],
)
def test_models_that_cannot_be_pruned(build: Callable[[], keras.Model], message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message) as refused:
        prune_vocabulary(build(), KEPT)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.float32])
def test_ids_beyond_become_the_unknown_word(dtype: Any) -> None:
    ids = np.array([[0, 1, 8], [9, 19, 4]], dtype)
    cut = cut_ids(ids, 9, 2)
    assert cut.dtype == dtype
    np.testing.assert_array_equal(cut, [[0, 1, 8], [2, 2, 4]])
    np.testing.assert_array_equal(ids[1], [9, 19, 4])
    with pytest.raises(InputError, match=r"the unknown word's id is 9; expected one in \[0, 9\)"):
        cut_ids(ids, 9, 9)
