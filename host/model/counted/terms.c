/* SPDX-License-Identifier: Apache-2.0 */
#include "model/counted/terms.h"

#include <math.h>

const char *const counted_term_names[COUNTED_TERMS] = {
    [TERM_STATE] = "state",           [TERM_TASTE] = "taste", [TERM_TOGETHER] = "together",
    [TERM_POPULARITY] = "popularity", [TERM_SEEN] = "seen",   [TERM_NETWORK] = "network",
    [TERM_POINTER] = "pointer",
};

static const CountedTerm term_of_feature[COUNT_FEATURES] = {
    [0] = TERM_TOGETHER, [1] = TERM_TOGETHER,   [2] = TERM_TOGETHER, [3] = TERM_TOGETHER,
    [4] = TERM_TOGETHER, [5] = TERM_POPULARITY, [6] = TERM_TOGETHER, [7] = TERM_TOGETHER,
    [8] = TERM_SEEN,     [9] = TERM_SEEN,       [10] = TERM_SEEN,    [11] = TERM_SEEN,
    [12] = TERM_SEEN,
};

/* Numbers first .. first+count-1 of a tensor of f32. */
static void read(Device *dev, Tensor t, int64_t first, int64_t count, float *out)
{
    device_copy_out(dev, out, f32(t) + first, (size_t)count * sizeof *out);
}

static double number(Device *dev, Tensor t, int64_t at)
{
    float x = 0.0f;
    read(dev, t, at, 1, &x);
    return (double)x;
}

/* The weights of the line, with their calibration. */
static void line_weights(Device *dev, const CountedParams *at, Weights w, bool calibrated,
                         double linear[COUNT_FEATURES])
{
    float weight[COUNT_FEATURES] = {0}, more[COUNT_FEATURES] = {0};
    read(dev, w[at->linear], 0, COUNT_FEATURES, weight);
    if (calibrated) read(dev, w[at->more_linear], 0, COUNT_FEATURES, more);
    for (int k = 0; k < COUNT_FEATURES; k++) linear[k] = (double)weight[k] + (double)more[k];
}

/* The features, standardised. */
static void features(Device *dev, const CountedParams *at, Weights w, const StateRows *s,
                     int64_t place, double x[COUNT_FEATURES])
{
    float f[COUNT_FEATURES] = {0}, mean[COUNT_FEATURES] = {0}, scale[COUNT_FEATURES] = {0};
    read(dev, s->candidates.feature, place * COUNT_FEATURES, COUNT_FEATURES, f);
    read(dev, w[at->mean], 0, COUNT_FEATURES, mean);
    read(dev, w[at->scale], 0, COUNT_FEATURES, scale);
    for (int k = 0; k < COUNT_FEATURES; k++)
        x[k] = ((double)f[k] - (double)mean[k]) * (double)scale[k];
}

static double network(Device *dev, const CountedParams *at, Weights w, const CountedScores *c,
                      int64_t i, const double x[COUNT_FEATURES])
{
    float inner[COUNTED_UNITS * COUNT_FEATURES] = {0}, from[COUNTED_UNITS] = {0};
    float outer[COUNTED_UNITS] = {0};
    double sum = 0.0;
    read(dev, w[at->hidden], 0, COUNTED_UNITS * COUNT_FEATURES, inner);
    read(dev, w[at->out], 0, COUNTED_UNITS, outer);
    read(dev, c->hidden, i * COUNTED_UNITS, COUNTED_UNITS, from);
    for (int h = 0; h < COUNTED_UNITS; h++) {
        double n = (double)from[h];
        for (int k = 0; k < COUNT_FEATURES; k++) n += (double)inner[h * COUNT_FEATURES + k] * x[k];
        sum += (double)outer[h] * fmax(n, 0.0);
    }
    return sum;
}

void counted_terms(Device *dev, const Model *m, Weights w, const StateRows *s,
                   const CountedScores *c, int64_t i, int64_t j, double term[COUNTED_TERMS])
{
    const CountedParams *at = &m->at.counted;
    const int64_t place = i * c->item.dim[1] + j;
    double linear[COUNT_FEATURES], x[COUNT_FEATURES];
    double beta = number(dev, w[at->dense], 0);
    if (s->calibrated) beta += number(dev, w[at->more_dense], 0);
    line_weights(dev, at, w, s->calibrated, linear);
    features(dev, at, w, s, place, x);
    for (int t = 0; t < COUNTED_TERMS; t++) term[t] = 0.0;
    for (int k = 0; k < COUNT_FEATURES; k++) term[term_of_feature[k]] += linear[k] * x[k];
    term[TERM_STATE] = number(dev, c->base, i);
    term[TERM_TASTE] = beta * number(dev, c->dense, place);
    term[TERM_NETWORK] = network(dev, at, w, c, i, x);
    term[TERM_POINTER] = number(dev, c->pointer, place);
}
