"""Hold the answers of the network behind a front against those of the whole model to the same raw input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deeprnn_edge.bundle.golden import Case
from deeprnn_edge.errors import ParityError
from deeprnn_export.reading.front import Front

_AGREEMENT = 1e-6  # the same layers on the same ids: only the order of a sum may differ


def with_whole_answers(cases: Sequence[Case], front: Front, names: Sequence[str]) -> list[Case]:
    """Put the whole model's answers to raw texts and values in the place of those of the network behind its layers.

    Args:
        cases: with the network's own answers.
        front: the model, split.
        names: of the outputs.

    Raises:
        ParityError: where the two differ, so that the model could not be split.
    """
    out = []
    for case in cases:
        if case.texts or case.values:
            given: dict[str, Any] = {**case.inputs, **case.values}
            if case.texts:
                given[front.splits[0].name] = case.texts
            whole = dict(zip(names, front.answers(given), strict=True))
            for name, values in whole.items():
                if not np.allclose(values, case.outputs[name], rtol=_AGREEMENT, atol=_AGREEMENT, equal_nan=True):
                    layers = ", ".join(repr(split.layer.name) for split in front.splits)
                    raise ParityError(
                        f"the model {front.model.name!r} answers {case.name} otherwise than its layers behind "
                        f"{layers} in {name!r}; nothing was exported"
                    )
            case = replace(case, outputs=case.outputs | whole)
        out.append(case)
    return out
