"""Build recurrences for TFLite, whose operators know neither GRU nor SimpleRNN, nor masks.

Each becomes one matrix product for the inputs of all steps and a loop over what is left, its body unrolled by a few
steps so that the loop's own cost is shared. The operator that TFLite has for a whole LSTM,
``UNIDIRECTIONAL_SEQUENCE_LSTM``, is never used: it keeps its state from one call to the next (tensorflow#46620), and an
app which asks the file without resetting its variables gets another answer each time. Without it two layers of 16 units
take 60 us over 20 steps in place of 34, and 121 over 100 in place of 140; two of 32 units over 20 steps 62 in place of
50.

The precisions that are calibrated on samples have no loop, which the converter cannot calibrate
(tensorflow#87468). There every step is written out, which only short networks can afford.

Batch and time are static here: that is what keeps the graph free of Flex operators
(``TensorListReserve requires element_shape to be static``: tensorflow#62849).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.cells.cell import Recurrence
from deeprnn_export.lowering import masks
from deeprnn_export.lowering.bidirectional import combine
from deeprnn_export.lowering.target import RecurrenceOutput
from deeprnn_export.targets.tflite import TARGET
from deeprnn_export.targets.tflite.steps import run_kept_steps, run_steps
from deeprnn_export.tracing.recurrence import is_zero

# Of all recurrences in a file without loops. As many take 45 s to convert, and 2.6 MB in int8-full or 4.5 MB in
# int16x8 (GRU layers of 32 and 16 units), which is more than the same network takes in float32 with its loops.
WRITTEN_OUT_STEPS = 1_000


class TFLiteLowering:
    """Build one traced graph; use a new one for each conversion.

    Attributes:
        precision: what the file's numbers will be. A calibrated one has every step written out.
    """

    def __init__(self, precision: str = "fp32") -> None:
        self._precision = precision
        self._looping = not TARGET.precisions[precision].is_calibrated
        self._integer16 = precision == "int16x8"
        self._written_out = 0
        self._kept: dict[Any, masks.KeptSteps] = {}

    def why_not(self, _recurrence: Recurrence) -> str | None:
        """Refuse none: the loop, or the steps that take its place, have any activation."""
        return None

    def run(
        self, directions: Sequence[Recurrence], sequences: Any, states: Sequence[list[Any]], mask: Any
    ) -> list[RecurrenceOutput]:
        """Run each direction by itself, from TFLite's builtin operators alone."""
        if mask is not None:
            mask = masks.mask_of_ids(mask)
        return [self._run(one, sequences, own, mask) for one, own in zip(directions, states, strict=True)]

    def merge(self, mode: str, forward: Any, backward: Any) -> Any:
        """Merge as Keras does."""
        return combine(mode, forward, backward)

    def _run(self, recurrence: Recurrence, sequences: Any, states: list[Any], mask: Any) -> RecurrenceOutput:
        if recurrence.go_backwards:
            sequences = tf.reverse(sequences, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        # Of gathered steps the states behind the last kept one are not known.
        alone = not recurrence.continues and all(map(is_zero, states)) and not recurrence.return_state
        if alone and self._looping and mask is not None:
            last, outputs = self._run_kept(recurrence, sequences, mask)
        else:
            last, outputs, states = self._steps(recurrence, sequences, states, mask)
        if mask is not None and recurrence.zero_output_for_mask:
            last = tf.where(mask[:, -1:], last, 0.0)
            outputs = tf.where(mask[:, :, tf.newaxis], outputs, 0.0) if recurrence.return_sequences else outputs
        if recurrence.go_backwards and recurrence.return_sequences:
            outputs = tf.reverse(outputs, [1])
        return RecurrenceOutput(last, outputs, states, "loop")

    def _steps(
        self, recurrence: Recurrence, sequences: Any, states: list[Any], mask: Any
    ) -> tuple[Any, Any, list[Any]]:
        if not self._looping:
            time = sequences.shape[1]
            self._written_out += time
            if self._written_out > WRITTEN_OUT_STEPS:
                raise UnsupportedModelError(
                    f"layer {recurrence.name!r} with its {time} steps makes {self._written_out} steps in all, and "
                    f"{self._precision} takes {WRITTEN_OUT_STEPS}: it writes out every one, as the TFLite converter "
                    "cannot calibrate loops (tensorflow#87468); export it with precisions=('int8',), with fewer steps "
                    f"(max_length=), or {TARGET.way_out}"
                )
        step = None
        if self._integer16 and recurrence.cell.integer_step is not None:
            recurrence, step = recurrence.cell.integer_step(recurrence)
        whole = recurrence.return_sequences
        return run_steps(recurrence, sequences, states, mask, whole=whole, step=step, looping=self._looping)

    def _run_kept(self, recurrence: Recurrence, sequences: Any, mask: Any) -> tuple[Any, Any]:
        """Return the last output and those of all steps, by a loop over the kept steps that ends with the longest row.

        A loop over all steps chooses between the old state and the new one at each. Side by side, full rows of the seed
        models took 143 -> 87 us (SimpleRNN), 220 -> 160 (GRU) and 201 -> 166 (LSTM), rows of 20 kept steps 145 -> 48,
        216 -> 80 and 199 -> 86.
        """
        if mask.ref() not in self._kept:
            self._kept[mask.ref()] = masks.find_kept(mask, trim=False)
        kept = self._kept[mask.ref()]
        longest = tf.maximum(tf.reduce_max(kept.lengths), 1)  # of no kept step, too, one output is read
        gathered, first = run_kept_steps(recurrence, masks.gather_kept(sequences, kept), longest)
        if recurrence.return_sequences:
            outputs = masks.restore_steps(gathered, kept, first=first, backwards=False, zero_masked=False)
            return outputs[:, -1], outputs
        last = masks.last_kept(gathered, kept, first=first)
        return last, last[:, tf.newaxis]
