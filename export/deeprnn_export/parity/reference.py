"""Ask the reference: Keras's own answers to the parity grid."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.errors import InputError
from deeprnn_export.parity.grid import GridCase
from deeprnn_export.reading.signature import Signature, tensor_specs
from deeprnn_export.streaming.carry import Carry, nothing_carried
from deeprnn_export.streaming.reference_states import recording
from deeprnn_export.tracing.inference_form import inference_form
from deeprnn_export.tracing.overrides import count_recurrences, overridden
from deeprnn_export.tracing.refusals import told_lines

Answer = Callable[[GridCase], list[NDArray[Any]]]

_SECONDS_BETWEEN_NEWS = 2.0
# Of all recurrent layers in the first case: from here on compiling costs less than the grid's eager calls save, or as
# much where lengths differ (two GRU over 20 steps: 1.4 s of CPU eager, 0.7 s compiled, export and all). Counted, not
# timed: the compiled call rounds otherwise, and the same model is to have the same golden vectors.
_STEPS_WORTH_COMPILING = 30
# Both are Keras's loops on TensorFlow's kernels; compiling may only change the order of a sum.
_AGREEMENT = 1e-6


class KerasFailedError(InputError):
    """Say that Keras itself does not answer a case."""


def keras_answers(
    model: keras.Model,
    signature: Signature,
    grid: Sequence[GridCase],
    *,
    carry: Carry | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Case]:
    """Ask Keras every case.

    Not from ``predict``: it compiles the model for a symbolic time axis, where Keras 3.15's
    TimeDistributed loops over the batch size and truncates. The eager call is the reference. Where it takes
    long, as for deep networks and long sequences, the call compiled for the very number of steps answers
    in its place, once it has given the same answer to the first case.

    Args:
        carry: the states of a stream: what its layers end with is then among the outputs, which the signature names.

    Raises:
        KerasFailedError: where Keras itself fails on a case that every model has to take.
    """
    names = [spec.name for spec in signature.outputs]
    carry = carry or nothing_carried()
    cases = []
    told = time.monotonic()
    progress(f"Keras answers {len(grid)} cases")
    with inference_form(model), overridden(recording(model, carry)):
        answer = _eager(model, signature, carry)
        for number, case in enumerate(grid, start=1):
            if time.monotonic() - told > _SECONDS_BETWEEN_NEWS:
                told = time.monotonic()
                progress(f"Keras answers case {number} of {len(grid)}: {case.name}")
            outputs = _ask(answer, case, model)
            if outputs is None:
                continue
            cases.append(Case(case.name, case.inputs, dict(zip(names, outputs, strict=True)), case.texts, case.values))
            if number == 1 and _layer_steps(model, case) >= _STEPS_WORTH_COMPILING:
                compiled = _compiled(model, signature, carry)
                answer = compiled if _agree(compiled(case), outputs) else answer
    return cases


def _ask(answer: Answer, case: GridCase, model: keras.Model) -> list[NDArray[Any]] | None:
    """Return the answer to a case; None for one that Keras may refuse, and refuses or answers with no number.

    Raises:
        KerasFailedError: where Keras itself fails on a case that every model has to take.
    """
    try:
        outputs = answer(case)
    except Exception as error:  # whatever the model's own layers raise
        if case.may_fail:
            return None
        lines = told_lines(error) or [""]
        raise KerasFailedError(
            f"Keras itself fails on the case {case.name!r}, which the model {model.name!r} may be "
            f"right to refuse ({type(error).__name__}: {lines[min(1, len(lines) - 1)][:200]})"
        ) from error
    if case.may_fail and not all(np.isfinite(array).all() for array in outputs if array.dtype.kind == "f"):
        return None
    return outputs


def _layer_steps(model: keras.Model, case: GridCase) -> int:
    steps = max((array.shape[1] for array in case.inputs.values() if array.ndim > 1), default=1)
    return count_recurrences(model) * steps


def _eager(model: keras.Model, signature: Signature, carry: Carry) -> Answer:
    def answer(case: GridCase) -> list[NDArray[Any]]:
        return _arrays(carry.answers(model, _tensors(case, signature)))

    return answer


def _compiled(model: keras.Model, signature: Signature, carry: Carry) -> Answer:
    """Compile one graph for each shape without its batch, so that no axis but the batch is symbolic."""
    graphs: dict[tuple[tuple[int, ...], ...], Any] = {}

    def answer(case: GridCase) -> list[NDArray[Any]]:
        tensors = _tensors(case, signature)
        key = tuple(tuple(tensor.shape[1:]) for tensor in tensors)
        if key not in graphs:
            inputs = signature.inputs[: len(key)]  # a stream's states come behind them, and Keras starts from its own
            specs = tensor_specs(
                inputs, fixed={spec.name: (None, *shape) for spec, shape in zip(inputs, key, strict=True)}
            )
            forward = tf.function(lambda *inputs: carry.answers(model, inputs), input_signature=specs, autograph=False)
            graphs[key] = forward
        return _arrays(graphs[key](*tensors))

    return answer


def _tensors(case: GridCase, signature: Signature) -> list[Any]:
    return [tf.constant(case.inputs[spec.name]) for spec in signature.inputs if spec.name in case.inputs]


def _arrays(answers: Sequence[Any]) -> list[NDArray[Any]]:
    return [np.asarray(keras.ops.convert_to_numpy(answer)) for answer in answers]


def _agree(answers: Sequence[NDArray[Any]], others: Sequence[NDArray[Any]]) -> bool:
    return all(
        one.shape == other.shape and np.allclose(one, other, rtol=0, atol=_AGREEMENT, equal_nan=True)
        for one, other in zip(answers, others, strict=True)
    )
