"""Write down what a file has to say of itself where it has lost its bundle: what it takes, and what it answers."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from deeprnn_edge.bundle.bundle import companion
from deeprnn_edge.bundle.manifest import preprocessing_fields
from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.bundle.vocabulary import encode_vocabulary
from deeprnn_edge.runtimes.notes import PREFIX
from deeprnn_export.reading.input_rules import InputRules


def file_notes(name: str, rules: InputRules, stream: StreamSpec | None) -> dict[str, str]:
    """Return the notes by their keys, as JSON without spaces.

    The words themselves stay in the bundle: of their file the notes have name, size and hash.

    Args:
        name: of the model.
        rules: of raw input and answers.
        stream: of a file that takes and gives states.
    """
    preprocessing = _given(preprocessing_fields(rules.preprocessing))
    if (file := preprocessing.get("vocabulary")) is not None:
        content = encode_vocabulary(file, rules.vocabulary).encode("utf-8")
        preprocessing["vocabulary"] = {**dataclasses.asdict(companion(file, content)), "words": len(rules.vocabulary)}
    notes: dict[str, Any] = {"name": name, "preprocessing": preprocessing}
    if rules.labels:
        notes["labels"] = rules.labels
    if rules.answer is not None:
        notes["answer"] = _given(dataclasses.asdict(rules.answer))
    if stream is not None:
        notes["states"] = [dataclasses.asdict(state) for state in stream.states]
    return {
        f"{PREFIX}{key}": json.dumps(value, ensure_ascii=False, separators=(",", ":")) for key, value in notes.items()
    }


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
