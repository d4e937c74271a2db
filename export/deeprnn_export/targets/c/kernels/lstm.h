/* One step of an LSTM with tanh and sigmoid: the sums of 16 units' gates stay in registers. */
#ifndef DR_LSTM_H
#define DR_LSTM_H

#include "cell.h"

#define DR_LSTM_ADD(weights, at0, at1) \
  i0 = dr_fma(s, dr_weight(weights, at0, narrow), i0); i1 = dr_fma(s, dr_weight(weights, at1, narrow), i1); \
  f0 = dr_fma(s, dr_weight(weights, at0 + 8, narrow), f0); f1 = dr_fma(s, dr_weight(weights, at1 + 8, narrow), f1); \
  g0 = dr_fma(s, dr_weight(weights, at0 + 16, narrow), g0); g1 = dr_fma(s, dr_weight(weights, at1 + 16, narrow), g1); \
  o0 = dr_fma(s, dr_weight(weights, at0 + 24, narrow), o0); o1 = dr_fma(s, dr_weight(weights, at1 + 24, narrow), o1);

#define DR_LSTM_SCALE(a, b) a = dr_fma(a, dr_load(l->scale + (b)), dr_load(l->bias + (b)))

/* x (inputs), or z: its products, as dr_product gives them. h, c (units, padded) to next and c. */
DR_INLINE void dr_lstm_step(const dr_cell *l, const float *x, const float *z, const float *h, float *next, float *c) {
  const int narrow = l->scale != 0;
  int v, k;
  for (v = 0; v < DR_PADDED(l->units) / DR_LANES; v += 2) {
    const ptrdiff_t b0 = dr_panel(v, 32), b1 = dr_panel(v + 1, 32);
    ptrdiff_t at0 = dr_panel(v, (ptrdiff_t)l->inputs * 32), at1 = dr_panel(v + 1, (ptrdiff_t)l->inputs * 32);
    dr_vector s, i0, i1, f0, f1, g0, g1, o0, o1;
    i0 = i1 = f0 = f1 = g0 = g1 = o0 = o1 = dr_splat(0.0f);
    if (!narrow) {
      i0 = dr_load(l->bias + b0); i1 = dr_load(l->bias + b1);
      f0 = dr_load(l->bias + b0 + 8); f1 = dr_load(l->bias + b1 + 8);
      g0 = dr_load(l->bias + b0 + 16); g1 = dr_load(l->bias + b1 + 16);
      o0 = dr_load(l->bias + b0 + 24); o1 = dr_load(l->bias + b1 + 24);
    }
    if (l->projects) {
      i0 = dr_add(i0, dr_load(z + b0)); i1 = dr_add(i1, dr_load(z + b1));
      f0 = dr_add(f0, dr_load(z + b0 + 8)); f1 = dr_add(f1, dr_load(z + b1 + 8));
      g0 = dr_add(g0, dr_load(z + b0 + 16)); g1 = dr_add(g1, dr_load(z + b1 + 16));
      o0 = dr_add(o0, dr_load(z + b0 + 24)); o1 = dr_add(o1, dr_load(z + b1 + 24));
    } else {
      for (k = 0; k < l->inputs; k++, at0 += 32, at1 += 32) {
        s = dr_splat(x[k]);
        DR_LSTM_ADD(l->kernel, at0, at1)
      }
    }
    at0 = dr_panel(v, (ptrdiff_t)l->units * 32);
    at1 = dr_panel(v + 1, (ptrdiff_t)l->units * 32);
    for (k = 0; k < l->units; k++, at0 += 32, at1 += 32) {
      s = dr_splat(h[k]);
      DR_LSTM_ADD(l->recurrent, at0, at1)
    }
    if (narrow) {
      DR_LSTM_SCALE(i0, b0); DR_LSTM_SCALE(i1, b1); DR_LSTM_SCALE(f0, b0 + 8); DR_LSTM_SCALE(f1, b1 + 8);
      DR_LSTM_SCALE(g0, b0 + 16); DR_LSTM_SCALE(g1, b1 + 16); DR_LSTM_SCALE(o0, b0 + 24); DR_LSTM_SCALE(o1, b1 + 24);
    }
    i0 = dr_multiply(dr_sigmoid_of_double(i0), dr_tanh(g0));
    i1 = dr_multiply(dr_sigmoid_of_double(i1), dr_tanh(g1));
    f0 = dr_fma(dr_sigmoid_of_double(f0), dr_load(c + v * DR_LANES), i0);
    f1 = dr_fma(dr_sigmoid_of_double(f1), dr_load(c + (v + 1) * DR_LANES), i1);
    dr_store(c + v * DR_LANES, f0);
    dr_store(c + (v + 1) * DR_LANES, f1);
    dr_store(next + v * DR_LANES, dr_multiply(dr_sigmoid_of_double(o0), dr_tanh(f0)));
    dr_store(next + (v + 1) * DR_LANES, dr_multiply(dr_sigmoid_of_double(o1), dr_tanh(f1)));
  }
}

#endif
