/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/fqe.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/scratch.h"
#include "elementwise.h"
#include "evaluate/ope/linear_q.h"

static const double SETTLED = 5e-4; /* V has settled when a sweep changes it by less than this */

/* One fit; arrays are on the host. Rows are those of linear_q.h: decisions that have a state. */
typedef struct {
    LinearQ q;
    const OpeLog *log;
    const OpeFqeOptions *options;
    bool *next; /* [n] whether row i + 1 follows row i in the same episode */
    float
        *initial; /* [n] gamma^t / episodes where row i is step t, the first with a state; else 0 */
    float *value; /* [n] V(h_i) */
    float *target; /* [n] what Q is fitted to */
    float *reward; /* [n] the rewards of one channel */
    float *ratio;  /* [n] w_i of the header */
    float *buffer; /* [n] numbers copied from the device */
    Tensor theta;  /* the coefficients of Q */
} FqeFit;

/* ---- Sweeps ---------------------------------------------------------------------------------- */

/* The sweeps of one fit. */
typedef struct {
    Progress bar;
    OpeFqeFit done;
    double change; /* by which the last sweep moved the result, relative to it */
} Sweeps;

static void begin_sweeps(Sweeps *s, const FqeFit *f, const char *stage)
{
    *s = (Sweeps){.change = INFINITY};
    progress_begin(&s->bar, stage, f->options->steps, f->options->listener);
}

static bool goes_on(const Sweeps *s, const FqeFit *f)
{
    return !s->done.converged && s->done.steps < f->options->steps;
}

/* Solves for the right-hand side b, from x, as one more sweep. */
static bool solve_sweep(Sweeps *s, const FqeFit *f, Tensor b, Tensor x, bool *solved)
{
    const int64_t left = f->options->steps - s->done.steps;
    int64_t taken;
    const bool finite = linear_q_solve(&f->q, b, x, left, &taken, solved);
    s->done.sweeps++;
    s->done.steps += taken;
    return finite;
}

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
                sweeps, f->options->gamma, f->q.ridge);
}

/* After a sweep: takes its result, says how far the fit is, and fails where it diverges. */
static Status end_sweep(Sweeps *s, const FqeFit *f, float *was, bool finite, bool solved)
{
    char extra[64];
    s->change = finite ? moved(was, f->buffer, f->q.n) : NAN;
    if (isnan(s->change)) return diverges(f, s->done.sweeps);
    s->done.converged = solved && s->change < SETTLED;
    snprintf(extra, sizeof extra, "sweep %d, change %.1e", s->done.sweeps, s->change);
    return goes_on(s, f) ? progress_update(&s->bar, s->done.steps, extra) : OK;
}

static Status end_sweeps(const Sweeps *s, const FqeFit *f)
{
    Progress bar = s->bar;
    progress_end(&bar, NULL);
    if (!s->done.converged)
        listener_warn(
            f->options->listener,
            "FQE, %s: not converged after %" PRId64
            " steps in %d sweeps: the last one changed the result by %.1e, want less than "
            "%.0e; more --fqe-steps or a greater --ridge may help",
            s->bar.stage, s->done.steps, s->done.sweeps, s->change, SETTLED);
    return f->q.dev->status;
}

/* Fits Q to `reward` [n], from the theta that is given. */
static Status fit_rewards(FqeFit *f, const float *reward, const char *stage, OpeFqeFit *done)
{
    Device *dev = f->q.dev;
    const int64_t n = f->q.n;
    const size_t mark = scratch_mark(dev), bytes = (size_t)n * sizeof(float);
    const Tensor y = SCRATCH(dev, F32, n), b = linear_q_coefficients(&f->q);
    const float gamma = (float)f->options->gamma;
    Status st = OK;
    Sweeps s;
    memset(f->value, 0, bytes);
    begin_sweeps(&s, f, stage);
    while (st == OK && goes_on(&s, f)) {
        bool solved;
        for (int64_t i = 0; i < n; i++)
            f->target[i] = reward[i] + (f->next[i] ? gamma * f->value[i + 1] : 0.0f);
        device_copy_in(dev, y.data, f->target, bytes);
        linear_q_transposed(&f->q, y, b);
        const bool finite = solve_sweep(&s, f, b, f->theta, &solved);
        linear_q_expect(&f->q, f->theta, y);
        device_copy_out(dev, f->buffer, y.data, bytes);
        st = end_sweep(&s, f, f->value, finite, solved);
    }
    *done = s.done;
    scratch_release(dev, mark);
    return st == OK ? end_sweeps(&s, f) : st;
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
    const float gamma = (float)f->options->gamma;
    float *visited = f->buffer;
    Status st = OK;
    Sweeps s;
    memset(f->ratio, 0, bytes);
    begin_sweeps(&s, f, "density ratios");
    while (st == OK && goes_on(&s, f)) {
        bool solved;
        memcpy(visited, f->initial, bytes);
        for (int64_t i = 0; i < n; i++)
            if (f->next[i]) visited[i + 1] += gamma * f->ratio[i];
        device_copy_in(dev, g.data, visited, bytes);
        linear_q_expect_transposed(&f->q, g, b);
        const bool finite = solve_sweep(&s, f, b, lambda, &solved);
        linear_q_predict(&f->q, lambda, g);
        device_copy_out(dev, visited, g.data, bytes);
        st = end_sweep(&s, f, f->ratio, finite, solved);
    }
    scratch_release(dev, mark);
    return st == OK ? end_sweeps(&s, f) : st;
}

/* ---- What is returned ------------------------------------------------------------------------ */

/* Completes V and Q at the decisions without a state. */
static void fill_stateless(const FqeFit *f, OpeFqe *fqe)
{
    for (int64_t k = 0; k < f->log->episodes; k++) {
        double after = 0.0;
        for (int64_t i = f->log->episode[k + 1]; i-- > f->log->episode[k];) {
            if (f->q.row[i] < 0)
                fqe->value[i] = fqe->fitted[i] =
                    (double)f->log->reward[i] + f->options->gamma * after;
            after = fqe->value[i];
        }
    }
}

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
        const int64_t at = f->q.decision[i];
        const double next = f->next[i] ? f->options->gamma * (double)f->value[i + 1] : 0.0;
        fqe->value[at] = (double)f->value[i];
        fqe->fitted[at] = (double)f->buffer[i];
        const double error = (double)f->log->reward[at] + next - fqe->fitted[at];
        fqe->influence[at] = (double)f->log->episodes * (double)f->ratio[i] * error;
        sum += fqe->influence[at];
        square += error * error;
    }
    for (int64_t i = 0; i < n; i++) fqe->influence[f->q.decision[i]] -= sum / (double)n;
    fill_stateless(f, fqe);
    fqe->fit.residual = sqrt(square / (double)n);
    scratch_release(dev, mark);
    return dev->status;
}

/* first[k] = V before the first decision of episode k, by the rewards of action c. */
static void first_values(const FqeFit *f, int c, double *first)
{
    const OpeLog *log = f->log;
    for (int64_t k = 0; k < log->episodes; k++) {
        double discount = 1.0;
        int64_t i = log->episode[k];
        for (; i < log->episode[k + 1] && f->q.row[i] < 0; i++) {
            if (log->action[i] == c) first[k] += discount * (double)log->reward[i];
            discount *= f->options->gamma;
        }
        if (i < log->episode[k + 1]) first[k] += discount * (double)f->value[f->q.row[i]];
    }
}

static Status fit_channels(FqeFit *f, OpeFqe *fqe)
{
    for (int c = 0; c < f->log->file->actions; c++) {
        OpeFqeFit done;
        char stage[40];
        snprintf(stage, sizeof stage, "fitted Q of %.20s", f->log->file->action_name[c]);
        for (int64_t i = 0; i < f->q.n; i++) {
            const int64_t at = f->q.decision[i];
            f->reward[i] = f->log->action[at] == c ? f->log->reward[at] : 0.0f;
        }
        elementwise_fill(f->q.dev, f->theta, 0.0f);
        TRY(fit_rewards(f, f->reward, stage, &done));
        first_values(f, c, fqe->channel + c * f->log->episodes);
    }
    return OK;
}

static Status fit(FqeFit *f, OpeFqe *fqe)
{
    const size_t mark = scratch_mark(f->q.dev);
    Status st;
    f->theta = linear_q_coefficients(&f->q);
    for (int64_t i = 0; i < f->q.n; i++) f->reward[i] = f->log->reward[f->q.decision[i]];
    TRY_OR_FAIL(st, fit_rewards(f, f->reward, "fitted Q", &fqe->fit));
    TRY_OR_FAIL(st, fill_values(f, fqe));
    if (fqe->channel) TRY_OR_FAIL(st, fit_channels(f, fqe));
fail:
    scratch_release(f->q.dev, mark);
    return st;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Fills `next` and `initial`. */
static void follow_episodes(FqeFit *f)
{
    const OpeLog *log = f->log;
    for (int64_t k = 0; k < log->episodes; k++) {
        double weight = 1.0 / (double)log->episodes;
        bool begun = false;
        for (int64_t i = log->episode[k]; i < log->episode[k + 1]; i++) {
            const int64_t row = f->q.row[i];
            if (row < 0) {
                weight *= f->options->gamma;
                continue;
            }
            f->initial[row] = begun ? 0.0f : (float)weight;
            f->next[row] = i + 1 < log->episode[k + 1];
            begun = true;
        }
    }
}

static Status allocate(FqeFit *f, OpeFqe *fqe)
{
    const size_t count = (size_t)f->log->count, episodes = (size_t)f->log->episodes,
                 n = (size_t)f->q.n;
    const bool channels = f->options->channels;
    fqe->value = calloc(count, sizeof *fqe->value);
    fqe->fitted = calloc(count, sizeof *fqe->fitted);
    fqe->influence = calloc(count, sizeof *fqe->influence);
    if (channels)
        fqe->channel = calloc((size_t)f->log->file->actions * episodes, sizeof *fqe->channel);
    f->next = calloc(n, sizeof *f->next);
    f->initial = calloc(6 * n, sizeof *f->initial);
    if (!fqe->value || !fqe->fitted || !fqe->influence || (channels && !fqe->channel) || !f->next ||
        !f->initial)
        return FAIL(ERR_MEMORY, "no memory for FQE of %" PRId64 " decisions", f->log->count);
    f->value = f->initial + n;
    f->target = f->initial + 2 * n;
    f->reward = f->initial + 3 * n;
    f->ratio = f->initial + 4 * n;
    f->buffer = f->initial + 5 * n;
    return OK;
}

Status ope_fqe_fit(OpeFqe *fqe, const OpeLog *log, const OpeModelPolicy *policy,
                   const OpeFqeOptions *options)
{
    FqeFit f = {.log = log, .options = options};
    Status st;
    *fqe = (OpeFqe){0};
    REQUIRE(options->steps >= 1, "%" PRId64 " steps, want at least 1", options->steps);
    TRY_OR_FAIL(st, linear_q_open(&f.q, log, policy, options->ridge));
    TRY_OR_FAIL(st, allocate(&f, fqe));
    follow_episodes(&f);
    TRY_OR_FAIL(st, fit(&f, fqe));
fail:
    linear_q_close(&f.q);
    free(f.next);
    free(f.initial);
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
