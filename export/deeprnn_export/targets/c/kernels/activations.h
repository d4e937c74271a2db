/* Apply Keras's activations to an array: as in keras.activations, each with Keras's own constants. */
#ifndef DR_ACTIVATIONS_H
#define DR_ACTIVATIONS_H

#include "functions.h"

enum {
  DR_LINEAR,
  DR_TANH,
  DR_SIGMOID,
  DR_RELU, /* of a largest value; infinite where there is none */
  DR_LEAKY_RELU, /* of a slope */
  DR_ELU, /* of an alpha */
  DR_SELU,
  DR_SOFTPLUS,
  DR_SOFTSIGN,
  DR_HARD_SIGMOID, /* of a slope: Keras 3 has 1/6, Keras 2 0.2 */
  DR_HARD_TANH,
  DR_HARD_SILU,
  DR_SILU,
  DR_GELU,
  DR_GELU_TANH,
  DR_EXPONENTIAL,
  DR_LOG_SIGMOID,
  DR_MISH,
  DR_TANH_SHRINK,
  DR_SOFT_SHRINK, /* of a threshold */
  DR_HARD_SHRINK, /* of a threshold */
  DR_SPARSE_PLUS,
  DR_SPARSE_SIGMOID,
  DR_SQUAREPLUS, /* of b */
  DR_SOFTMAX, /* this and the next ones: over the whole array */
  DR_LOG_SOFTMAX,
  DR_SPARSEMAX
};

DR_INLINE float dr_sigmoid_1(float x) { return 1.0f / (1.0f + dr_exp(-x)); }

DR_INLINE float dr_bounded(float x, float least, float most) { return x < least ? least : x > most ? most : x; }

DR_INLINE float dr_softplus(float x) { return (x < 0 ? 0 : x) + dr_log(1.0f + dr_exp(x < 0 ? x : -x)); }

DR_INLINE float dr_activate_1(int kind, float p, float x) {
  switch (kind) {
    case DR_TANH: return dr_tanh_1(x);
    case DR_SIGMOID: return dr_sigmoid_1(x);
    case DR_RELU: return dr_bounded(x, 0.0f, p);
    case DR_LEAKY_RELU: return x < 0 ? p * x : x;
    case DR_ELU: return x < 0 ? p * (dr_exp(x) - 1.0f) : x;
    case DR_SELU: return 1.05070099f * (x < 0 ? 1.67326324f * (dr_exp(x) - 1.0f) : x);
    case DR_SOFTPLUS: return dr_softplus(x);
    case DR_SOFTSIGN: return x / (1.0f + (x < 0 ? -x : x));
    case DR_HARD_SIGMOID: return dr_bounded(p * x + 0.5f, 0.0f, 1.0f);
    case DR_HARD_TANH: return dr_bounded(x, -1.0f, 1.0f);
    case DR_HARD_SILU: return x * dr_bounded(x * 0.166666667f + 0.5f, 0.0f, 1.0f);
    case DR_SILU: return x * dr_sigmoid_1(x);
    case DR_GELU: return 0.5f * x * (1.0f + dr_erf(x * 0.707106781f));
    case DR_GELU_TANH: return 0.5f * x * (1.0f + dr_tanh_1(0.797884561f * (x + 0.044715f * x * x * x)));
    case DR_EXPONENTIAL: return dr_exp(x);
    case DR_LOG_SIGMOID: return -dr_softplus(-x);
    case DR_MISH: return x * dr_tanh_1(dr_softplus(x));
    case DR_TANH_SHRINK: return x - dr_tanh_1(x);
    case DR_SOFT_SHRINK: return x > p ? x - p : x < -p ? x + p : x == x ? 0.0f : x;
    case DR_HARD_SHRINK: return x > p || x < -p || x != x ? x : 0.0f;
    case DR_SPARSE_PLUS: return x <= -1.0f ? 0.0f : x < 1.0f ? 0.25f * (x + 1.0f) * (x + 1.0f) : x;
    case DR_SPARSE_SIGMOID: return dr_bounded(0.5f * (x + 1.0f), 0.0f, 1.0f);
    case DR_SQUAREPLUS: return 0.5f * (x + dr_sqrt(x * x + p));
    default: return x;
  }
}

DR_FUNCTION void dr_softmax(float *x, int count, int logarithm) {
  float most = x[0], sum = 0.0f;
  int i;
  for (i = 1; i < count; i++) most = x[i] > most ? x[i] : most;
  for (i = 0; i < count; i++) {
    x[i] -= most;
    sum += dr_exp(x[i]);
  }
  if (logarithm) {
    sum = dr_log(sum);
    for (i = 0; i < count; i++) x[i] -= sum;
  } else {
    for (i = 0; i < count; i++) x[i] = dr_exp(x[i]) / sum;
  }
}

/* The support by Michelot's method: drop what lies below the threshold until nothing does. The threshold itself is
 * Keras 3.15's on TensorFlow, (sum of the cumulative sums - 1) / size, which from two elements on is not the paper's. */
DR_FUNCTION void dr_sparsemax(float *x, int count) {
  float threshold = 0.0f, least = 0.0f, sum;
  int i, j, kept = 0, before;
  do {
    before = kept;
    least = threshold;
    sum = 0.0f;
    kept = 0;
    for (i = 0; i < count; i++) {
      if (before == 0 || x[i] > least) {
        sum += x[i];
        kept++;
      }
    }
    threshold = (sum - 1.0f) / (float)(kept ? kept : 1);
  } while (kept != before && kept > 0);
  sum = 0.0f;
  for (i = 0; i < count; i++) { /* the cumulative sums that hold an element: from its own on */
    int sums = 0;
    for (j = 0; x[i] > threshold && j < count; j++)
      sums += x[j] > threshold && (x[j] < x[i] || (x[j] == x[i] && j >= i));
    sum += (float)sums * x[i];
  }
  threshold = (sum - 1.0f) / (float)(kept ? kept : 1);
  for (i = 0; i < count; i++) x[i] = x[i] > threshold ? x[i] - threshold : 0.0f;
}

/* Apply to an array of so many floats, in place. p: the parameter that some kinds have. */
DR_INLINE void dr_activate(int kind, float p, float *x, int count) {
  int i;
  if (kind == DR_LINEAR) return;
  if (kind == DR_SOFTMAX || kind == DR_LOG_SOFTMAX) {
    dr_softmax(x, count, kind == DR_LOG_SOFTMAX);
  } else if (kind == DR_SPARSEMAX) {
    dr_sparsemax(x, count);
  } else {
    for (i = 0; i < count; i++) x[i] = dr_activate_1(kind, p, x[i]);
  }
}

/* The same for each row of an array. */
DR_INLINE void dr_activate_rows(int kind, float p, float *x, ptrdiff_t rows, int count) {
  ptrdiff_t row;
  for (row = 0; row < rows; row++) dr_activate(kind, p, x + row * count, count);
}

#endif
