/* Stacked SimpleRNN, GRU and LSTM layers as one would write them down: what the machine does for plain loops.
 *
 * Formulas as in Keras: gates i, f, c, o of the LSTM; z, r, h of the GRU with reset_after; tanh and sigmoid.
 * Kernels are row-major (inputs, gates * units), so that the inner loops run over neighbours in memory.
 */
#include <math.h>
#include <string.h>

typedef struct {
    int inputs, units;
    const float *kernel, *recurrent, *bias, *recurrent_bias; /* recurrent_bias: of the GRU alone, else NULL */
} Layer;

typedef struct {
    int cell; /* gates: 1 SimpleRNN, 3 GRU, 4 LSTM */
    int layers, features, outputs, masked;
    int head; /* 0 linear, 1 sigmoid, 2 softmax */
    const float *embedding; /* NULL where the inputs are vectors */
    const float *dense_kernel, *dense_bias;
    const Layer *layer;
} Network;

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* sums += x times matrix */
static void multiply(float *restrict sums, const float *restrict x, const float *restrict matrix, int rows, int columns) {
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) sums[column] += x[row] * matrix[row * columns + column];
}

static void step_rnn(const Layer *l, const float *x, float *restrict h, float *restrict z) {
    memcpy(z, l->bias, sizeof(float) * l->units);
    multiply(z, x, l->kernel, l->inputs, l->units);
    multiply(z, h, l->recurrent, l->units, l->units);
    for (int j = 0; j < l->units; j++) h[j] = tanhf(z[j]);
}

static void step_gru(const Layer *l, const float *x, float *restrict h, float *restrict z) {
    int n = l->units;
    float *restrict recurrent = z + 3 * n;
    memcpy(z, l->bias, sizeof(float) * 3 * n);
    memcpy(recurrent, l->recurrent_bias, sizeof(float) * 3 * n);
    multiply(z, x, l->kernel, l->inputs, 3 * n);
    multiply(recurrent, h, l->recurrent, n, 3 * n);
    for (int j = 0; j < 2 * n; j++) z[j] = sigmoid(z[j] + recurrent[j]);
    for (int j = 0; j < n; j++) z[2 * n + j] = tanhf(z[2 * n + j] + z[n + j] * recurrent[2 * n + j]);
    for (int j = 0; j < n; j++) h[j] = z[j] * h[j] + (1.0f - z[j]) * z[2 * n + j];
}

static void step_lstm(const Layer *l, const float *x, float *restrict h, float *restrict c, float *restrict z) {
    int n = l->units;
    memcpy(z, l->bias, sizeof(float) * 4 * n);
    multiply(z, x, l->kernel, l->inputs, 4 * n);
    multiply(z, h, l->recurrent, n, 4 * n);
    for (int j = 0; j < 2 * n; j++) z[j] = sigmoid(z[j]);
    for (int j = 0; j < n; j++) z[2 * n + j] = tanhf(z[2 * n + j]);
    for (int j = 0; j < n; j++) z[3 * n + j] = sigmoid(z[3 * n + j]);
    for (int j = 0; j < n; j++) c[j] = z[n + j] * c[j] + z[j] * z[2 * n + j];
    for (int j = 0; j < n; j++) h[j] = z[3 * n + j] * tanhf(c[j]);
}

/* One row through every layer, a layer after the other: its weights stay in the cache over the steps.
 *
 * state: (layers, 2, widest), the h and c that each layer goes on from. sequence: room for (steps, widest).
 * z: room for (6, widest). widest: the most of features and units.
 */
static void run_row(const Network *net, const int *ids, const float *vectors, int steps, int widest, float *state,
                    float *sequence, float *z, float *answer) {
    int kept = 0;
    for (int t = 0; t < steps; t++) {
        if (net->masked && ids[t] == 0) continue;
        const float *from = ids ? net->embedding + (long)ids[t] * net->features : vectors + (long)t * net->features;
        memcpy(sequence + (long)kept++ * widest, from, sizeof(float) * net->features);
    }
    for (int i = 0; i < net->layers; i++) {
        const Layer *l = net->layer + i;
        float *h = state + (long)i * 2 * widest, *c = h + widest;
        for (int t = 0; t < kept; t++) {
            float *x = sequence + (long)t * widest;
            if (net->cell == 1) step_rnn(l, x, h, z);
            else if (net->cell == 3) step_gru(l, x, h, z);
            else step_lstm(l, x, h, c, z);
            memcpy(x, h, sizeof(float) * l->units);
        }
    }
    const Layer *top = net->layer + net->layers - 1;
    const float *h = state + (long)(net->layers - 1) * 2 * widest;
    memcpy(answer, net->dense_bias, sizeof(float) * net->outputs);
    multiply(answer, h, net->dense_kernel, top->units, net->outputs);
    if (net->head == 1) answer[0] = sigmoid(answer[0]);
    if (net->head == 2) {
        float most = answer[0], sum = 0;
        for (int j = 1; j < net->outputs; j++) most = fmaxf(most, answer[j]);
        for (int j = 0; j < net->outputs; j++) sum += answer[j] = expf(answer[j] - most);
        for (int j = 0; j < net->outputs; j++) answer[j] /= sum;
    }
}

/* Every row of a batch: ids (rows, steps) or vectors (rows, steps, features), the other NULL; answers (rows, outputs).
 * state: as in run_row, for each row; gone on from where carried, else from zeros. */
void run(const Network *net, const int *ids, const float *vectors, int rows, int steps, int widest, int carried,
         float *state, float *sequence, float *z, float *answers) {
    long states = (long)net->layers * 2 * widest;
    if (!carried) memset(state, 0, sizeof(float) * states * rows);
    for (int row = 0; row < rows; row++)
        run_row(net, ids ? ids + (long)row * steps : 0, vectors ? vectors + (long)row * steps * net->features : 0, steps,
                widest, state + states * row, sequence, z, answers + (long)row * net->outputs);
}
