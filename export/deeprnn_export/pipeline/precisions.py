"""Choose which files an export makes: each format that was asked for, in each precision."""

from __future__ import annotations

from collections.abc import Sequence

from deeprnn_edge.errors import InputError
from deeprnn_export.targets import TARGETS
from deeprnn_export.targets.target import Target


def expand_precisions(formats: Sequence[str] | None, precisions: Sequence[str]) -> list[tuple[Target, str]]:
    """Pair the formats with the precisions to export, each pair once.

    Args:
        formats: None for every format that has the precision.

    Raises:
        InputError: for an unknown one, and for a precision that a format which was asked for lacks.
    """
    unknown = [name for name in formats or () if name not in TARGETS]
    if unknown or (formats is not None and not formats):
        raise InputError(f"unknown format {', '.join(unknown) or '(none)'}; there are {', '.join(TARGETS)}")
    unknown = [one for one in precisions if not any(one in target.precisions for target in TARGETS.values())]
    if unknown or not precisions:
        listed = "; ".join(f"{name} has {', '.join(target.precisions)}" for name, target in TARGETS.items())
        raise InputError(f"unknown precision {', '.join(unknown) or '(none)'}; {listed}")
    for name in formats or ():
        for precision in precisions:
            if precision not in TARGETS[name].precisions:
                raise InputError(f"{name} has no precision {precision}; it has {', '.join(TARGETS[name].precisions)}")
    return [
        (TARGETS[name], precision)
        for name in dict.fromkeys(formats or [name for name, target in TARGETS.items() if target.by_default])
        for precision in dict.fromkeys(precisions)
        if precision in TARGETS[name].precisions
    ]


def artifact_path(target: Target, precision: str, *, stream: bool) -> str:
    """Name a file: ``model.onnx``, ``model.int8.onnx``; ``stream.onnx`` for one that streams."""
    stem = "stream" if stream else "model"
    return f"{stem}{target.runtime.suffix}" if precision == "fp32" else f"{stem}.{precision}{target.runtime.suffix}"
