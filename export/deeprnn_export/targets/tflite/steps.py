"""Run the steps of a recurrence as TFLite's builtin operators: in a loop of a few steps a turn, or all written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from deeprnn_export.cells.cell import Recurrence, Step

# Ten: four times as fast as the stock converter's loop at its size (two GRU layers, see benchmarks/);
# each further step adds about 2 kB a layer of 32 units to the file.
UNROLLED_STEPS = 10
# XNNPACK keeps a copy of the weights for each product, so a turn of several steps reads several copies, which should
# stay in a small processor's cache. Two layers over 100 steps, 10 steps a turn against what this makes of it: LSTM of
# 128 units 2.2 -> 0.9 ms, of 256 8.7 -> 3.3; GRU of 128 units 1.3 -> 0.9 ms, of 256 7.0 -> 3.1.
TURN_BYTES = 512 * 1024
# Every turn copies the outputs of all steps, which in sequences of many turns costs more than the steps themselves: a
# turn of the outer loop is then a loop over a block. Three layers, without and with: LSTM of 32 units over 2,000 steps
# 12.3 and 6.4 ms, over 600 2.1 and 1.8; SimpleRNN of 32 over 2,000 9.6 and 3.3 ms; LSTM of 256 units, one step a turn,
# over 100 6.9 and 5.4 ms. It costs 17 us a block: over 300 steps in blocks of 60, 0.9 and 1.1 ms.
BLOCK_TURNS = 25
NESTED_TURNS = 2 * BLOCK_TURNS

# Steps in a row, from what each of them reads, the last output and the states.
Turn = Callable[[list[Any], Any, list[Any]], tuple[Any, Any, list[Any]]]


def run_steps(
    recurrence: Recurrence,
    sequences: Any,
    states: list[Any],
    mask: Any,
    *,
    whole: bool,
    step: Step | None = None,
    looping: bool = True,
) -> tuple[Any, Any, list[Any]]:
    """Run ``(batch, time, features)`` to Keras's three results; all shapes static.

    The last output, ``(batch, units)``; the outputs of all steps, ``(batch, time, units)``, or without
    ``whole`` of the last step alone; the final states.

    Args:
        step: one step in another form than the cell's usual one.
        looping: without it every step is written out.
    """
    time = sequences.shape[1]
    chunk = _steps_of_turn(recurrence, time) if looping else time
    values = tf.transpose(sequences, (1, 0, 2))
    _, buffer, output, states = _run(recurrence, values, states, mask, whole=whole, step=step, chunk=chunk, end=time)
    return output, tf.transpose(buffer, (1, 0, 2)) if whole else output[:, tf.newaxis], states


def run_kept_steps(recurrence: Recurrence, gathered: Any, longest: Any) -> tuple[Any, Any]:
    """Run ``(time, batch, features)`` with each row's kept steps in front, from zero states.

    The outputs, ``(time, batch, units)``, and at which of them those of step 0 stand, as a tensor: the loop ends
    with the turn of the ``longest`` row's last step, and has shifted them in from the end.
    """
    time, batch, _ = gathered.shape
    zeros = [tf.zeros((batch, recurrence.units))] * len(recurrence.cell.states)
    chunk = _steps_of_turn(recurrence, time)
    done, outputs, _, _ = _run(recurrence, gathered, zeros, None, whole=True, step=None, chunk=chunk, end=longest)
    return outputs, time - done


def _steps_of_turn(recurrence: Recurrence, time: int) -> int:
    cached = TURN_BYTES // recurrence.recurrent_kernel.nbytes
    return int(min(max(cached, 1), UNROLLED_STEPS, time))


def _run(
    recurrence: Recurrence,
    sequences: Any,
    states: list[Any],
    mask: Any,
    *,
    whole: bool,
    step: Step | None,
    chunk: int,
    end: Any,
) -> tuple[Any, Any, Any, list[Any]]:
    """Run ``(time, batch, features)`` in turns of ``chunk`` steps until ``end`` of them are done.

    How many were; the outputs, shifted in from the end, or without ``whole`` nothing of use; the last output; the
    states.
    """
    time, batch, _ = sequences.shape
    projections = _project(recurrence, sequences)
    output = states[0] if recurrence.continues else tf.zeros((batch, recurrence.units))
    if mask is not None:
        projections.append(tf.transpose(mask)[:, :, tf.newaxis])  # (time, batch, 1)
    step = step or recurrence.cell.step(recurrence)

    def run(blocks: list[Any], output: Any, states: list[Any]) -> tuple[Any, Any, list[Any]]:
        """Run some steps in a row: their outputs stacked, the last output, the new states."""
        outputs = []
        for values in zip(*[tf.unstack(block) for block in blocks], strict=True):
            if mask is None:
                states = step(list(values), states)
                output = states[0]
            else:
                keep = values[-1]
                new = step(list(values[:-1]), states)
                output = tf.where(keep, new[0], output)
                states = [tf.where(keep, a, b) for a, b in zip(new, states, strict=True)]
            outputs.append(output)
        return tf.stack(outputs), output, states

    if time <= NESTED_TURNS * chunk:
        return _loop(run, chunk, projections, output, states, end=end, whole=whole)

    def run_block(blocks: list[Any], output: Any, states: list[Any]) -> tuple[Any, Any, list[Any]]:
        return _loop(run, chunk, blocks, output, states, end=blocks[0].shape[0], whole=whole)[1:]

    return _loop(run_block, _steps_of_block(time, chunk), projections, output, states, end=end, whole=whole)


def _loop(
    run: Turn, chunk: int, projections: list[Any], output: Any, states: list[Any], *, end: Any, whole: bool
) -> tuple[Any, Any, Any, list[Any]]:
    """Call ``run`` on ``chunk`` steps at a time, until ``end`` of them are done: what ``_run`` gives."""
    time = projections[0].shape[0]
    # What the outputs of all steps are shifted into. None of its values is read, so it takes any at hand: zeros of
    # this size would be a constant in the file, 12.8 kB for 100 steps of 32 units.
    buffer = projections[0][:, :, : output.shape[1]] if whole else output
    # What a loop would do in one turn needs none.
    rest = time % chunk if time >= 2 * chunk else time
    if rest:
        block, output, states = run([p[:rest] for p in projections], output, states)
        if whole:
            buffer = tf.concat([buffer[rest:], block], axis=0) if rest < time else block

    def body(start: Any, buffer: Any, output: Any, *states: Any) -> tuple[Any, ...]:
        # A gather, not a slice: TFLite gives a slice with a computed start a dynamic shape, which is
        # planned anew at every turn and which XNNPACK does not take.
        index = start + tf.range(chunk)
        block, output, new = run([tf.gather(p, index) for p in projections], output, list(states))
        buffer = tf.concat([buffer[chunk:], block], axis=0) if whole else buffer
        return (start + chunk, buffer, output, *new)

    done: Any = tf.constant(rest)
    if rest < time:
        done, buffer, output, *states = tf.while_loop(
            lambda start, *_: start < end, body, (done, buffer, output, *states)
        )
    return done, buffer, output, list(states)


def _steps_of_block(time: int, chunk: int) -> int:
    """Choose the steps of a turn that is itself a loop: a divisor of all steps where there is one near."""
    best = max(BLOCK_TURNS * chunk, math.sqrt(time * chunk))  # the square root copies least, where it counts
    multiples = range(chunk * math.ceil(best / 2 / chunk), int(1.5 * best) + 1, chunk)
    return min(multiples, key=lambda block: (time % block, abs(block - best)))


def _project(recurrence: Recurrence, x: Any) -> list[Any]:
    """Project ``(time, batch, features)`` to what each step adds from its input: ``(time, batch, width)`` each.

    A cell whose step uses some gates apart from others gets them apart.
    """
    ends = np.cumsum(recurrence.cell.parts)[:-1] * recurrence.units
    time, batch, features = x.shape
    flat = tf.reshape(x, (time * batch, features))
    kernels = np.split(recurrence.kernel, ends, axis=1)
    biases = np.split(recurrence.bias, ends)
    return [tf.reshape(tf.matmul(flat, k) + b, (time, batch, -1)) for k, b in zip(kernels, biases, strict=True)]
