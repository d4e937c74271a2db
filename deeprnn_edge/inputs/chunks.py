"""Read what is pushed to a stream, text, ids or feature vectors, as the arrays of its next steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs import arrays as feeds
from deeprnn_edge.inputs.items import encode_inputs
from deeprnn_edge.inputs.padding import pad_ids
from deeprnn_edge.inputs.text import PAD_ID, TextEncoder

if TYPE_CHECKING:
    from deeprnn_edge.inputs.features import FeatureEncoder


@dataclass(frozen=True)
class ChunkRules:
    """Hold how a model reads chunks; all its streams share them.

    Attributes:
        features: turns raw values of an input, by its name, into what the model takes.
    """

    spec: StreamSpec
    preprocessing: Preprocessing
    encoder: TextEncoder
    features: Mapping[str, FeatureEncoder] = field(default_factory=dict)


def read_chunk(chunk: Any, rules: ChunkRules, begun: Sequence[int]) -> dict[str, NDArray[Any]] | None:
    """Read a chunk as the model's own input arrays, checked.

    Args:
        chunk: arrays of the model's rank ``(batch, time)`` or ``(batch, time, features)``, one or as ``Model.run``
            takes several; for a batch of 1 also an item of ``Model.predict`` without the first axis; a text, or a
            list of as many texts as the batch has rows. Of an input with steps, raw values.
        rules: of the model.
        begun: for each row whether it has had a step: the first text of a row follows the start id.

    Returns:
        Input name to array; None where the chunk holds no step.

    Raises:
        InputError: for another rank, size or dtype, for ids outside the table, for NaN, for text without a
            vocabulary, and for rows of unequal length where padding would count as steps.
    """
    rows, specs = len(begun), rules.spec.inputs
    if rules.features:
        chunk = _encode_raw(chunk, rules)
    if (
        type(chunk) is np.ndarray and len(specs) == 1
    ):  # first, as it is the usual one, and what follows costs a microsecond
        array = _read_array(chunk, specs[0], rows)
        return None if array is None else {specs[0].name: array}
    if isinstance(chunk, str):
        chunk = _encode([chunk], rules, begun)
    elif isinstance(chunk, list | tuple):
        if chunk and isinstance(chunk[0], str):
            chunk = _encode(chunk, rules, begun)
        elif not chunk and rows == 1:
            return None
    values = feeds.arrange(chunk, specs)
    arrays = {spec.name: _read_array(values[spec.name], spec, rows) for spec in specs}
    timed = {spec.name: arrays[spec.name] for spec in specs if "time" in spec.shape}
    steps = {name: 0 if array is None else array.shape[1] for name, array in timed.items()}
    if len(set(steps.values())) > 1:
        raise InputError(f"the inputs have unequal numbers of steps: {', '.join(f'{n} {c}' for n, c in steps.items())}")
    given = {name: array for name, array in arrays.items() if array is not None}
    return given if len(given) == len(specs) else None


def _encode_raw(chunk: Any, rules: ChunkRules) -> Any:
    """Return a chunk of raw values as the model's own arrays, by the steps but for windows."""
    specs = rules.spec.inputs
    if len(specs) > 1:
        return encode_inputs(chunk, specs, rules.features)
    encoder = rules.features[specs[0].name]
    if isinstance(chunk, Mapping) and chunk.keys() == {specs[0].name}:
        chunk = chunk[specs[0].name]
    if isinstance(chunk, list | tuple) and not chunk:
        return chunk
    return encoder.encode(chunk)


def _read_array(value: Any, spec: TensorSpec, rows: int) -> NDArray[Any] | None:
    """Check one input; return None where it holds no step."""
    array = value if type(value) is np.ndarray else feeds.as_array(value, spec)
    expected = spec.shape
    if array.ndim == len(expected) - 1 and rows == 1:
        array = array[np.newaxis]
    shape = array.shape
    if (
        len(shape) != len(expected)
        or shape[0] != rows
        or (shape[1:] != expected[1:] and (expected[1] != "time" or shape[2:] != expected[2:]))
    ):
        raise InputError(
            f"the chunk of input {spec.name!r} has the shape {np.shape(value)}, expected {_forms(spec, rows)}"
        )
    return feeds.check_values(array, spec) if array.size else None


def _forms(spec: TensorSpec, rows: int) -> str:
    item = ", ".join(map(str, spec.shape[1:]))
    return f"(1, {item}) or ({item}{',' if len(spec.shape) == 2 else ''})" if rows == 1 else f"({rows}, {item})"


def _encode(texts: Sequence[Any], rules: ChunkRules, begun: Sequence[int]) -> NDArray[np.int32]:
    """Return ``(batch, time)`` ids of the words, shorter rows padded behind."""
    if rules.preprocessing.kind != "text" or len(rules.spec.inputs) != 1:
        raise InputError("got text, but the model has no vocabulary: push its own arrays")
    for index, item in enumerate(texts):
        if not isinstance(item, str):
            raise InputError(f"item {index} is a {type(item).__name__} among texts")
    if len(texts) != len(begun):
        raise InputError(
            f"got {len(texts)} texts, and the stream has a batch of {len(begun)}: push a text for each row"
        )
    ids = [
        rules.encoder.encode_further(item, begun=bool(has_begun)) for item, has_begun in zip(texts, begun, strict=True)
    ]
    counts = [len(row) for row in ids]
    if min(counts) != max(counts) and not rules.spec.skips_padding:
        raise InputError(
            f"the texts come to {', '.join(map(str, counts))} steps, and this model counts padding as steps: "
            "push as many words for each row, or a stream for each text"
        )
    return pad_ids(ids, length=max(counts), padding="post", pad_id=PAD_ID)
