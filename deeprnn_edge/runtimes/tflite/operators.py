"""Tell TFLite's operators apart: those that run a whole recurrence in one kernel, and those that run a subgraph."""

from __future__ import annotations

RECURRENT = frozenset(
    {
        "RNN",
        "LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
    }
)
# A recurrence that was not lowered is one of these.
LOOPS = frozenset({"WHILE", "IF"})
