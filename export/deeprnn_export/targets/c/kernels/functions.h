/* Elementary functions of float, without a C library: each within 1e-6, relative or absolute where that is more.
 *
 * tanh: a rational function of degree 9 over 8, fitted for the least absolute error on [-8, 8]; 4e-7 in float.
 * exp, log: reduced by powers of two, then a polynomial and a series of atanh.
 * erf: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; 2e-7.
 */
#ifndef DR_FUNCTIONS_H
#define DR_FUNCTIONS_H

#include "vector.h"

#define DR_TANH_END 8.0f

DR_INLINE dr_vector dr_tanh(dr_vector x) {
  dr_vector u, p, q;
  x = dr_clip(x, DR_TANH_END);
  u = dr_multiply(x, x);
  p = dr_fma(dr_splat(1.50617411e-8f), u, dr_splat(2.17731956e-5f));
  p = dr_fma(p, u, dr_splat(3.56415303e-3f));
  p = dr_fma(p, u, dr_splat(1.34381885e-1f));
  p = dr_fma(p, u, dr_splat(9.9999997e-1f));
  q = dr_fma(dr_splat(8.45363354e-7f), u, dr_splat(3.39917436e-4f));
  q = dr_fma(q, u, dr_splat(2.6136004e-2f));
  q = dr_fma(q, u, dr_splat(4.67715093e-1f));
  q = dr_fma(q, u, dr_splat(1.0f));
  return dr_divide(dr_multiply(x, p), q);
}

/* The sigmoid of twice x: weights of gates are stored halved. */
DR_INLINE dr_vector dr_sigmoid_of_double(dr_vector x) {
  return dr_fma(dr_splat(0.5f), dr_tanh(x), dr_splat(0.5f));
}

DR_INLINE float dr_tanh_1(float x) {
  float u, p, q;
  x = x < -DR_TANH_END ? -DR_TANH_END : x > DR_TANH_END ? DR_TANH_END : x;
  u = x * x;
  p = (((1.50617411e-8f * u + 2.17731956e-5f) * u + 3.56415303e-3f) * u + 1.34381885e-1f) * u + 9.9999997e-1f;
  q = (((8.45363354e-7f * u + 3.39917436e-4f) * u + 2.6136004e-2f) * u + 4.67715093e-1f) * u + 1.0f;
  return x * p / q;
}

typedef union {
  float number;
  uint32_t bits;
} dr_bits;

DR_FUNCTION float dr_exp(float x) {
  dr_bits scale;
  float n, r, p;
  if (!(x > -87.0f)) return x == x ? 0.0f : x;
  if (x > 88.7f) { /* beyond the largest float */
    scale.bits = 0x7f800000u;
    return scale.number;
  }
  n = (float)(int32_t)(x * 1.44269504f + (x < 0 ? -0.5f : 0.5f));
  r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
  p = ((((1.38888889e-3f * r + 8.33333333e-3f) * r + 4.16666667e-2f) * r + 1.66666667e-1f) * r + 0.5f) * r + 1.0f;
  p = p * r + 1.0f;
  scale.bits = (uint32_t)((int32_t)n + 126) << 23; /* half of 2^n, which may be beyond the largest itself */
  return p * scale.number * 2.0f;
}

DR_FUNCTION float dr_log(float x) {
  dr_bits a;
  float n, s, u;
  int32_t exponent;
  if (!(x > 0.0f)) {
    a.bits = x == 0.0f ? 0xff800000u : 0x7fc00000u;
    return a.number;
  }
  if (x > 3.4028234e38f) return x;
  n = 0.0f;
  if (x < 1.17549435e-38f) { /* a subnormal number */
    x *= 16777216.0f;
    n = -24.0f;
  }
  a.number = x;
  exponent = (int32_t)(a.bits >> 23) - 127;
  a.bits = (a.bits & 0x007fffffu) | 0x3f800000u;
  if (a.number > 1.41421356f) {
    a.number *= 0.5f;
    exponent++;
  }
  n += (float)exponent;
  s = (a.number - 1.0f) / (a.number + 1.0f);
  u = s * s;
  s = s * (2.0f + u * (0.666666667f + u * (0.4f + u * (0.285714286f + u * 0.222222222f))));
  return n * 0.693359375f + (s - n * 2.12194440e-4f);
}

DR_FUNCTION float dr_sqrt(float x) {
  dr_bits a;
  int turn;
  if (!(x > 0.0f) || x > 3.4028234e38f) {
    if (x < 0.0f) {
      a.bits = 0x7fc00000u;
      return a.number;
    }
    return x;
  }
  a.number = x;
  a.bits = (a.bits >> 1) + 0x1fbd1df5u; /* half of the exponent: 4 % off, then Newton's method */
  for (turn = 0; turn < 4; turn++) a.number = 0.5f * (a.number + x / a.number);
  return a.number;
}

DR_FUNCTION float dr_erf(float x) {
  const float size = x < 0 ? -x : x;
  const float t = 1.0f / (1.0f + 0.3275911f * size);
  const float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  const float value = 1.0f - p * dr_exp(-x * x);
  return x < 0 ? -value : value;
}

#endif
