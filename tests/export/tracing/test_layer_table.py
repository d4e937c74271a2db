"""The table of what happens to each layer: every pass knows what its column says, and says no more."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from deeprnn_export.lowering import lower
from deeprnn_export.lowering.lower import lowered
from deeprnn_export.parity import truth
from deeprnn_export.reading import signature
from deeprnn_export.streaming import discovery, reference_states, trial
from deeprnn_export.streaming.carry import nothing_carried
from deeprnn_export.targets.onnx.recurrences import OnnxLowering
from deeprnn_export.tracing import inference_form, layer_table
from tests.support.workshop import small

PASSES = {
    "inference": inference_form,
    "reading": signature,
    "discovery": discovery,
    "trial": trial,
    "reference": reference_states,
    "truth": truth,
    "lowering": lower,
}


def test_a_pass_knows_what_its_column_says_and_says_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, set[str]] = {}

    def record(layers: Any, column: str, actions: Any) -> Any:
        found[column] = set(actions)
        return layer_table.overrides_of(layers, column, actions)

    for module in PASSES.values():
        monkeypatch.setattr(module, "overrides_of", record)
    model = small()
    signature.read_signature(model)
    discovery.Discovery(model).overrides()
    trial.trial_form(model, nothing_carried())
    reference_states.recording(model, nothing_carried())
    with lowered(model, OnnxLowering()):
        pass
    truth.with_truth([], model, signature.read_signature(model))
    columns = set(layer_table.Row._fields) - {"kind", "exact"}
    assert found == {column: {getattr(row, column) for row in layer_table.TABLE} - {""} for column in columns}


@pytest.mark.parametrize(
    ("layer", "lowering"),
    [
        (keras.layers.Embedding(4, 2), "look up"),
        (type("Own", (keras.layers.Embedding,), {})(4, 2), ""),
        (keras.layers.LSTM(2), "run natively"),
        (type("Own", (keras.layers.LSTM,), {})(2), "run natively"),
        (type("Own", (keras.layers.Bidirectional,), {})(keras.layers.LSTM(2)), ""),
        (keras.layers.Dense(2), ""),
    ],
)
def test_a_subclass_may_compute_something_else(layer: keras.layers.Layer, lowering: str) -> None:
    words: list[str] = []

    class Words(dict[str, Any]):
        def __missing__(self, word: str) -> Any:
            words.append(word)
            return lambda *_: {}

    layer_table.overrides_of({layer: "path"}, "lowering", Words())
    assert words == ([lowering] if lowering else [])
