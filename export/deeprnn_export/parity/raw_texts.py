"""Hold the way from a raw text to ids against Keras's own layer or tokenizer, and make cases of the gate from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError, ParityError
from deeprnn_edge.inputs.items import to_batch
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.tables import format_table
from deeprnn_export.datasets.text_layers import SPLIT, STANDARDIZE, TOKENIZER_STEPS
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.reading.front import Front
from deeprnn_export.reading.input_rules import InputRules
from deeprnn_export.reading.signature import Signature

_MOST_SHOWN = 8
_MOST_LENGTHS = 6

Ids = Callable[[Sequence[str]], list[list[int]]]


@dataclass(frozen=True)
class RawReference:
    """Hold Keras's own way from texts to ids.

    Attributes:
        name: what it is, for messages.
        ids: rows as the model gets them, padded where the rules state a length.
    """

    name: str
    ids: Ids


def make_raw_texts(words: Sequence[str], length: int | None) -> list[str]:
    """Make texts of a vocabulary: known, unknown, empty, long, accents, emoji, punctuation, apostrophes, spaces."""
    known = [word for word in words if word.strip()][:200] or ["a"]
    a, b, c, d = (known[index % len(known)] for index in range(4))
    # By words beyond letters of ASCII one rule is told from another.
    odd = [word for word in words if word.strip() and not (word.isascii() and word.isalnum())][:8]
    long = [known[index % len(known)] for index in range((length or 40) + 10)]
    texts = [
        " ".join(known[:6]),
        a,
        " ".join(odd),
        " ".join(odd).upper(),
        "",
        " \t ",
        f"zzqxj {a} unheardof",
        f"{a} {b} {c}".upper(),
        f'({a}), "{b}"! {c}... -{d}- {a},{b}; {c}/{d}?',
        f"don't {a}'s '{b}' rock'n'roll don’t {c}",
        f"Café {a} ÉTÉ nai\u0308ve İSTANBUL Straße ΑΣ. {b.title()}",
        f"🎬 {a}🎬 {b} 👩\u200d👩\u200d👧 ❤\ufe0f",
        f"{a}<br /><br />{b}<BR>{c}&amp;{d}",
        f"{a}\u00a0{b}\t{c}\n{d}\r{a}\x0b{b}\u2028{c}\x1c{d}\x85{a}  {b}",
        f"[UNK] {a} <OOV> <start> _{b}_ @{c} #{d}",
        "10/10 3.5 ½ ２０ $5",
        "映画 кино فيلم हिन्दी",
        " ".join(long),
    ]
    return list(dict.fromkeys(texts))


def read_raw_texts(path: Path) -> list[str]:
    """Read texts, one a line.

    Raises:
        InputError: for a file that cannot be read, and for none.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the raw samples {path}: {error}; expected UTF-8, one text a line") from error
    if not content:
        raise InputError(f"the raw samples {path} hold no text; expected one text a line")
    return content.removesuffix("\n").split("\n")


def find_reference(rules: InputRules, front: Front | None) -> RawReference | None:
    """Find what of Keras does the same: the model's own layer, the caller's Tokenizer, or one made for the rules."""
    how = rules.preprocessing
    if front is not None and front.text is not None:
        alone = how.max_length is None
        return RawReference(front.splits[0].layer.name, lambda texts: _layer_ids(front.ids, texts, alone=alone))
    source = rules.source
    if source is not None and source.tokenizer is not None and _same_words(how, source.preprocessing):
        from keras.src.legacy.preprocessing.text import tokenizer_from_json

        return RawReference("the Tokenizer", _padded(tokenizer_from_json(source.tokenizer), how))
    if how.start_id is not None or how.end_id is not None:
        return None
    if how.steps == TOKENIZER_STEPS:
        return RawReference("a Tokenizer of these words", _padded(_tokenizer(rules), how))
    return _vectorization(rules)


def make_raw_cases(
    rules: InputRules, signature: Signature, texts: Sequence[str], reference: RawReference | None
) -> list[GridCase]:
    """Turn texts into cases of the gate, once their ids are Keras's.

    Raises:
        ParityError: where the ids are others than Keras's, with a table.
    """
    how, spec = rules.preprocessing, signature.inputs[0]
    encoder = TextEncoder(how, rules.vocabulary)
    rows = [encoder.encode(text) for text in texts]
    if how.max_length is not None:
        rows = to_batch(rows, how, how.max_length).tolist()
    if reference is not None:
        _require_ids(texts, rows, reference)
    batch, least = spec.shape[0], how.min_length or 0
    by_count: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        by_count.setdefault(max(len(row), least), []).append(index)
    by_count.pop(0, None)
    cases = []
    # Of free length the ids of all texts are held, and the answers to those lengths that most of them have.
    for count in sorted(by_count, key=lambda count: (-len(by_count[count]), count))[:_MOST_LENGTHS]:
        chosen = by_count[count]
        name = "raw texts" if how.max_length is not None else f"raw texts of {count} ids"
        size = batch if isinstance(batch, int) else len(chosen)
        for start in range(0, len(chosen) - len(chosen) % size, size):
            part = chosen[start : start + size]
            ids = to_batch([rows[index] for index in part], how, count).astype(spec.dtype)
            called = name if start == 0 else f"{name} from {start + 1}"
            cases.append(GridCase(called, {spec.name: ids}, tuple(texts[index] for index in part)))
    return cases


def _require_ids(texts: Sequence[str], rows: Sequence[Sequence[int]], reference: RawReference) -> None:
    expected = reference.ids(texts)
    wrong = [
        [repr(text)[:60], " ".join(map(str, row[:12])), " ".join(map(str, right[:12]))]
        for text, row, right in zip(texts, rows, expected, strict=True)
        if list(row) != list(right)
    ]
    if wrong:
        raise ParityError(
            f"{len(wrong)} of {len(texts)} raw texts become other ids than those of {reference.name}; "
            "nothing was exported",
            table=format_table(["text", "the device", reference.name], wrong[:_MOST_SHOWN]),
        )


def _layer_ids(ids: Callable[[Sequence[str]], NDArray[Any]], texts: Sequence[str], *, alone: bool) -> list[list[int]]:
    """Return a layer's rows; of free length one by one, as it pads them to the longest."""
    rows = [ids([text])[0] for text in texts] if alone else ids(texts)
    return [row.tolist() for row in rows]


def _same_words(one: Preprocessing, other: Preprocessing | None) -> bool:
    names = ("steps", "start_id", "end_id", "oov_id", "index_offset")
    return other is not None and all(getattr(one, name) == getattr(other, name) for name in names)


def _padded(tokenizer: Any, how: Preprocessing) -> Ids:
    def ids(texts: Sequence[str]) -> list[list[int]]:
        rows: Any = tokenizer.texts_to_sequences(texts)
        if how.max_length is not None:
            sides = {"padding": how.padding, "truncating": how.truncating, "value": how.pad_id}
            rows = keras.utils.pad_sequences(rows, maxlen=how.max_length, **sides).tolist()
        return [list(map(int, row)) for row in rows]

    return ids


def _tokenizer(rules: InputRules) -> Any:
    from keras.src.legacy.preprocessing.text import Tokenizer

    how = rules.preprocessing
    unknown = None if how.oov_id is None else "\0"
    tokenizer = Tokenizer(oov_token=unknown)
    tokenizer.word_index = {w: rank + how.index_offset for rank, w in enumerate(rules.vocabulary, start=1) if w}
    if unknown is not None:
        tokenizer.word_index[unknown] = how.oov_id
    return tokenizer


def _vectorization(rules: InputRules) -> RawReference | None:
    """Make a TextVectorization of these words, where the rules are those of one."""
    how = rules.preprocessing
    if (how.oov_id, how.index_offset, how.pad_id) != (1, 1, 0) or "" in rules.vocabulary:
        return None
    if how.max_length is not None and (how.padding, how.truncating) != ("post", "post"):
        return None
    for (standardize, first), (split, then) in product(STANDARDIZE.items(), SPLIT.items()):
        if split is not None and (*first, *then) == how.steps:
            layer = keras.layers.TextVectorization(
                standardize=standardize,
                split=split,
                output_sequence_length=how.max_length,
                vocabulary=list(rules.vocabulary),
            )
            return RawReference("a TextVectorization of these words", _called(layer, alone=how.max_length is None))
    return None


def _called(layer: keras.layers.TextVectorization, *, alone: bool) -> Ids:
    return lambda texts: _layer_ids(lambda given: np.asarray(layer(list(given))), texts, alone=alone)
