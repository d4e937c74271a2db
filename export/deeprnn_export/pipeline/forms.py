"""Count the operators in a file against the forms that its conversion reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deeprnn_edge.bundle.artifact import LoweredLayer
from deeprnn_edge.errors import DeepRNNEdgeError
from deeprnn_export.targets.target import Target


def check_forms(target: Target, path: str, recurrences: Sequence[LoweredLayer], operators: Mapping[str, int]) -> None:
    """Refuse a file that has not the operators which its layers are said to be.

    A layer that is called twice, or has several cells, has several of them. A layer that nothing reads has none, and
    two that compute the same have one between them: fewer than layers are a mistake where there are none at all, or
    where the file has a loop in their place.

    Args:
        path: what messages call the file.
        recurrences: what became of each recurrent layer, as the conversion says.
        operators: operator to count, as the file says.

    Raises:
        DeepRNNEdgeError: where layers of a form with an operator of its own have none, or an operator no such layer.
    """
    claimed = [layer for layer in recurrences if layer.form in target.kernels]
    kernels = frozenset().union(*target.kernels.values())
    found = {name: count for name, count in operators.items() if name in kernels}
    loops = {name: count for name, count in operators.items() if name in target.runtime.loop_operators}
    replaced = loops and len(claimed) == len(recurrences) and sum(found.values()) < len(claimed)
    if bool(claimed) == bool(found) and not replaced:
        return
    said = ", ".join(f"{layer.layer!r} is {layer.form}" for layer in recurrences) or "no layer is a recurrence"
    counted = (
        ", ".join(f"{count} {name}" for name, count in (found | loops).items())
        or f"none of {', '.join(sorted(kernels))}"
    )
    raise DeepRNNEdgeError(
        f"{path}: the conversion says that {said}, and the file has {counted}; "
        "this is a mistake of deeprnn-edge, not of the model: please report it"
    )
