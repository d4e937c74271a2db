/* Multiply rows by a matrix that is stored in panels: (panels, inputs, groups, 8), the columns padded with zeros.
 *
 * A sum runs over the inputs in order, from the bias on, wherever a row stands: cutting a sequence changes no bit.
 */
#ifndef DR_PRODUCT_H
#define DR_PRODUCT_H

#include "vector.h"

/* One vector of each group for three rows at once: an element of the matrix is read once for all. */
#define DR_FOR_GROUPS(USE) USE(0) USE(1) if (groups > 2) { USE(2) } if (groups > 3) { USE(3) }
#define DR_BEGIN_3(g) a##g = b##g = c##g = dr_splat(0.0f);
#define DR_ADD_3(g) \
  m = dr_weight(weights, at + g * 8, narrow); \
  a##g = dr_fma(s, m, a##g); b##g = dr_fma(t, m, b##g); c##g = dr_fma(u, m, c##g);
#define DR_END_3(g) \
  dr_store(to + out + g * 8, a##g); dr_store(to1 + out + g * 8, b##g); dr_store(to2 + out + g * 8, c##g);
#define DR_BEGIN_1(g) a##g = bias ? dr_load(b + g * 8) : dr_splat(0.0f);
#define DR_ADD_1(g) a##g = dr_fma(s, dr_weight(weights, at + g * 8, narrow), a##g);
#define DR_END_1(g) dr_store(to + out + g * 8, a##g);

/* x, y, z: three rows of so many inputs; to, to1, to2: where their products go, (panels, groups, 8) each.
 * weights: int8 where narrow, else float. groups: 2 to 4. */
DR_INLINE void dr_product_3(const float *x, const float *y, const float *z, int inputs, const void *weights, int narrow,
                            int panels, int groups, float *to, float *to1, float *to2) {
  const ptrdiff_t floats = (ptrdiff_t)inputs * groups * 8;
  int v, k;
  for (v = 0; v < panels * (8 / DR_LANES); v++) {
    const ptrdiff_t out = dr_panel(v, groups * 8);
    ptrdiff_t at = dr_panel(v, floats);
    dr_vector s, t, u, m, a0, a1, a2 = dr_splat(0.0f), a3 = a2, b0, b1, b2 = a2, b3 = a2, c0, c1, c2 = a2, c3 = a2;
    DR_FOR_GROUPS(DR_BEGIN_3)
    for (k = 0; k < inputs; k++, at += groups * 8) {
      s = dr_splat(x[k]);
      t = dr_splat(y[k]);
      u = dr_splat(z[k]);
      DR_FOR_GROUPS(DR_ADD_3)
    }
    DR_FOR_GROUPS(DR_END_3)
  }
}

/* The same for one row. bias: (panels, groups, 8), which the sums start from; NULL for 0. */
DR_INLINE void dr_product_1(const float *x, int inputs, const void *weights, int narrow, const float *bias, int panels,
                            int groups, float *to) {
  const ptrdiff_t floats = (ptrdiff_t)inputs * groups * 8;
  int v, k;
  for (v = 0; v < panels * (8 / DR_LANES); v++) {
    const ptrdiff_t out = dr_panel(v, groups * 8);
    const float *b = bias ? bias + out : 0;
    ptrdiff_t at = dr_panel(v, floats);
    dr_vector s, a0, a1, a2 = dr_splat(0.0f), a3 = a2;
    DR_FOR_GROUPS(DR_BEGIN_1)
    for (k = 0; k < inputs; k++, at += groups * 8) {
      s = dr_splat(x[k]);
      DR_FOR_GROUPS(DR_ADD_1)
    }
    DR_FOR_GROUPS(DR_END_1)
  }
}

#endif
