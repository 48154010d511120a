/* SPDX-License-Identifier: Apache-2.0 */
#include "train/acting/noise.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "catalogue/policy.h"
#include "model/scores.h"

/* A table has at most so many numbers, and so many states. */
enum { TABLE_NUMBERS = 1 << 22, TABLE_ROWS = 64 };

typedef struct {
    Session *session;
    double *square, *claimed, *seen; /* [states] */
} Measuring;

/* Of a part of the states, on the host: scores of all items, table[a * rows + i], and of the
 * policy's candidates item and r [rows, width]. */
typedef struct {
    float *log_p, *q, *q2;
    int32_t *item;
    float *r;
    int64_t items, rows, width;
} Scores;

/* ---- One state ------------------------------------------------------------------------------- */

/* log(exp a + exp b) of finite a, and b that may be -inf. */
static double log_of_sum(double a, double b)
{
    const double high = fmax(a, b), low = fmin(a, b);
    return high + log1p(exp(low - high));
}

/* Numbers for all items of a row: log pi but for a constant, then pi. */
static void policy_of_row(const Scores *s, int64_t row, double *p)
{
    double top = -INFINITY, sum = 0.0;
    for (int64_t a = 0; a < s->items; a++) p[a] = (double)s->log_p[a * s->rows + row];
    for (int64_t j = row * s->width; j < (row + 1) * s->width; j++)
        if (s->item[j] >= 0) p[s->item[j]] = log_of_sum(p[s->item[j]], (double)s->r[j]);
    for (int64_t a = 0; a < s->items; a++) top = fmax(top, p[a]);
    for (int64_t a = 0; a < s->items; a++) sum += p[a] = exp(p[a] - top);
    for (int64_t a = 0; a < s->items; a++) p[a] /= sum;
}

static double mean_of_row(const Scores *s, int64_t row, const double *p, const float *q)
{
    double mean = 0.0;
    for (int64_t a = 0; a < s->items; a++) mean += p[a] * (double)q[a * s->rows + row];
    return mean;
}

static void measure_row(const Measuring *m, const Scores *s, int64_t row, int64_t state, double *p)
{
    double square = 0.0;
    int64_t best = 0;
    policy_of_row(s, row, p);
    const double mean = mean_of_row(s, row, p, s->q), mean2 = mean_of_row(s, row, p, s->q2);
    for (int64_t a = 0; a < s->items; a++) {
        const int64_t at = a * s->rows + row;
        const double d = ((double)s->q[at] - mean) - ((double)s->q2[at] - mean2);
        square += p[a] * d * d;
        if (s->q[at] > s->q[best * s->rows + row]) best = a;
    }
    m->square[state] = square;
    m->claimed[state] = (double)s->q[best * s->rows + row] - mean;
    m->seen[state] = (double)s->q2[best * s->rows + row] - mean2;
}

static Status measure_rows(const Measuring *m, const Scores *s, const int64_t *state)
{
    const int threads = m->session->dev->threads;
    double *space = malloc((size_t)(threads * s->items) * sizeof *space);
    if (!space)
        return FAIL(ERR_MEMORY, "no memory for the policy over %" PRId64 " items", s->items);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int t = 0; t < threads; t++)
        for (int64_t i = t; i < s->rows; i += threads)
            measure_row(m, s, i, state[i], space + t * s->items);
    free(space);
    return OK;
}

/* ---- States ---------------------------------------------------------------------------------- */

static CatalogueHead head_of(const HeadScores *s)
{
    return (CatalogueHead){s->u, &s->items, s->bias};
}

static void *read_tensor(Device *dev, Tensor t)
{
    return device_read(dev, t.data, tensor_bytes(t));
}

/* The values of a head as a table, or its scores where it has no values. */
static float *read_table(Session *s, const HeadScores *of, bool logarithms)
{
    const Tensor table = SCRATCH(s->dev, F32, s->model->shape.items, of->u.dim[0]);
    catalogue_policy_blend(
        s->dev, table, head_of(of), head_of(of),
        (CatalogueBlend){.q_weight = 1.0f, .logarithms = logarithms, .shift = of->state});
    return read_tensor(s->dev, table);
}

static Status measure_part(void *context, const StateBatch *batch)
{
    const Measuring *m = context;
    Session *s = m->session;
    Device *dev = s->dev;
    Weights w = session_weights(s);
    const bool logarithms = s->model->shape.log_values;
    const HeadScores z = scores_ranking(dev, s->model, w, HEAD_POLICY, &batch->rows);
    const HeadScores q = scores_full(dev, s->model, w, HEAD_Q, &batch->rows);
    const HeadScores q2 = scores_full(dev, s->model, w, HEAD_SECOND_Q, &batch->rows);
    Scores of = {.log_p = read_table(s, &z, false),
                 .q = read_table(s, &q, logarithms),
                 .q2 = read_table(s, &q2, logarithms),
                 .items = s->model->shape.items,
                 .rows = batch->count};
    bool read = of.log_p && of.q && of.q2;
    if (z.counted.item.data) {
        of.item = read_tensor(dev, z.counted.item);
        of.r = read_tensor(dev, z.counted.score);
        of.width = z.counted.item.dim[1];
        read = read && of.item && of.r;
    }
    Status st = device_sync(dev);
    if (st == OK && !read) st = dev->status;
    if (st == OK) st = measure_rows(m, &of, batch->index);
    device_read_done(dev, of.log_p);
    device_read_done(dev, of.q);
    device_read_done(dev, of.q2);
    device_read_done(dev, of.item);
    device_read_done(dev, of.r);
    return st;
}

static Status measure(void *context, const StateBatch *batch)
{
    const Measuring *m = context;
    const int64_t fit = TABLE_NUMBERS / m->session->model->shape.items;
    const int64_t most = fit < 1 ? 1 : fit < TABLE_ROWS ? fit : TABLE_ROWS;
    return states_in_parts(m->session, batch, most, (StateSink){measure_part, context});
}

static double sum_of(const double *x, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += x[i];
    return sum;
}

Status noise_measure(Session *s, const LogEvents *events, QNoise *noise)
{
    const int64_t count = events->first[events->users];
    double *space = calloc((size_t)(3 * count) + 1, sizeof *space);
    *noise = (QNoise){0};
    if (!space) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " states", count);
    Measuring m = {s, space, space + count, space + 2 * count};
    const Status st = states_before(s, events, "acting", NULL, (StateSink){measure, &m});
    if (st == OK && count > 0)
        *noise = (QNoise){.states = count,
                          .noise = sqrt(sum_of(m.square, count) / (double)count),
                          .kept = sum_of(m.seen, count) / sum_of(m.claimed, count)};
    free(space);
    return st;
}
