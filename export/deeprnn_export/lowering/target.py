"""Say what a target gives to be exported to: the protocol of its recurrences, and what a conversion comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from deeprnn_edge.bundle.artifact import Form, LoweredLayer, StoredTensor
from deeprnn_export.cells.cell import Recurrence


@dataclass(frozen=True)
class RecurrenceOutput:
    """Hold what one recurrence gives, as tensors of the traced graph.

    Attributes:
        last: ``(batch, units)``, the output of the last step computed.
        outputs: ``(batch, time, units)`` in the order of time, also of a backward recurrence; without
            ``return_sequences`` the last output alone, ``(batch, 1, units)``.
        states: ``(batch, units)`` each.
        form: how the target expresses it.
    """

    last: Any
    outputs: Any
    states: list[Any]
    form: Form


class Lowering(Protocol):
    """Build recurrences as a target has them. One object serves one trace."""

    def why_not(self, recurrence: Recurrence) -> str | None:
        """Say in a few words why the target cannot express a recurrence; None where it can."""
        ...

    def run(
        self, directions: Sequence[Recurrence], sequences: Any, states: Sequence[list[Any]], mask: Any
    ) -> list[RecurrenceOutput]:
        """Run one recurrence, or the two of a bidirectional layer, over ``(batch, time, features)``.

        Args:
            mask: ``(batch, time)`` bool, or None.
        """
        ...

    def merge(self, mode: str, forward: Any, backward: Any) -> Any:
        """Merge the outputs of two directions, in the order of time, into one."""
        ...


@dataclass(frozen=True)
class Conversion:
    """Hold a file's content.

    Attributes:
        recurrences: what became of each recurrent layer in it.
        tensors: how each weight is stored, where that is known and not all float32.
        companions: name to content of files that belong to it, which running it does not need.
        delegates: whether it runs with the libraries that its runtime hands operators on to.
    """

    content: bytes
    recurrences: tuple[LoweredLayer, ...]
    tensors: tuple[StoredTensor, ...] = ()
    companions: Mapping[str, bytes] = field(default_factory=dict)
    delegates: bool = True
