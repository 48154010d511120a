/* SPDX-License-Identifier: Apache-2.0 */
#include "train/outcome/fit.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 50, HALVINGS_MAX = 40 };
static const double SETTLED = 1e-10; /* of the loss, the decrease below which the search ends */

/* A convex loss of `numbers` numbers: its value at x, and, where `gradient` is not NULL, its
 * gradient and its Hessian [numbers, numbers], which are 0 before. */
typedef struct Loss Loss;
struct Loss {
    int64_t numbers;
    double (*at)(const Loss *loss, const double *x, double *gradient, double *hessian);
    const FitAnswers *answers;
    double *p; /* [kinds] space */
};

/* ---- Newton's method ------------------------------------------------------------------------- */

/* Solves h d = g for a positive definite h, which becomes its Cholesky factor; g becomes d. */
static void solve(double *h, double *g, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = h[i * n + j];
            for (int64_t k = 0; k < j; k++) sum -= h[i * n + k] * h[j * n + k];
            h[i * n + j] = i == j ? sqrt(sum) : sum / h[j * n + j];
        }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < i; k++) g[i] -= h[i * n + k] * g[k];
        g[i] /= h[i * n + i];
    }
    for (int64_t i = n; i-- > 0;) {
        for (int64_t k = i + 1; k < n; k++) g[i] -= h[k * n + i] * g[k];
        g[i] /= h[i * n + i];
    }
}

/* Moves x towards the minimum. space [n (n + 2)]. */
static void minimise(const Loss *loss, double *x, double *space)
{
    const int64_t n = loss->numbers;
    double *gradient = space, *next = space + n, *hessian = space + 2 * n;
    for (int step = 0; step < STEPS_MAX; step++) {
        memset(space, 0, (size_t)(n * (n + 2)) * sizeof *space);
        const double now = loss->at(loss, x, gradient, hessian);
        double share = 1.0, then = INFINITY;
        solve(hessian, gradient, n);
        for (int halving = 0; halving < HALVINGS_MAX; halving++, share /= 2.0) {
            for (int64_t i = 0; i < n; i++) next[i] = x[i] - share * gradient[i];
            then = loss->at(loss, next, NULL, NULL);
            if (then < now) break;
        }
        if (!(then < now)) return;
        memcpy(x, next, (size_t)n * sizeof *x);
        if (now - then < SETTLED * (1.0 + fabs(now))) return;
    }
}

/* Adds the prior, no change: the number 0 is a factor, the others are shifts. */
static double prior(const Loss *loss, const double *x, double *gradient, double *hessian)
{
    double sum = 0.0;
    for (int64_t i = 0; i < loss->numbers; i++) {
        const double change = x[i] - (i == 0 ? 1.0 : 0.0);
        sum += change * change / 2.0;
        if (gradient) gradient[i] += change, hessian[i * loss->numbers + i] += 1.0;
    }
    return sum;
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

/* p = softmax of the changed logits z; returns the negative logarithm of p[kind]. */
static double softmax(double *p, const float *z, int64_t kinds, const double *x, int64_t kind)
{
    double high = -INFINITY, sum = 0.0;
    for (int64_t k = 0; k < kinds; k++) high = fmax(high, p[k] = x[0] * (double)z[k] + x[1 + k]);
    const double chosen = p[kind] - high;
    for (int64_t k = 0; k < kinds; k++) sum += p[k] = exp(p[k] - high);
    for (int64_t k = 0; k < kinds; k++) p[k] /= sum;
    return log(sum) - chosen;
}

/* With J the derivative of the changed logits, whose column 0 is z and whose others are unit
 * vectors, the gradient is J^T (p - e_kind) and the Hessian J^T (diag p - p p^T) J. */
static double of_kinds(const Loss *loss, const double *x, double *gradient, double *hessian)
{
    const FitAnswers *a = loss->answers;
    const int64_t kinds = a->kinds, n = loss->numbers;
    double sum = prior(loss, x, gradient, hessian), *p = loss->p;
    for (int64_t i = 0; i < a->count; i++) {
        const float *z = a->logits + i * 2 * kinds;
        double mean = 0.0, square = 0.0;
        sum += softmax(p, z, kinds, x, a->kind[i]);
        if (!gradient) continue;
        for (int64_t k = 0; k < kinds; k++) {
            mean += p[k] * (double)z[k];
            square += p[k] * (double)z[k] * (double)z[k];
        }
        gradient[0] += mean - (double)z[a->kind[i]];
        hessian[0] += square - mean * mean;
        for (int64_t k = 0; k < kinds; k++) {
            gradient[1 + k] += p[k] - (k == a->kind[i] ? 1.0 : 0.0);
            hessian[(1 + k) * n] += p[k] * ((double)z[k] - mean);
            for (int64_t j = 0; j <= k; j++)
                hessian[(1 + k) * n + 1 + j] += p[k] * ((j == k ? 1.0 : 0.0) - p[j]);
        }
    }
    return sum;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static double of_ends(const Loss *loss, const double *x, double *gradient, double *hessian)
{
    const FitAnswers *a = loss->answers;
    double sum = prior(loss, x, gradient, hessian);
    for (int64_t i = 0; i < a->count; i++) {
        const double e = (double)a->logits[(2 * i + 1) * a->kinds + a->kind[i]];
        const double t = x[0] * e + x[1], p = 1.0 / (1.0 + exp(-t));
        if (a->left[i] < 0) continue;
        sum += fmax(t, 0.0) + log1p(exp(-fabs(t))) - (double)a->left[i] * t;
        if (!gradient) continue;
        gradient[0] += (p - (double)a->left[i]) * e;
        gradient[1] += p - (double)a->left[i];
        hessian[0] += p * (1.0 - p) * e * e;
        hessian[2] += p * (1.0 - p) * e;
        hessian[3] += p * (1.0 - p);
    }
    return sum;
}

Status fit_answers(const FitAnswers *a, float *factor, float *shift)
{
    const int64_t kinds = a->kinds, n = kinds + 1;
    double *space = calloc((size_t)(n * (n + 2) + n + kinds), sizeof *space);
    if (!space) return FAIL(ERR_MEMORY, "no memory to calibrate %" PRId64 " kinds", kinds);
    double *x = space + n * (n + 2), ends[2] = {1.0, 0.0};
    x[0] = 1.0;
    const Loss loss_of_kinds = {n, of_kinds, a, x + n};
    const Loss loss_of_ends = {2, of_ends, a, NULL};
    minimise(&loss_of_kinds, x, space);
    minimise(&loss_of_ends, ends, space);
    factor[0] = (float)x[0];
    factor[1] = (float)ends[0];
    for (int64_t k = 0; k < kinds; k++) {
        shift[k] = (float)x[1 + k];
        shift[kinds + k] = (float)ends[1];
    }
    free(space);
    return OK;
}
