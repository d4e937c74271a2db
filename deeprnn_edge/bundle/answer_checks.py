"""Check that what a manifest says of the answer fits its output and its labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deeprnn_edge.bundle.answer import KINDS, Answer, class_count, refuse_unknown_kind
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.strict_json import show

# How many axes the output of each kind has.
_AXES = {"class": (2,), "labels": (2,), "steps": (3,), "ctc": (3,), "number": (2, 3)}


def check_answer(answer: Answer, labels: Sequence[str], outputs: Sequence[TensorSpec]) -> None:
    """Hold an answer against the output whose numbers it explains, and against the labels.

    Raises:
        BundleError: that names the field which cannot be.
    """
    refuse_unknown_kind({"kind": answer.kind})
    where = "manifest.json.answer"
    for name in ("threshold", "blank", "scale", "offset"):
        if getattr(answer, name) is not None and name not in KINDS[answer.kind]:
            raise BundleError(f"{where} ({answer.kind}) has {name}; expected {', '.join(KINDS[answer.kind])} alone")
    if len(outputs) != 1:
        raise BundleError(f"{where} explains one output, and the manifest has {len(outputs)}; export the model again")
    shape = outputs[0].shape
    width = shape[-1]
    if len(shape) not in _AXES[answer.kind] or not isinstance(width, int):
        axes = " or ".join(map(str, _AXES[answer.kind]))
        raise BundleError(
            f"{where} is of the kind {answer.kind}, which {axes} axes have, the last of a size; "
            f"the output has ({', '.join(map(str, shape))}); export the model again"
        )
    for name in ("scale", "offset"):
        values = getattr(answer, name)
        if answer.kind == "number" and (values is None or len(values) != width or not all(map(math.isfinite, values))):
            raise BundleError(f"{where}.{name} is {show(values)}, expected {width} numbers, one for each value")
    if answer.threshold is not None and not math.isfinite(answer.threshold):
        raise BundleError(f"{where}.threshold is {answer.threshold}, expected a number")
    if answer.kind == "ctc" and (answer.blank is None or not 0 <= answer.blank < width):
        raise BundleError(f"{where}.blank is {show(answer.blank)}, expected one of the {width} classes")
    expected = class_count(answer.kind, width)
    if len(labels) != expected and not (answer.kind == "number" and not labels):
        raise BundleError(
            f"the manifest has {len(labels)} labels, and the output names {expected}; export the model again"
        )
