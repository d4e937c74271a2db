/* Run a cell over a sequence with Keras's semantics of masks and directions. */
#ifndef DR_RECURRENCE_H
#define DR_RECURRENCE_H

#include "gru.h"
#include "lstm.h"
#include "plain_cell.h"
#include "product.h"
#include "rnn.h"

/* mask: whether each step counts (other than 0), (steps); NULL where all do. A step that does not leaves the states.
 * sequences: to (steps, units), in the order of time also of a backward run; else to (units), the last output.
 * zero_masked: a masked step has the output 0 in place of the one before.
 * started: the initial state is computed, and not the output before the first step, which is 0. */
typedef struct {
  int sequences, backwards, zero_masked, started;
} dr_way;

DR_INLINE void dr_cell_step(const dr_cell *l, const float *x, const float *z, const float *h, float *next, float *c,
                            float *room) {
  if (l->plain)
    dr_plain_step(l, x, h, next, c, room);
  else if (l->cell == DR_LSTM)
    dr_lstm_step(l, x, z, h, next, c);
  else if (l->cell == DR_GRU)
    dr_gru_step(l, x, z, h, next);
  else
    dr_rnn_step(l, x, z, h, next);
}

/* The products of the inputs of so many steps, at[], to rows of z. */
DR_INLINE void dr_project(const dr_cell *l, const float *x, const ptrdiff_t *at, int count, float *z) {
  const int padded = DR_PADDED(l->units), groups = l->cell == DR_RNN ? 2 : DR_GATES(l->cell);
  const int panels = padded / (l->cell == DR_RNN ? 16 : 8), width = DR_GATES(l->cell) * padded;
  const int narrow = l->scale != 0;
  int i;
  for (i = 0; i + 3 <= count; i += 3)
    dr_product_3(x + at[i] * l->inputs, x + at[i + 1] * l->inputs, x + at[i + 2] * l->inputs, l->inputs, l->kernel,
                 narrow, panels, groups, z + i * width, z + (i + 1) * width, z + (i + 2) * width);
  for (; i < count; i++)
    dr_product_1(x + at[i] * l->inputs, l->inputs, l->kernel, narrow, 0, panels, groups, z + i * width);
}

/* x (steps, inputs); h, c (units, padded): the states before and behind; c of an LSTM alone, else NULL.
 * room: DR_ROOM floats. */
DR_INLINE void dr_recurrence(const dr_cell *l, const dr_way *way, const float *x, const float *mask, ptrdiff_t steps,
                             float *h, float *c, float *to, float *room) {
  const int padded = DR_PADDED(l->units), width = DR_GATES(l->cell) * padded, many = l->projects ? DR_STEPS : 1;
  float *now = h, *next = room, *const z = room + padded;
  int kept_any = !way->started, kept = 1, i, j, count;
  ptrdiff_t step, at[DR_STEPS];
  for (step = 0; step < steps; step += many) {
    const int these = steps - step < many ? (int)(steps - step) : many;
    count = 0;
    for (i = 0; l->projects && i < these; i++) {
      const ptrdiff_t t = way->backwards ? steps - 1 - step - i : step + i;
      if (!mask || mask[t] != 0.0f) at[count++] = t;
    }
    if (l->projects) dr_project(l, x, at, count, z);
    for (i = 0, j = 0; i < these; i++) {
      const ptrdiff_t t = way->backwards ? steps - 1 - step - i : step + i;
      kept = !mask || mask[t] != 0.0f;
      if (kept) {
        float *const before = now;
        dr_cell_step(l, x + t * l->inputs, z + j++ * width, now, next, c, z);
        now = next;
        next = before;
        kept_any = 1;
      }
      if (way->sequences) {
        if (kept ? 1 : kept_any && !way->zero_masked)
          dr_copy(now, to + t * l->units, l->units);
        else
          dr_fill(to + t * l->units, 0.0f, l->units);
      }
    }
  }
  if (!way->sequences) {
    if (kept_any && (kept || !way->zero_masked))
      dr_copy(now, to, l->units);
    else
      dr_fill(to, 0.0f, l->units);
  }
  if (now != h) dr_copy(now, h, l->units);
}

#endif
