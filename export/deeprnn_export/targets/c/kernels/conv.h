/* Convolve and pool over time. */
#ifndef DR_CONV_H
#define DR_CONV_H

#include "dense.h"

/* How a window moves: steps from one to the next, between its taps, and before the first one. */
typedef struct {
  int taps, stride, dilation, before;
} dr_window;

/* x (steps, inputs) to (outputs, columns); the dense layer has a row of (taps, inputs). Ahead of x stands past,
 * before * inputs floats; or zeros where it is NULL. room: taps * inputs. */
DR_INLINE void dr_convolve(const dr_dense *l, const dr_window *w, const float *past, const float *x, ptrdiff_t steps,
                           ptrdiff_t outputs, float *to, float *room) {
  const int inputs = l->inputs / w->taps;
  ptrdiff_t t;
  int tap;
  for (t = 0; t < outputs; t++) {
    for (tap = 0; tap < w->taps; tap++) {
      const ptrdiff_t at = t * w->stride + tap * w->dilation - w->before;
      if (at >= 0 && at < steps)
        dr_copy(x + at * inputs, room + tap * inputs, inputs);
      else if (past && at < 0)
        dr_copy(past + (w->before + at) * inputs, room + tap * inputs, inputs);
      else
        dr_fill(room + tap * inputs, 0.0f, inputs);
    }
    dr_dense_row(l, room, to + t * l->outputs);
  }
}

/* The last steps of past and x become the new past, (count, inputs). */
DR_INLINE void dr_remember(float *past, ptrdiff_t count, const float *x, ptrdiff_t steps, int inputs) {
  ptrdiff_t i;
  for (i = 0; i < count; i++)
    dr_copy(i + steps < count ? past + (i + steps) * inputs : x + (i + steps - count) * inputs, past + i * inputs, inputs);
}

/* x (rows, steps, inputs) to (rows, outputs, inputs), the largest or the mean of what each window covers. */
DR_INLINE void dr_pool(int mean, const dr_window *w, const float *x, ptrdiff_t rows, ptrdiff_t steps, int inputs,
                       ptrdiff_t outputs, float *to) {
  ptrdiff_t row, t, k, at;
  int tap, count;
  for (row = 0; row < rows; row++, x += steps * inputs)
    for (t = 0; t < outputs; t++)
      for (k = 0; k < inputs; k++) {
        float value = 0.0f;
        count = 0;
        for (tap = 0; tap < w->taps; tap++) {
          at = t * w->stride + tap - w->before;
          if (at < 0 || at >= steps) continue;
          if (mean || count == 0)
            value = count ? value + x[at * inputs + k] : x[at * inputs + k];
          else if (x[at * inputs + k] > value || x[at * inputs + k] != x[at * inputs + k])
            value = x[at * inputs + k];
          count++;
        }
        *to++ = mean ? value / (float)count : value;
      }
}

#endif
