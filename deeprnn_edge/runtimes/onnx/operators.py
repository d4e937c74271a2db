"""Tell ONNX's operators apart: those that run a whole recurrence in one kernel, and those that run a subgraph."""

from __future__ import annotations

RECURRENT = frozenset({"RNN", "LSTM", "GRU"})
# A recurrence that was not lowered is one of these.
LOOPS = frozenset({"Loop", "Scan", "If"})
