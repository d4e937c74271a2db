"""Decide what the numbers of a model's output stand for: from what the caller says, held against the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from deeprnn_edge.bundle.answer import Answer, class_count
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_export.datasets.scaler_files import inverse, read_scaler

Decode = Literal["class", "labels", "steps", "ctc"]
_AXES = {"class": 2, "labels": 2, "steps": 3, "ctc": 3}
BLANK_NAME = "<blank>"


@dataclass(frozen=True, eq=False)  # a scaler has no single truth value
class AnswerOptions:
    """Hold what a caller says of the output; ``export`` says what each option means.

    Raises:
        InputError: for options that cannot be used, or do not go together.
    """

    decode: Decode | None = None
    threshold: float | None = None
    blank: int | None = None
    target_scaler: Any = None

    def __post_init__(self) -> None:
        if self.decode is not None and self.decode not in _AXES:
            raise InputError(f"decode={self.decode!r}: expected {', '.join(_AXES)}")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise InputError(f"threshold={self.threshold}: expected a probability from 0 to 1, such as 0.7")
        if self.blank is not None and self.decode != "ctc":
            raise InputError(f"blank={self.blank} is a class of CTC: give decode='ctc' as well")
        if self.threshold is not None and self.decode == "ctc":
            raise InputError(f"threshold={self.threshold}: CTC takes the largest class of each step; leave it out")
        if self.target_scaler is not None and (self.decode is not None or self.threshold is not None):
            raise InputError(
                "target_scaler= is for a regression, whose answers are numbers; leave decode= and threshold= out"
            )


@dataclass(frozen=True)
class AnswerRules:
    """Hold what the device has to know of the output.

    Attributes:
        labels: a name for each class.
        answer: what the numbers stand for; None where labels alone say it, or nothing does.
    """

    labels: tuple[str, ...]
    answer: Answer | None


def read_answer(
    options: AnswerOptions,
    outputs: Sequence[TensorSpec],
    *,
    labels: tuple[str, ...],
    default_labels: Sequence[str],
    mask_values: Mapping[str, float],
) -> AnswerRules:
    """Hold what the caller says of the output against it.

    Args:
        options: the caller's.
        outputs: of the model.
        labels: the caller's names of the classes, or those that training left; none.
        default_labels: where nobody names them.
        mask_values: what the model masks, by input.

    Raises:
        InputError: for an output that cannot be decoded so, and for other than one label a class.
    """
    kind = _kind(options, outputs, named=bool(labels))
    if kind is None:
        _check_count(labels, outputs, "class")
        return AnswerRules(labels or tuple(default_labels), None)
    if len(outputs) != 1:
        raise InputError(
            f"{_option(options)} explains one output, and the model has {len(outputs)}: "
            f"{', '.join(repr(one.name) for one in outputs)}; leave it out, and read the numbers of each"
        )
    (output,) = outputs
    width = output.shape[-1]
    axes = {_AXES.get(kind)} if kind != "number" else {2, 3}
    if len(output.shape) not in axes or not isinstance(width, int):
        wanted = "(batch, values)" if kind in ("class", "labels", "number") else "(batch, time, classes)"
        raise InputError(f"{_option(options)} needs an output of the shape {wanted}, and {_shown(output)}")
    if kind == "number":
        _check_count(labels, outputs, kind)
        return AnswerRules(labels, _number(options, output, width))
    blank = None
    if kind == "ctc":
        blank = _blank(options.blank, output, width)
        if len(labels) == width - 1:
            labels = (*labels[:blank], BLANK_NAME, *labels[blank:])
    _check_count(labels, outputs, kind)
    answer = Answer(kind, options.threshold, blank, skips_padding=kind in ("steps", "ctc") and bool(mask_values))
    return AnswerRules(labels or tuple(map(str, range(class_count(kind, width)))), answer)


def _kind(options: AnswerOptions, outputs: Sequence[TensorSpec], *, named: bool) -> str | None:
    """Return what is asked for; of labels for an output of every step a name a step."""
    if options.target_scaler is not None:
        return "number"
    if options.decode is not None:
        return options.decode
    shape = outputs[0].shape
    if options.threshold is not None:
        if len(outputs) == 1 and shape[-1] != 1:
            raise InputError(
                f"threshold={options.threshold} decides one probability, and {_shown(outputs[0])}; for an answer of "
                "several classes at once give decode='labels'"
            )
        return "steps" if len(shape) == 3 else "class"
    return "steps" if named and len(outputs) == 1 and len(shape) == 3 and isinstance(shape[-1], int) else None


def _number(options: AnswerOptions, output: TensorSpec, width: int) -> Answer:
    scaler = read_scaler(options.target_scaler, "the target's scaler")
    if scaler.count not in (None, 1, width):
        raise InputError(f"target_scaler= has {scaler.count} columns, and {_shown(output)}: {width} are expected")
    scale, offset = inverse(scaler)
    return Answer(
        "number",
        scale=tuple(np.broadcast_to(scale, width).tolist()),
        offset=tuple(np.broadcast_to(offset, width).tolist()),
    )


def _blank(given: int | None, output: TensorSpec, width: int) -> int:
    blank = 0 if given is None else given  # keras.ops.ctc_decode's own default
    if not -width <= blank < width:
        raise InputError(
            f"blank={blank}, and {_shown(output)}: expected a class from 0 to {width - 1}, or -1 for the last"
        )
    return blank % width


def _check_count(labels: Sequence[str], outputs: Sequence[TensorSpec], kind: str) -> None:
    """Raise InputError where the labels are not as many as the model's one output needs."""
    if not labels or len(outputs) != 1:
        return
    output = outputs[0]
    width = output.shape[-1] if len(output.shape) > 1 else None
    if not isinstance(width, int) or len(labels) == (classes := class_count(kind, width)):
        return
    names = ", ".join(labels[:6]) + (", ..." if len(labels) > 6 else "")
    does = {
        "number": f"has {width} values",
        "labels": f"has {width} classes",
        "ctc": f"has {width} classes, the blank too",
    }
    raise InputError(
        f"{len(labels)} labels ({names}), but the output {output.name!r} of the shape "
        f"({', '.join(map(str, output.shape))}) {does.get(kind, f'decides between {classes} classes')}; "
        "give a name for each, in order"
    )


def _option(options: AnswerOptions) -> str:
    if options.target_scaler is not None:
        return "target_scaler="
    if options.decode is not None:
        return f"decode={options.decode!r}"
    return f"threshold={options.threshold}" if options.threshold is not None else "labels="


def _shown(output: TensorSpec) -> str:
    return f"the output {output.name!r} has the shape ({', '.join(map(str, output.shape))})"
