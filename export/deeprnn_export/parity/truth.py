"""Ask what the network itself answers, in float64: Keras's float32 is rounded, as every file is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import tensorflow as tf

from deeprnn_edge.bundle.golden import Case
from deeprnn_export.reading.signature import Signature, tensor_specs
from deeprnn_export.streaming.carry import Carry, nothing_carried
from deeprnn_export.streaming.reference_states import recording
from deeprnn_export.tracing.float64 import in_float64
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.keras_internals import with_sign_test
from deeprnn_export.tracing.layer_table import overrides_of
from deeprnn_export.tracing.overrides import layer_paths, overridden
from deeprnn_export.tracing.plain_layers import is_negative, rows_at_once


def with_truth(
    cases: Sequence[Case],
    model: keras.Model,
    signature: Signature,
    *,
    carry: Carry | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Case]:
    """Return the cases with the network's answers in float64, from the graph that Keras traces with wider numbers.

    Where TensorFlow has an operation for float32 alone the cases come back as they are: files are held to Keras's
    answers by the usual tolerance then.

    Args:
        carry: the states of a stream, whose final values are among the outputs.
    """
    names = [spec.name for spec in signature.outputs]
    carry = carry or nothing_carried()
    own = {name for case in cases for name in case.inputs}  # a stream's states come behind them
    inputs = [spec for spec in signature.inputs if spec.name in own]

    def forward(*given: object) -> list[object]:
        return carry.answers(model, given)

    traced = tf.function(forward, input_signature=tensor_specs(tuple(inputs)), autograph=False)
    # What Keras does with a symbolic time axis goes by the batch size there, and what it does by bits knows one width.
    whole = overrides_of(layer_paths(model), "truth", {"rows at once": rows_at_once})
    try:
        with (
            inference_form(model),
            overridden([with_sign_test(is_negative), *recording(model, carry), *whole]),
        ):
            answer = in_float64(traced.get_concrete_function())
        return [
            replace(case, truth=dict(zip(names, answer([case.inputs[one.name] for one in inputs]), strict=True)))
            for case in cases
        ]
    except Exception as error:  # noqa: BLE001 - TensorFlow's, of many kinds, and the model's own
        progress(f"no float64 answers to compare with: {type(error).__name__}: {str(error).splitlines()[0][:150]}")
        return list(cases)
