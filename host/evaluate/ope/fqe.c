/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/fqe.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch.h"
#include "elementwise.h"
#include "evaluate/ope/linear_q.h"

enum { SWEEPS_MAX = 500 };
static const double SETTLED = 1e-4; /* V has settled when a sweep changes it by less than this */

/* One fit; arrays are on the host. */
typedef struct {
    LinearQ q;
    const OpeLog *log;
    double gamma;
    bool *next;    /* [count] whether decision i + 1 follows i in the same episode */
    float *value;  /* [count] V(h_i) */
    float *target; /* [count] what Q is fitted to */
    float *reward; /* [count] the rewards of one channel */
    float *ratio;  /* [count] w_i of the header */
    float *buffer; /* [count] numbers copied from the device */
    Tensor theta;  /* the coefficients of Q */
    int sweeps;    /* the sweeps that the last Q took */
    bool converged;
} FqeFit;

/* ---- Sweeps ---------------------------------------------------------------------------------- */

/* Replaces `was` by `is`. Returns the root mean square of the change divided by that of `is`; the
 * result is NaN where `is` is not finite. */
static double moved(float *was, const float *is, int64_t count)
{
    double change = 0.0, size = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        change += ((double)is[i] - was[i]) * ((double)is[i] - was[i]);
        size += (double)is[i] * is[i];
        was[i] = is[i];
    }
    return sqrt(change / size);
}

static Status diverges(const FqeFit *f, int sweeps)
{
    return FAIL(ERR_USAGE,
                "FQE diverges: after %d sweeps its values are no longer finite; want a smaller "
                "gamma than %g or a greater ridge than %g",
                sweeps, f->gamma, f->q.ridge);
}

/* Fits Q to `reward` [count], from the theta that is given. */
static Status sweep(FqeFit *f, const float *reward)
{
    Device *dev = f->q.dev;
    const int64_t n = f->q.n;
    const size_t mark = scratch_mark(dev), bytes = (size_t)n * sizeof(float);
    const Tensor y = SCRATCH(dev, F32, n), b = linear_q_coefficients(&f->q);
    double change = INFINITY;
    memset(f->value, 0, bytes);
    for (f->sweeps = 0; f->sweeps < SWEEPS_MAX && change >= SETTLED; f->sweeps++) {
        for (int64_t i = 0; i < n; i++)
            f->target[i] = reward[i] + (f->next[i] ? (float)f->gamma * f->value[i + 1] : 0.0f);
        device_copy_in(dev, y.data, f->target, bytes);
        linear_q_transposed(&f->q, y, b);
        const bool finite = linear_q_solve(&f->q, b, f->theta);
        linear_q_expect(&f->q, f->theta, y);
        device_copy_out(dev, f->buffer, y.data, bytes);
        change = finite ? moved(f->value, f->buffer, n) : NAN;
    }
    f->converged = change < SETTLED;
    scratch_release(dev, mark);
    return isnan(change) ? diverges(f, f->sweeps) : dev->status;
}

/* Finds f->ratio by sweeps: how often the policy visits a state follows from the ratios of the
 * decisions before it. */
static Status find_ratios(FqeFit *f)
{
    Device *dev = f->q.dev;
    const int64_t n = f->q.n;
    const size_t mark = scratch_mark(dev), bytes = (size_t)n * sizeof(float);
    const Tensor g = SCRATCH(dev, F32, n), b = linear_q_coefficients(&f->q);
    const Tensor lambda = linear_q_coefficients(&f->q);
    float *visited = f->buffer;
    double change = INFINITY;
    int sweeps = 0;
    memset(f->ratio, 0, bytes);
    for (; sweeps < SWEEPS_MAX && change >= SETTLED; sweeps++) {
        memset(visited, 0, bytes);
        for (int64_t e = 0; e < f->log->episodes; e++)
            visited[f->log->episode[e]] = 1.0f / (float)f->log->episodes;
        for (int64_t i = 0; i < n; i++)
            if (f->next[i]) visited[i + 1] += (float)f->gamma * f->ratio[i];
        device_copy_in(dev, g.data, visited, bytes);
        linear_q_expect_transposed(&f->q, g, b);
        const bool finite = linear_q_solve(&f->q, b, lambda);
        linear_q_predict(&f->q, lambda, g);
        device_copy_out(dev, visited, g.data, bytes);
        change = finite ? moved(f->ratio, visited, n) : NAN;
    }
    scratch_release(dev, mark);
    return isnan(change) ? diverges(f, sweeps) : dev->status;
}

/* ---- What is returned ------------------------------------------------------------------------ */

/* Fills V, Q and the influences, which are centred, from the Q of all rewards. */
static Status fill_values(FqeFit *f, OpeFqe *fqe)
{
    Device *dev = f->q.dev;
    const int64_t n = f->q.n;
    const size_t mark = scratch_mark(dev);
    const Tensor q = SCRATCH(dev, F32, n);
    double sum = 0.0, square = 0.0;
    TRY(find_ratios(f));
    linear_q_predict(&f->q, f->theta, q);
    device_copy_out(dev, f->buffer, q.data, tensor_bytes(q));
    for (int64_t i = 0; i < n; i++) {
        const double next = f->next[i] ? f->gamma * (double)f->value[i + 1] : 0.0;
        fqe->value[i] = (double)f->value[i];
        fqe->fitted[i] = (double)f->buffer[i];
        const double error = (double)f->log->reward[i] + next - fqe->fitted[i];
        fqe->influence[i] = (double)f->log->episodes * (double)f->ratio[i] * error;
        sum += fqe->influence[i];
        square += error * error;
    }
    for (int64_t i = 0; i < n; i++) fqe->influence[i] -= sum / (double)n;
    fqe->sweeps = f->sweeps;
    fqe->converged = f->converged;
    fqe->residual = sqrt(square / (double)n);
    scratch_release(dev, mark);
    return dev->status;
}

static Status fit_channels(FqeFit *f, OpeFqe *fqe)
{
    for (int c = 0; c < f->log->file->actions; c++) {
        for (int64_t i = 0; i < f->q.n; i++)
            f->reward[i] = f->log->action[i] == c ? f->log->reward[i] : 0.0f;
        elementwise_fill(f->q.dev, f->theta, 0.0f);
        TRY(sweep(f, f->reward));
        double *first = fqe->channel + c * f->log->episodes;
        for (int64_t k = 0; k < f->log->episodes; k++)
            first[k] = (double)f->value[f->log->episode[k]];
    }
    return OK;
}

static Status fit(FqeFit *f, OpeFqe *fqe)
{
    const size_t mark = scratch_mark(f->q.dev);
    Status st;
    f->theta = linear_q_coefficients(&f->q);
    TRY_OR_FAIL(st, sweep(f, f->log->reward));
    TRY_OR_FAIL(st, fill_values(f, fqe));
    if (fqe->channel) TRY_OR_FAIL(st, fit_channels(f, fqe));
fail:
    scratch_release(f->q.dev, mark);
    return st;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static Status allocate(FqeFit *f, OpeFqe *fqe, bool channels)
{
    const size_t count = (size_t)f->log->count, episodes = (size_t)f->log->episodes;
    fqe->value = calloc(count, sizeof *fqe->value);
    fqe->fitted = calloc(count, sizeof *fqe->fitted);
    fqe->influence = calloc(count, sizeof *fqe->influence);
    if (channels)
        fqe->channel = calloc((size_t)f->log->file->actions * episodes, sizeof *fqe->channel);
    f->next = calloc(count, sizeof *f->next);
    f->value = calloc(5 * count, sizeof *f->value);
    if (!fqe->value || !fqe->fitted || !fqe->influence || (channels && !fqe->channel) || !f->next ||
        !f->value)
        return FAIL(ERR_MEMORY, "no memory for FQE of %" PRId64 " decisions", f->log->count);
    f->target = f->value + count;
    f->reward = f->value + 2 * count;
    f->ratio = f->value + 3 * count;
    f->buffer = f->value + 4 * count;
    for (int64_t k = 0; k < f->log->episodes; k++)
        for (int64_t i = f->log->episode[k]; i + 1 < f->log->episode[k + 1]; i++) f->next[i] = true;
    return OK;
}

Status ope_fqe_fit(OpeFqe *fqe, const OpeLog *log, const OpeModelPolicy *policy,
                   const OpeFqeOptions *options)
{
    FqeFit f = {.log = log, .gamma = options->gamma};
    Status st;
    *fqe = (OpeFqe){0};
    TRY_OR_FAIL(st, allocate(&f, fqe, options->channels));
    TRY_OR_FAIL(st, linear_q_open(&f.q, log, policy, options->ridge));
    TRY_OR_FAIL(st, fit(&f, fqe));
fail:
    linear_q_close(&f.q);
    free(f.next);
    free(f.value);
    if (st != OK) ope_fqe_close(fqe);
    return st;
}

void ope_fqe_close(OpeFqe *fqe)
{
    free(fqe->value);
    free(fqe->fitted);
    free(fqe->influence);
    free(fqe->channel);
    *fqe = (OpeFqe){0};
}
