"""The precisions that each format has, and how far from Keras each may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.errors import InputError
from deeprnn_export.parity.gate import Tolerance

FORMATS = ("onnx", "tflite")
PRECISIONS: Mapping[str, tuple[str, ...]] = {
    "onnx": ("fp32", "fp16", "int8", "int4", "int8-dynamic"),
    "tflite": ("fp32", "fp16", "int8", "int8-full", "int16x8"),
}
# Those whose ranges of activations come from real samples.
CALIBRATED = frozenset({"int8-full", "int16x8"})
# As a share of the largest output; several times what was measured on the parity grid of the three default
# networks, trained on IMDB (benchmarks/results/precisions.json): other networks are less forgiving. Those that are
# calibrated on real samples meet the grid's random ones outside their ranges, where activations are cut off.
_ALLOWED = {
    "fp16": 0.005,
    "int8": 0.05,
    "int8-dynamic": 0.05,
    "int4": 0.15,
    "int8-full": 0.15,
    "int16x8": 0.15,
}


def choose(formats: Sequence[str] | None, precisions: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of format and precision to export, each once.

    formats: None for every format that has the precision.

    Raises InputError for an unknown one, and for a precision that a format which was asked for lacks.
    """
    unknown = [kind for kind in formats or () if kind not in FORMATS]
    if unknown or (formats is not None and not formats):
        raise InputError(f"unknown format {', '.join(unknown) or '(none)'}; there are {', '.join(FORMATS)}")
    every = list(dict.fromkeys(precision for kind in FORMATS for precision in PRECISIONS[kind]))
    unknown = [precision for precision in precisions if precision not in every]
    if unknown or not precisions:
        listed = "; ".join(f"{kind} has {', '.join(PRECISIONS[kind])}" for kind in FORMATS)
        raise InputError(f"unknown precision {', '.join(unknown) or '(none)'}; {listed}")
    for kind in formats or ():
        for precision in precisions:
            if precision not in PRECISIONS[kind]:
                raise InputError(f"{kind} has no precision {precision}; it has {', '.join(PRECISIONS[kind])}")
    wanted = dict.fromkeys(formats or FORMATS)
    return [
        (kind, precision) for kind in wanted for precision in dict.fromkeys(precisions) if precision in PRECISIONS[kind]
    ]


def artifact_path(kind: str, precision: str, *, stream: bool = False) -> str:
    """``model.onnx``, ``model.int8.onnx``; ``stream.onnx`` for one that streams."""
    stem = "stream" if stream else "model"
    return f"{stem}.{kind}" if precision == "fp32" else f"{stem}.{precision}.{kind}"


def reduced_tolerance(precision: str, cases: Sequence[Case], asked: float | None) -> Tolerance:
    """How far a file of fewer bits may be from Keras; ``asked`` is the caller's own bound."""
    if asked is not None:
        return Tolerance(asked, "set by the caller", exact=False)
    largest = max(
        (float(np.abs(array[np.isfinite(array)]).max(initial=0)) for case in cases for array in case.outputs.values()),
        default=1.0,
    )
    share = _ALLOWED[precision]
    return Tolerance(
        share * largest, f"{share:.1%} of the largest output, {largest:.3g}, as {precision} may", exact=False
    )
