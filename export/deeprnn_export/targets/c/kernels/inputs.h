/* Check and convert what a caller gives. */
#ifndef DR_INPUTS_H
#define DR_INPUTS_H

#include "base.h"

/* Whether all of so many ids are in [0, limit). */
DR_INLINE int dr_within(const int32_t *ids, ptrdiff_t count, int32_t limit) {
  ptrdiff_t i;
  int within = 1;
  for (i = 0; i < count; i++) within &= ids[i] >= 0 && ids[i] < limit;
  return within;
}

DR_INLINE void dr_from_int32(const int32_t *from, float *to, ptrdiff_t count) {
  ptrdiff_t i;
  for (i = 0; i < count; i++) to[i] = (float)from[i];
}

DR_INLINE void dr_from_bytes(const uint8_t *from, float *to, ptrdiff_t count) {
  ptrdiff_t i;
  for (i = 0; i < count; i++) to[i] = from[i] ? 1.0f : 0.0f;
}

#endif
