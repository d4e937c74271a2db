/* Dense layers: every row of an array times a matrix, plus a bias, through an activation. */
#ifndef DR_DENSE_H
#define DR_DENSE_H

#include "activations.h"
#include "product.h"

/* weights: fewer than 8 outputs (outputs, inputs), else panels of 16 columns (panels, inputs, 16), int8 where narrow.
 * bias: (outputs), in panels padded to 16. scale: of int8 weights, as the bias; NULL where they are floats.
 * activation, parameter: as in activations.h. */
typedef struct {
  const void *weights;
  const float *bias, *scale;
  int inputs, outputs, activation;
  float parameter;
} dr_dense;

DR_INLINE void dr_dense_row(const dr_dense *l, const float *x, float *to) {
  int o, k, v;
  if (l->outputs < 8) {
    const float *w = (const float *)l->weights;
    for (o = 0; o < l->outputs; o++, w += l->inputs) {
      float sum = l->bias[o];
      for (k = 0; k < l->inputs; k++) sum += x[k] * w[k];
      to[o] = sum;
    }
  } else {
    const int panels = DR_PADDED(l->outputs) / 16, narrow = l->scale != 0;
    float room[16];
    for (v = 0; v < panels; v++) {
      const ptrdiff_t at = (ptrdiff_t)v * l->inputs * 16;
      const void *w = narrow ? (const void *)((const int8_t *)l->weights + at)
                             : (const void *)((const float *)l->weights + at);
      dr_product_1(x, l->inputs, w, narrow, narrow ? 0 : l->bias + v * 16, 1, 2, room);
      for (o = 0; o < 16 && v * 16 + o < l->outputs; o++)
        to[v * 16 + o] = narrow ? room[o] * l->scale[v * 16 + o] + l->bias[v * 16 + o] : room[o];
    }
  }
  dr_activate(l->activation, l->parameter, to, l->outputs);
}

/* x (rows, inputs) to (rows, outputs). */
DR_INLINE void dr_dense_run(const dr_dense *l, const float *x, ptrdiff_t rows, float *to) {
  ptrdiff_t row;
  for (row = 0; row < rows; row++) dr_dense_row(l, x + row * l->inputs, to + row * l->outputs);
}

#endif
