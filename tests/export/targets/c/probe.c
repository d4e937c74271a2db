/* The kernels with sizes at run time, for test_kernels.py. */
#include "activations.h"
#include "dense.h"
#include "recurrence.h"

void probe_recurrence(const int32_t *sizes, const int32_t *way, const float *parameters, const void *kernel,
                      const void *recurrent, const float *bias, const float *scale, const float *x, const float *mask,
                      int32_t steps, float *h, float *c, float *to, float *room);
void probe_dense(const int32_t *sizes, const void *weights, const float *bias, const float *scale, const float *x,
                 int32_t rows, float *to);
void probe_activation(int32_t kind, float parameter, float *x, int32_t count);
int32_t probe_lanes(void);

void probe_recurrence(const int32_t *sizes, const int32_t *way, const float *parameters, const void *kernel,
                      const void *recurrent, const float *bias, const float *scale, const float *x, const float *mask,
                      int32_t steps, float *h, float *c, float *to, float *room) {
  const dr_cell cell = {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7],
                        parameters[0], parameters[1], kernel, recurrent, bias, scale};
  const dr_way how = {way[0], way[1], way[2], way[3]};
  dr_recurrence(&cell, &how, x, mask, steps, h, c, to, room);
}

void probe_dense(const int32_t *sizes, const void *weights, const float *bias, const float *scale, const float *x,
                 int32_t rows, float *to) {
  const dr_dense layer = {weights, bias, scale, sizes[0], sizes[1], sizes[2], 0.0f};
  dr_dense_run(&layer, x, rows, to);
}

void probe_activation(int32_t kind, float parameter, float *x, int32_t count) { dr_activate(kind, parameter, x, count); }

int32_t probe_lanes(void) { return DR_LANES; }
