/* Embedding: the row of a table for each id. */
#ifndef DR_EMBEDDING_H
#define DR_EMBEDDING_H

#include "base.h"

/* ids (count), checked by the caller, to rows of a float table, (count, width). */
DR_INLINE void dr_embed(const float *table, int width, const int32_t *ids, ptrdiff_t count, float *to) {
  ptrdiff_t i;
  for (i = 0; i < count; i++) dr_copy(table + (ptrdiff_t)ids[i] * width, to + i * width, width);
}

/* The same of an int8 table, each row of which has a scale. */
DR_INLINE void dr_embed_int8(const int8_t *table, const float *scales, int width, const int32_t *ids, ptrdiff_t count,
                             float *to) {
  ptrdiff_t i;
  int k;
  for (i = 0; i < count; i++) {
    const int8_t *row = table + (ptrdiff_t)ids[i] * width;
    const float scale = scales[ids[i]];
    for (k = 0; k < width; k++) to[i * width + k] = scale * (float)row[k];
  }
}

#endif
