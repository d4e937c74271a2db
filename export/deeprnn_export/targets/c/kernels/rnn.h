/* One step of a SimpleRNN with tanh: it has one sum a unit, so that each is split to keep the processor busy. */
#ifndef DR_RNN_H
#define DR_RNN_H

#include "cell.h"

#define DR_RNN_ADD(a, b, j) \
  s = dr_splat(x[k + j]); \
  a = dr_fma(s, dr_load_aligned(w0 + (k + j) * 16), a); b = dr_fma(s, dr_load_aligned(w1 + (k + j) * 16), b);

/* Two vectors of 16 units, each in four parts of the sum. */
DR_INLINE void dr_rnn_pair(const dr_cell *l, const float *in, const float *z, const float *h, float *next, int v) {
  const ptrdiff_t first = v * DR_LANES / 16, lane = v * DR_LANES % 16;
  const float *const from = l->bias + v * DR_LANES;
  dr_vector s, b0 = dr_splat(0.0f), b1 = b0, c0 = b0, c1 = b0, d0 = b0, d1 = b0;
  dr_vector a0 = dr_load(from), a1 = dr_load(from + DR_LANES);
  int part, k;
  if (l->projects) {
    a0 = dr_add(a0, dr_load(z + v * DR_LANES));
    a1 = dr_add(a1, dr_load(z + (v + 1) * DR_LANES));
  }
  for (part = l->projects ? 1 : 0; part < 2; part++) {
    const float *const x = part ? h : in;
    const int rows = part ? l->units : l->inputs;
    const float *const w0 = (const float *)(part ? l->recurrent : l->kernel) + first * rows * 16 + lane;
    const float *const w1 = w0 + DR_LANES;
    for (k = 0; k + 4 <= rows; k += 4) {
      DR_RNN_ADD(a0, a1, 0)
      DR_RNN_ADD(b0, b1, 1)
      DR_RNN_ADD(c0, c1, 2)
      DR_RNN_ADD(d0, d1, 3)
    }
    for (; k < rows; k++) {
      DR_RNN_ADD(a0, a1, 0)
    }
  }
  dr_store(next + v * DR_LANES, dr_tanh(dr_add(dr_add(a0, b0), dr_add(c0, d0))));
  dr_store(next + (v + 1) * DR_LANES, dr_tanh(dr_add(dr_add(a1, b1), dr_add(c1, d1))));
}

/* Two panels of 16 units at once, half of each sum in a second part: fewer reads of x and h. */
DR_INLINE void dr_rnn_four(const dr_cell *l, const float *in, const float *z, const float *h, float *next, int v) {
  const ptrdiff_t step = 2 * DR_LANES >= 16 ? 0 : 2 * DR_LANES; /* the third vector is in this panel or in the next */
  const ptrdiff_t first = v * DR_LANES / 16, lane = v * DR_LANES % 16;
  const float *const from = l->bias + v * DR_LANES;
  dr_vector s, b0 = dr_splat(0.0f), b1 = b0, d0 = b0, d1 = b0;
  dr_vector a0 = dr_load(from), a1 = dr_load(from + DR_LANES);
  dr_vector c0 = dr_load(from + 2 * DR_LANES), c1 = dr_load(from + 3 * DR_LANES);
  int part, k;
  if (l->projects) {
    a0 = dr_add(a0, dr_load(z + v * DR_LANES));
    a1 = dr_add(a1, dr_load(z + (v + 1) * DR_LANES));
    c0 = dr_add(c0, dr_load(z + (v + 2) * DR_LANES));
    c1 = dr_add(c1, dr_load(z + (v + 3) * DR_LANES));
  }
  for (part = l->projects ? 1 : 0; part < 2; part++) {
    const float *const x = part ? h : in;
    const int rows = part ? l->units : l->inputs;
    const float *const w0 = (const float *)(part ? l->recurrent : l->kernel) + first * rows * 16 + lane;
    const float *const w1 = w0 + DR_LANES, *const w2 = w0 + (step ? step : (ptrdiff_t)rows * 16);
    const float *const w3 = w2 + DR_LANES;
    for (k = 0; k + 2 <= rows; k += 2) {
      s = dr_splat(x[k]);
      a0 = dr_fma(s, dr_load_aligned(w0 + k * 16), a0); a1 = dr_fma(s, dr_load_aligned(w1 + k * 16), a1);
      c0 = dr_fma(s, dr_load_aligned(w2 + k * 16), c0); c1 = dr_fma(s, dr_load_aligned(w3 + k * 16), c1);
      s = dr_splat(x[k + 1]);
      b0 = dr_fma(s, dr_load_aligned(w0 + k * 16 + 16), b0); b1 = dr_fma(s, dr_load_aligned(w1 + k * 16 + 16), b1);
      d0 = dr_fma(s, dr_load_aligned(w2 + k * 16 + 16), d0); d1 = dr_fma(s, dr_load_aligned(w3 + k * 16 + 16), d1);
    }
    if (k < rows) {
      s = dr_splat(x[k]);
      a0 = dr_fma(s, dr_load_aligned(w0 + k * 16), a0); a1 = dr_fma(s, dr_load_aligned(w1 + k * 16), a1);
      c0 = dr_fma(s, dr_load_aligned(w2 + k * 16), c0); c1 = dr_fma(s, dr_load_aligned(w3 + k * 16), c1);
    }
  }
  dr_store(next + v * DR_LANES, dr_tanh(dr_add(a0, b0)));
  dr_store(next + (v + 1) * DR_LANES, dr_tanh(dr_add(a1, b1)));
  dr_store(next + (v + 2) * DR_LANES, dr_tanh(dr_add(c0, d0)));
  dr_store(next + (v + 3) * DR_LANES, dr_tanh(dr_add(c1, d1)));
}

/* x (inputs), or z: its products, as dr_product gives them. h (units, padded) to next. */
DR_INLINE void dr_rnn_step(const dr_cell *l, const float *x, const float *z, const float *h, float *next) {
  int v;
  if (DR_LANES > 1 && DR_PADDED(l->units) % (4 * DR_LANES) == 0) {
    for (v = 0; v < DR_PADDED(l->units) / DR_LANES; v += 4) dr_rnn_four(l, x, z, h, next, v);
  } else {
    for (v = 0; v < DR_PADDED(l->units) / DR_LANES; v += 2) dr_rnn_pair(l, x, z, h, next, v);
  }
}

#endif
