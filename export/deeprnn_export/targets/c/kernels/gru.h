/* One step of a GRU of Keras's newer form (reset_after) with tanh and sigmoid; cf. lstm.h. */
#ifndef DR_GRU_H
#define DR_GRU_H

#include "cell.h"

/* n: the candidate's sum over the inputs, or m: over the recurrence, which the reset gate multiplies. */
#define DR_GRU_ADD(weights, n0, n1) \
  z0 = dr_fma(s, dr_weight(weights, at0, narrow), z0); z1 = dr_fma(s, dr_weight(weights, at1, narrow), z1); \
  r0 = dr_fma(s, dr_weight(weights, at0 + 8, narrow), r0); r1 = dr_fma(s, dr_weight(weights, at1 + 8, narrow), r1); \
  n0 = dr_fma(s, dr_weight(weights, at0 + 16, narrow), n0); n1 = dr_fma(s, dr_weight(weights, at1 + 16, narrow), n1);

#define DR_GRU_SCALE(a, s, b) a = dr_fma(a, dr_load(l->scale + (s)), dr_load(l->bias + (b)))

/* x (inputs), or z: its products, as dr_product gives them. h (units, padded) to next. */
DR_INLINE void dr_gru_step(const dr_cell *l, const float *x, const float *z, const float *h, float *next) {
  const int narrow = l->scale != 0;
  int v, k;
  for (v = 0; v < DR_PADDED(l->units) / DR_LANES; v += 2) {
    const ptrdiff_t b0 = dr_panel(v, 32), b1 = dr_panel(v + 1, 32), c0 = dr_panel(v, 24), c1 = dr_panel(v + 1, 24);
    ptrdiff_t at0 = dr_panel(v, (ptrdiff_t)l->inputs * 24), at1 = dr_panel(v + 1, (ptrdiff_t)l->inputs * 24);
    dr_vector s, z0, z1, r0, r1, n0, n1, m0, m1;
    z0 = z1 = r0 = r1 = n0 = n1 = m0 = m1 = dr_splat(0.0f);
    if (!narrow) {
      z0 = dr_load(l->bias + b0); z1 = dr_load(l->bias + b1);
      r0 = dr_load(l->bias + b0 + 8); r1 = dr_load(l->bias + b1 + 8);
      n0 = dr_load(l->bias + b0 + 16); n1 = dr_load(l->bias + b1 + 16);
      m0 = dr_load(l->bias + b0 + 24); m1 = dr_load(l->bias + b1 + 24);
    }
    if (l->projects) {
      z0 = dr_add(z0, dr_load(z + c0)); z1 = dr_add(z1, dr_load(z + c1));
      r0 = dr_add(r0, dr_load(z + c0 + 8)); r1 = dr_add(r1, dr_load(z + c1 + 8));
      n0 = dr_add(n0, dr_load(z + c0 + 16)); n1 = dr_add(n1, dr_load(z + c1 + 16));
    } else {
      for (k = 0; k < l->inputs; k++, at0 += 24, at1 += 24) {
        s = dr_splat(x[k]);
        DR_GRU_ADD(l->kernel, n0, n1)
      }
    }
    at0 = dr_panel(v, (ptrdiff_t)l->units * 24);
    at1 = dr_panel(v + 1, (ptrdiff_t)l->units * 24);
    for (k = 0; k < l->units; k++, at0 += 24, at1 += 24) {
      s = dr_splat(h[k]);
      DR_GRU_ADD(l->recurrent, m0, m1)
    }
    if (narrow) {
      DR_GRU_SCALE(z0, c0, b0); DR_GRU_SCALE(z1, c1, b1);
      DR_GRU_SCALE(r0, c0 + 8, b0 + 8); DR_GRU_SCALE(r1, c1 + 8, b1 + 8);
      DR_GRU_SCALE(n0, c0 + 16, b0 + 16); DR_GRU_SCALE(n1, c1 + 16, b1 + 16);
      DR_GRU_SCALE(m0, c0 + 16, b0 + 24); DR_GRU_SCALE(m1, c1 + 16, b1 + 24);
    }
    n0 = dr_tanh(dr_fma(dr_sigmoid_of_double(r0), m0, n0));
    n1 = dr_tanh(dr_fma(dr_sigmoid_of_double(r1), m1, n1));
    z0 = dr_fma(dr_sigmoid_of_double(z0), dr_subtract(dr_load(h + v * DR_LANES), n0), n0);
    z1 = dr_fma(dr_sigmoid_of_double(z1), dr_subtract(dr_load(h + (v + 1) * DR_LANES), n1), n1);
    dr_store(next + v * DR_LANES, z0);
    dr_store(next + (v + 1) * DR_LANES, z1);
  }
}

#endif
