/* Compute on DR_LANES floats at once: AVX2 with FMA, SSE2, NEON, or plain floats.
 *
 * DR_SCALAR asks for plain floats; DR_USE_AVX2 for AVX2 in functions that the compiler builds for it.
 * Multiply and add are written as such: the compiler may not join them, so that a sum has the same bits
 * wherever it is inlined.
 */
#ifndef DR_VECTOR_H
#define DR_VECTOR_H

#include "base.h"

#if !defined(DR_SCALAR) && (defined(DR_USE_AVX2) || (defined(__AVX2__) && defined(__FMA__)))

#include <immintrin.h>
#define DR_LANES 8
typedef __m256 dr_vector;
DR_INLINE dr_vector dr_load(const float *p) { return _mm256_loadu_ps(p); }
DR_INLINE dr_vector dr_load_aligned(const float *p) { return _mm256_load_ps(p); }
DR_INLINE void dr_store(float *p, dr_vector a) { _mm256_storeu_ps(p, a); }
DR_INLINE dr_vector dr_splat(float a) { return _mm256_set1_ps(a); }
DR_INLINE dr_vector dr_add(dr_vector a, dr_vector b) { return _mm256_add_ps(a, b); }
DR_INLINE dr_vector dr_subtract(dr_vector a, dr_vector b) { return _mm256_sub_ps(a, b); }
DR_INLINE dr_vector dr_multiply(dr_vector a, dr_vector b) { return _mm256_mul_ps(a, b); }
DR_INLINE dr_vector dr_divide(dr_vector a, dr_vector b) { return _mm256_div_ps(a, b); }
DR_INLINE dr_vector dr_fma(dr_vector a, dr_vector b, dr_vector c) { return _mm256_fmadd_ps(a, b, c); }
/* A NaN stays one: minps and maxps give their second operand where one is. */
DR_INLINE dr_vector dr_clip(dr_vector a, float most) {
  return _mm256_min_ps(_mm256_set1_ps(most), _mm256_max_ps(_mm256_set1_ps(-most), a));
}
DR_INLINE dr_vector dr_load_int8(const int8_t *p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

#elif !defined(DR_SCALAR) && defined(__SSE2__)

#include <emmintrin.h>
#define DR_LANES 4
typedef __m128 dr_vector;
DR_INLINE dr_vector dr_load(const float *p) { return _mm_loadu_ps(p); }
DR_INLINE dr_vector dr_load_aligned(const float *p) { return _mm_load_ps(p); }
DR_INLINE void dr_store(float *p, dr_vector a) { _mm_storeu_ps(p, a); }
DR_INLINE dr_vector dr_splat(float a) { return _mm_set1_ps(a); }
DR_INLINE dr_vector dr_add(dr_vector a, dr_vector b) { return _mm_add_ps(a, b); }
DR_INLINE dr_vector dr_subtract(dr_vector a, dr_vector b) { return _mm_sub_ps(a, b); }
DR_INLINE dr_vector dr_multiply(dr_vector a, dr_vector b) { return _mm_mul_ps(a, b); }
DR_INLINE dr_vector dr_divide(dr_vector a, dr_vector b) { return _mm_div_ps(a, b); }
DR_INLINE dr_vector dr_fma(dr_vector a, dr_vector b, dr_vector c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
DR_INLINE dr_vector dr_clip(dr_vector a, float most) {
  return _mm_min_ps(_mm_set1_ps(most), _mm_max_ps(_mm_set1_ps(-most), a));
}
/* Reads 8 bytes: panels of int8 weights have as many behind their last vector. */
DR_INLINE dr_vector dr_load_int8(const int8_t *p) {
  __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)p);
  a = _mm_unpacklo_epi8(a, a);
  return _mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpacklo_epi16(a, a), 24));
}

#elif !defined(DR_SCALAR) && defined(__aarch64__) && defined(__ARM_NEON)

#include <arm_neon.h>
#define DR_LANES 4
typedef float32x4_t dr_vector;
DR_INLINE dr_vector dr_load(const float *p) { return vld1q_f32(p); }
DR_INLINE dr_vector dr_load_aligned(const float *p) { return vld1q_f32(p); }
DR_INLINE void dr_store(float *p, dr_vector a) { vst1q_f32(p, a); }
DR_INLINE dr_vector dr_splat(float a) { return vdupq_n_f32(a); }
DR_INLINE dr_vector dr_add(dr_vector a, dr_vector b) { return vaddq_f32(a, b); }
DR_INLINE dr_vector dr_subtract(dr_vector a, dr_vector b) { return vsubq_f32(a, b); }
DR_INLINE dr_vector dr_multiply(dr_vector a, dr_vector b) { return vmulq_f32(a, b); }
DR_INLINE dr_vector dr_divide(dr_vector a, dr_vector b) { return vdivq_f32(a, b); }
DR_INLINE dr_vector dr_fma(dr_vector a, dr_vector b, dr_vector c) { return vfmaq_f32(c, a, b); }
DR_INLINE dr_vector dr_clip(dr_vector a, float most) {
  return vminq_f32(vdupq_n_f32(most), vmaxq_f32(vdupq_n_f32(-most), a));
}
DR_INLINE dr_vector dr_load_int8(const int8_t *p) {
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(p)))));
}

#else

#define DR_LANES 1
typedef float dr_vector;
DR_INLINE dr_vector dr_load(const float *p) { return *p; }
DR_INLINE dr_vector dr_load_aligned(const float *p) { return *p; }
DR_INLINE void dr_store(float *p, dr_vector a) { *p = a; }
DR_INLINE dr_vector dr_splat(float a) { return a; }
DR_INLINE dr_vector dr_add(dr_vector a, dr_vector b) { return a + b; }
DR_INLINE dr_vector dr_subtract(dr_vector a, dr_vector b) { return a - b; }
DR_INLINE dr_vector dr_multiply(dr_vector a, dr_vector b) { return a * b; }
DR_INLINE dr_vector dr_divide(dr_vector a, dr_vector b) { return a / b; }
DR_INLINE dr_vector dr_fma(dr_vector a, dr_vector b, dr_vector c) { return a * b + c; }
DR_INLINE dr_vector dr_clip(dr_vector a, float most) { return a < -most ? -most : a > most ? most : a; }
DR_INLINE dr_vector dr_load_int8(const int8_t *p) { return (float)*p; }

#endif

/* Weights, aligned to 32 bytes: float, or int8 (narrow), whose scale the caller multiplies in. */
DR_INLINE dr_vector dr_weight(const void *weights, ptrdiff_t index, int narrow) {
  return narrow ? dr_load_int8((const int8_t *)weights + index) : dr_load_aligned((const float *)weights + index);
}

/* The first element of a vector in panels of 8 columns, of which one has so many floats. */
DR_INLINE ptrdiff_t dr_panel(int vector, ptrdiff_t panel_floats) {
  return vector * DR_LANES / 8 * panel_floats + vector * DR_LANES % 8;
}

#endif
