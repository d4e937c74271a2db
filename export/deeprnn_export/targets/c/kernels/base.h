/* Declare what every kernel needs of the compiler: C99 or C++, with or without GNU attributes. */
#ifndef DR_BASE_H
#define DR_BASE_H

#include <stddef.h>
#include <stdint.h>

/* Sizes come as constants: inlined, a kernel becomes one for these sizes. */
#if defined(__GNUC__)
#define DR_INLINE static inline __attribute__((always_inline, unused))
#define DR_FUNCTION static __attribute__((unused))
#define DR_ALIGNED __attribute__((aligned(32)))
#define DR_INFINITY __builtin_inff()
#else
#define DR_INLINE static inline
#define DR_FUNCTION static
#define DR_ALIGNED
#define DR_INFINITY ((float)(1e300 * 1e300))
#endif

/* Units of a recurrent layer are padded to a multiple of this; the weights of the missing ones are 0. */
#define DR_PAD 16
#define DR_PADDED(n) (((n) + DR_PAD - 1) / DR_PAD * DR_PAD)

DR_INLINE void dr_copy(const float *from, float *to, ptrdiff_t count) {
  ptrdiff_t i;
  for (i = 0; i < count; i++) to[i] = from[i];
}

DR_INLINE void dr_fill(float *to, float value, ptrdiff_t count) {
  ptrdiff_t i;
  for (i = 0; i < count; i++) to[i] = value;
}

#endif
