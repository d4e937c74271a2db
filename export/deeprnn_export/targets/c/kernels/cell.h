/* Describe one recurrent cell: SimpleRNN, GRU or LSTM, in the layouts that its kernel reads. */
#ifndef DR_CELL_H
#define DR_CELL_H

#include "activations.h"

enum { DR_RNN, DR_GRU, DR_LSTM };

/* Steps whose inputs are multiplied at once where a cell projects. */
#define DR_STEPS 12

/* plain: any activations; kernel (inputs, gates * units), recurrent (units, gates * units) and bias (gates * units, for
 *   GRU with reset_after twice that) as Keras has them. All below is for the others, which have tanh and sigmoid.
 * Units come in panels of 8, 16 at least: kernel (panels, inputs, gates, 8) and recurrent (panels, units, gates, 8) in
 *   Keras's order of gates; for SimpleRNN, which has one, (panels of 16, inputs, 16). What goes into a sigmoid is halved.
 * bias: (panels, gates, 8); for GRU (panels, 4, 8): of z, r, of the candidate's inputs and of its recurrence.
 * scale: of int8 weights, one a column of both matrices, (panels, gates, 8); NULL where they are floats.
 * projects: whether the inputs of several steps are multiplied at once; for matrices that the first cache does not hold. */
typedef struct {
  int cell, inputs, units, plain, projects, reset_after;
  int activation, gate_activation;
  float parameter, gate_parameter;
  const void *kernel, *recurrent;
  const float *bias, *scale;
} dr_cell;

#define DR_GATES(cell) ((cell) == DR_LSTM ? 4 : (cell) == DR_GRU ? 3 : 1)

/* Floats of room that a layer needs beside its states. */
#define DR_ROOM(cell, units, plain, projects) \
  (DR_PADDED(units) + ((plain) ? (2 * DR_GATES(cell) + 1) * DR_PADDED(units) \
                               : (projects) ? DR_STEPS * DR_GATES(cell) * DR_PADDED(units) : 0))

#endif
