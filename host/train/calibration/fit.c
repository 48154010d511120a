/* SPDX-License-Identifier: Apache-2.0 */
#include "train/calibration/fit.h"

#include <math.h>
#include <string.h>

enum {
    NUMBERS = 1 + COUNT_STATE_FEATURES + CALIBRATION_SCORES + 1,
    COLD = NUMBERS - 1,
    STEPS_MAX = 60,
    HALVINGS_MAX = 30,
    CHUNKS = 64 /* of events, each summed by itself: the sums do not depend on threads */
};
static const double SETTLED = 1e-7; /* a decrease of the loss below which the search ends */

const Calibration calibration_none = {.dense = 1.0};

/* The numbers as one vector. */
typedef struct {
    double x[NUMBERS];
} Point;

static Point point_of(const Calibration *c)
{
    Point p;
    p.x[0] = c->dense;
    memcpy(p.x + 1, c->state, sizeof c->state);
    memcpy(p.x + 1 + COUNT_STATE_FEATURES, c->score, sizeof c->score);
    p.x[COLD] = c->cold;
    return p;
}

static Calibration calibration_of(const Point *p)
{
    Calibration c = {.dense = p->x[0], .cold = p->x[COLD]};
    memcpy(c.state, p->x + 1, sizeof c.state);
    memcpy(c.score, p->x + 1 + COUNT_STATE_FEATURES, sizeof c.score);
    return c;
}

static double held(double factor)
{
    return fmin(fmax(factor, calibration_factor[0]), calibration_factor[CALIBRATION_FACTORS - 1]);
}

/* A number at `factor`, of its values y and its derivatives d at calibration_factor, and its
 * derivative there. */
static double at_factor(const double *y, const double *d, double factor, double *slope)
{
    int k = 0;
    while (k + 2 < CALIBRATION_FACTORS && factor > calibration_factor[k + 1]) k++;
    const double from = calibration_factor[k], h = calibration_factor[k + 1] - from;
    const double t = (factor - from) / h, u = 1.0 - t;
    const double a = h * d[k] - (y[k + 1] - y[k]), b = -h * d[k + 1] + (y[k + 1] - y[k]);
    *slope = (y[k + 1] - y[k]) / h + (1.0 - 2.0 * t) * (a * u + b * t) / h + t * u * (b - a) / h;
    return u * y[k] + t * y[k + 1] + t * u * (a * u + b * t);
}

/* log sum_a exp(z'_a) of event i, with its derivatives by `dense` and by `cold`. Of all items the
 * new ones have the share `part` before `cold` is added to them. */
static double log_sum(const CalibrationSample *c, int64_t i, double factor, double cold,
                      double *by_dense, double *by_cold)
{
    const int64_t at = i * CALIBRATION_FACTORS;
    double slope_new = 0.0, slope;
    const double all = at_factor(c->log_z + at, c->mean + at, factor, &slope);
    *by_dense = slope;
    *by_cold = 0.0;
    if (!(c->log_new[at] > -INFINITY)) return all;
    const double new = at_factor(c->log_new + at, c->mean_new + at, factor, &slope_new);
    const double part = fmin(exp(new - all), 1.0), more = expm1(cold) * part;
    *by_dense += more / (1.0 + more) * (slope_new - slope);
    *by_cold = exp(cold) * part / (1.0 + more);
    return all + log1p(more);
}

/* Adds the loss of event i, and its gradient to `to`. */
static double add_event(const CalibrationSample *c, int64_t i, const Point *p, Point *to)
{
    const Calibration at = calibration_of(p);
    const double factor = held(at.dense);
    const float *r = c->score + i * c->width, *dense = c->dense + i * c->width;
    const float *state = c->state + i * COUNT_STATE_FEATURES;
    const uint8_t *seen = c->seen + i * c->width;
    double slope, of_new, base = at.score[0], score[COUNT_CANDIDATES_MAX];
    for (int k = 0; k < COUNT_STATE_FEATURES; k++) base += at.state[k] * (double)state[k];

    const double log_z = log_sum(c, i, factor, at.cold, &slope, &of_new);
    double high = log_z;
    int64_t n = 0;
    for (; n < c->width && r[n] > -INFINITY; n++) {
        score[n] = (double)r[n] + base + at.score[1] * seen[n] + at.score[2] * (double)dense[n];
        high = fmax(high, score[n]);
    }
    double sum = exp(log_z - high);
    for (int64_t j = 0; j < n; j++) sum += exp(score[j] - high);
    const double total = high + log(sum);

    /* The target's own: its share by the dense half, the rest by its candidate. */
    const double z = factor * (double)c->target[i] + at.cold * c->followed[i];
    const double own = c->place[i] >= 0 ? score[c->place[i]] : -INFINITY;
    const double top = fmax(z, own), both = top + log(exp(z - top) + exp(own - top));
    const double share = exp(z - both);

    to->x[0] += exp(log_z - total) * slope - share * (double)c->target[i];
    to->x[COLD] += exp(log_z - total) * of_new - share * c->followed[i];
    for (int64_t j = 0; j < n; j++) {
        const double d = exp(score[j] - total) - (j == c->place[i] ? 1.0 - share : 0.0);
        for (int k = 0; k < COUNT_STATE_FEATURES; k++) to->x[1 + k] += d * (double)state[k];
        double *of_score = to->x + 1 + COUNT_STATE_FEATURES;
        of_score[0] += d;
        of_score[1] += d * seen[j];
        of_score[2] += d * (double)dense[j];
    }
    return total - both;
}

/* The mean loss, and its gradient. */
static double mean_loss(const CalibrationSample *c, const Point *p, Point *gradient, int threads)
{
    double loss[CHUNKS] = {0}, sum = 0.0;
    Point part[CHUNKS] = {0};
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int k = 0; k < CHUNKS; k++)
        for (int64_t i = c->count * k / CHUNKS; i < c->count * (k + 1) / CHUNKS; i++)
            loss[k] += add_event(c, i, p, &part[k]);
    *gradient = (Point){0};
    for (int k = 0; k < CHUNKS; k++) {
        sum += loss[k];
        for (int m = 0; m < NUMBERS; m++) gradient->x[m] += part[k].x[m] / (double)c->count;
    }
    if (p->x[0] != held(p->x[0])) gradient->x[0] = 0.0;
    return sum / (double)c->count;
}

static double objective(const CalibrationSample *c, const Point *p, Point *gradient, int threads)
{
    const Point prior = point_of(&calibration_none);
    double value = mean_loss(c, p, gradient, threads);
    for (int k = 0; k < NUMBERS; k++) {
        const double change = p->x[k] - prior.x[k];
        value += 0.5 * change * change / (double)c->count;
        gradient->x[k] += change / (double)c->count;
    }
    return value;
}

double calibration_fit_loss(const CalibrationSample *c, const Calibration *at, int threads)
{
    const Point p = point_of(at);
    Point gradient;
    return mean_loss(c, &p, &gradient, threads);
}

static double dot(const Point *a, const Point *b)
{
    double sum = 0.0;
    for (int k = 0; k < NUMBERS; k++) sum += a->x[k] * b->x[k];
    return sum;
}

static Point product(double matrix[NUMBERS][NUMBERS], const Point *v)
{
    Point out = {0};
    for (int i = 0; i < NUMBERS; i++)
        for (int j = 0; j < NUMBERS; j++) out.x[i] += matrix[i][j] * v->x[j];
    return out;
}

static Point moved(const Point *from, double step, const Point *direction)
{
    Point to = *from;
    for (int k = 0; k < NUMBERS; k++) to.x[k] += step * direction->x[k];
    return to;
}

/* The inverse Hessian after a step s with the change y of the gradient. */
static void update(double inverse[NUMBERS][NUMBERS], const Point *s, const Point *y)
{
    const double curvature = dot(s, y);
    if (curvature <= 1e-12) return;
    const Point hy = product(inverse, y);
    const double factor = (1.0 + dot(y, &hy) / curvature) / curvature;
    for (int i = 0; i < NUMBERS; i++)
        for (int j = 0; j < NUMBERS; j++)
            inverse[i][j] +=
                factor * s->x[i] * s->x[j] - (hy.x[i] * s->x[j] + s->x[i] * hy.x[j]) / curvature;
}

Calibration calibration_fit(const CalibrationSample *c, int threads)
{
    double inverse[NUMBERS][NUMBERS] = {{0}};
    Point at = point_of(&calibration_none), gradient;
    if (c->count == 0) return calibration_none;
    for (int k = 0; k < NUMBERS; k++) inverse[k][k] = 1.0;
    double value = objective(c, &at, &gradient, threads);
    for (int n = 0; n < STEPS_MAX; n++) {
        const Point down = product(inverse, &gradient);
        const double slope = -dot(&down, &gradient);
        Point next = at, there = gradient;
        double step = -1.0, reached = value;
        int halvings = 0;
        for (; halvings < HALVINGS_MAX; halvings++, step /= 2.0) {
            next = moved(&at, step, &down);
            reached = objective(c, &next, &there, threads);
            if (reached <= value - 1e-4 * step * slope) break;
        }
        if (halvings == HALVINGS_MAX || !(reached < value)) break;
        const Point s = moved(&next, -1.0, &at), y = moved(&there, -1.0, &gradient);
        const bool settled = value - reached < SETTLED;
        update(inverse, &s, &y);
        at = next, gradient = there, value = reached;
        if (settled) break;
    }
    at.x[0] = held(at.x[0]);
    return calibration_of(&at);
}
