/* Combine, reduce and move arrays of up to 5 axes, whose sizes and strides come as constants. */
#ifndef DR_ELEMENTWISE_H
#define DR_ELEMENTWISE_H

#include "functions.h"

enum {
  DR_ADD, DR_SUBTRACT, DR_MULTIPLY, DR_DIVIDE, DR_MAXIMUM, DR_MINIMUM, DR_SQUARED_DIFFERENCE,
  DR_EQUAL, DR_NOT_EQUAL, DR_GREATER, DR_GREATER_EQUAL, DR_LESS, DR_LESS_EQUAL,
  DR_SELECT, /* the second where the first is not 0, else the third */
  DR_NEGATE, DR_ABSOLUTE, DR_SQUARE, DR_ROOT, DR_INVERSE_ROOT, DR_LOG
};

enum { DR_SUM, DR_MEAN, DR_MAX, DR_MIN, DR_PRODUCT };

/* Sizes of the axes, and how far apart neighbours on each stand in the arrays; 0 where one element serves all. */
typedef struct {
  ptrdiff_t size[5], a[5], b[5], c[5];
} dr_walk;

DR_INLINE float dr_combine_1(int function, float a, float b, float c) {
  switch (function) {
    case DR_ADD: return a + b;
    case DR_SUBTRACT: return a - b;
    case DR_MULTIPLY: return a * b;
    case DR_DIVIDE: return a / b;
    case DR_MAXIMUM: return a > b || a != a ? a : b;
    case DR_MINIMUM: return a < b || a != a ? a : b;
    case DR_SQUARED_DIFFERENCE: return (a - b) * (a - b);
    case DR_EQUAL: return a == b ? 1.0f : 0.0f;
    case DR_NOT_EQUAL: return a != b ? 1.0f : 0.0f;
    case DR_GREATER: return a > b ? 1.0f : 0.0f;
    case DR_GREATER_EQUAL: return a >= b ? 1.0f : 0.0f;
    case DR_LESS: return a < b ? 1.0f : 0.0f;
    case DR_LESS_EQUAL: return a <= b ? 1.0f : 0.0f;
    case DR_SELECT: return a != 0.0f ? b : c;
    case DR_NEGATE: return -a;
    case DR_ABSOLUTE: return a < 0.0f ? -a : a;
    case DR_SQUARE: return a * a;
    case DR_ROOT: return dr_sqrt(a);
    case DR_INVERSE_ROOT: return 1.0f / dr_sqrt(a);
    default: return dr_log(a);
  }
}

/* a, b, c by their strides to an array without gaps; b and c are read where the function has them, else any array. */
DR_INLINE void dr_combine(int function, const dr_walk *w, const float *a, const float *b, const float *c, float *to) {
  ptrdiff_t i, j, k, l, m;
  for (i = 0; i < w->size[0]; i++)
    for (j = 0; j < w->size[1]; j++)
      for (k = 0; k < w->size[2]; k++)
        for (l = 0; l < w->size[3]; l++)
          for (m = 0; m < w->size[4]; m++)
            *to++ = dr_combine_1(
                function, a[i * w->a[0] + j * w->a[1] + k * w->a[2] + l * w->a[3] + m * w->a[4]],
                b[i * w->b[0] + j * w->b[1] + k * w->b[2] + l * w->b[3] + m * w->b[4]],
                c[i * w->c[0] + j * w->c[1] + k * w->c[2] + l * w->c[3] + m * w->c[4]]);
}

/* From one place by the strides a to another one by the strides b. */
DR_INLINE void dr_move(const dr_walk *w, const float *from, float *to) {
  ptrdiff_t i, j, k, l, m;
  for (i = 0; i < w->size[0]; i++)
    for (j = 0; j < w->size[1]; j++)
      for (k = 0; k < w->size[2]; k++)
        for (l = 0; l < w->size[3]; l++)
          for (m = 0; m < w->size[4]; m++)
            to[i * w->b[0] + j * w->b[1] + k * w->b[2] + l * w->b[3] + m * w->b[4]] =
                from[i * w->a[0] + j * w->a[1] + k * w->a[2] + l * w->a[3] + m * w->a[4]];
}

/* x (outer, count, inner) to (outer, inner). */
DR_INLINE void dr_reduce(int function, const float *x, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, float *to) {
  ptrdiff_t i, j, k;
  for (i = 0; i < outer; i++) {
    for (k = 0; k < inner; k++) {
      const float *from = x + i * count * inner + k;
      float value = from[0];
      for (j = 1; j < count; j++) {
        const float next = from[j * inner];
        if (function == DR_MAX)
          value = next > value || next != next ? next : value;
        else if (function == DR_MIN)
          value = next < value || next != next ? next : value;
        else if (function == DR_PRODUCT)
          value *= next;
        else
          value += next;
      }
      to[i * inner + k] = function == DR_MEAN ? value / (float)count : value;
    }
  }
}

/* batch matrices (m, k) by (k, n) to (m, n); the strides of their rows and columns say which one is turned. */
DR_INLINE void dr_matrices(const float *a, ptrdiff_t a_row, ptrdiff_t a_column, const float *b, ptrdiff_t b_row,
                           ptrdiff_t b_column, ptrdiff_t batch, ptrdiff_t m, ptrdiff_t k, ptrdiff_t n, float *to) {
  ptrdiff_t one, i, j, p;
  for (one = 0; one < batch; one++, a += m * k, b += k * n)
    for (i = 0; i < m; i++)
      for (j = 0; j < n; j++) {
        float sum = 0.0f;
        for (p = 0; p < k; p++) sum += a[i * a_row + p * a_column] * b[p * b_row + j * b_column];
        *to++ = sum;
      }
}

#endif
