/* One step of a cell with any activations, and of Keras's older GRU: Keras's formulas over Keras's layouts. */
#ifndef DR_PLAIN_CELL_H
#define DR_PLAIN_CELL_H

#include "cell.h"

/* sums (columns) += x (rows) times so many columns of a matrix whose rows are so wide. */
DR_INLINE void dr_add_product(float *sums, const float *x, int rows, const float *matrix, int width, int columns) {
  int k, j;
  for (k = 0; k < rows; k++)
    for (j = 0; j < columns; j++) sums[j] += x[k] * matrix[(ptrdiff_t)k * width + j];
}

/* x (inputs); h, c (units) to next and c. room: (2 * gates + 1) * units. */
DR_INLINE void dr_plain_step(const dr_cell *l, const float *x, const float *h, float *next, float *c, float *room) {
  const int n = l->units, gates = DR_GATES(l->cell), width = gates * n;
  const float *const kernel = (const float *)l->kernel, *const recurrent = (const float *)l->recurrent;
  float *const z = room, *const m = room + width, *const r = m + width;
  int j, g;
  dr_copy(l->bias, z, width);
  dr_add_product(z, x, l->inputs, kernel, width, width);
  if (l->cell == DR_GRU) {
    const int together = l->reset_after ? width : 2 * n; /* the older form multiplies r * h */
    if (l->reset_after)
      dr_copy(l->bias + width, m, width);
    else
      dr_fill(m, 0.0f, width);
    dr_add_product(m, h, n, recurrent, width, together);
    for (j = 0; j < 2 * n; j++) z[j] += m[j];
    dr_activate(l->gate_activation, l->gate_parameter, z, n);
    dr_activate(l->gate_activation, l->gate_parameter, z + n, n);
    if (!l->reset_after) {
      for (j = 0; j < n; j++) r[j] = z[n + j] * h[j];
      dr_add_product(m + 2 * n, r, n, recurrent + 2 * n, width, n);
    }
    for (j = 0; j < n; j++) z[2 * n + j] += (l->reset_after ? z[n + j] : 1.0f) * m[2 * n + j];
    dr_activate(l->activation, l->parameter, z + 2 * n, n);
    for (j = 0; j < n; j++) next[j] = z[j] * h[j] + (1.0f - z[j]) * z[2 * n + j];
    return;
  }
  dr_add_product(z, h, n, recurrent, width, width);
  if (l->cell == DR_RNN) {
    dr_activate(l->activation, l->parameter, z, n);
    dr_copy(z, next, n);
    return;
  }
  for (g = 0; g < 4; g++) {
    if (g == 2)
      dr_activate(l->activation, l->parameter, z + 2 * n, n);
    else
      dr_activate(l->gate_activation, l->gate_parameter, z + g * n, n);
  }
  for (j = 0; j < n; j++) {
    c[j] = z[n + j] * c[j] + z[j] * z[2 * n + j];
    r[j] = c[j];
  }
  dr_activate(l->activation, l->parameter, r, n);
  for (j = 0; j < n; j++) next[j] = z[3 * n + j] * r[j];
}

#endif
