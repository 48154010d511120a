#include "evaluate/ope/fqe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/progress.h"
#include "catalogue/catalogue.h"
#include "catalogue/policy.h"
#include "catalogue/regression.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"
#include "infer/states.h"
#include "losses/loss.h"
#include "model/scores.h"

enum { SWEEPS_MAX = 500, ITERATIONS_MAX = 300 };
static const double SETTLED = 1e-4,
                    SOLVED = 1e-5; /* of V between sweeps; of the normal equations */

typedef struct {
    const OpeLog *log;
    const OpeModelPolicy *policy;
    const OpeFqeOptions *options;
    Device *dev;
    ItemTable items;
    int64_t n, dim, coefficients;
    Arena arena;
    Tensor h, shown;      /* [n, dim] states; vectors of the items that were shown */
    Tensor query;         /* [n, dim] the policy's; greedy: the vectors of its best items */
    Tensor item, best;    /* i32 [n] shown; greedy: the best */
    Tensor bias;          /* [items] of the policy's scores / temperature; greedy: absent */
    Tensor mean;          /* [1, dim] of all item vectors; greedy */
    Tensor penalty, step; /* [coefficients] of the normal equations; 1 / their diagonal */
    float *buffer;        /* [n] of the host */
} Fit;

static bool greedy(const Fit *f) { return f->policy->epsilon >= 0.0; }

/* ---- Coefficients: W [dim, dim], v [1, dim], c [1], b [items] end to end ------------------------------ */

static Tensor w_of(const Fit *f, Tensor theta) { return TENSOR(theta.data, F32, f->dim, f->dim); }
static Tensor v_of(const Fit *f, Tensor theta)
{
    return TENSOR(f32(theta) + f->dim * f->dim, F32, 1, f->dim);
}
static Tensor c_of(const Fit *f, Tensor theta)
{
    return TENSOR(f32(theta) + f->dim * f->dim + f->dim, F32, 1);
}
static Tensor b_of(const Fit *f, Tensor theta)
{
    return TENSOR(f32(theta) + f->dim * f->dim + f->dim + 1, F32, f->log->items);
}
static Tensor column(Tensor t) { return TENSOR(t.data, F32, t.dim[0], 1); }

static Tensor coefficients(const Fit *f)
{
    const Tensor t = SCRATCH(f->dev, F32, f->coefficients);
    elementwise_fill(f->dev, t, 0.0f);
    return t;
}

static double read_number(const Fit *f, Tensor t)
{
    float value = NAN;
    device_copy_out(f->dev, &value, t.data, sizeof value);
    return (double)value;
}

static double dot(const Fit *f, Tensor a, Tensor b)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor sum = SCRATCH(f->dev, F32, 1);
    elementwise_row_dot(f->dev, sum, TENSOR(a.data, F32, 1, a.dim[0]),
                        TENSOR(b.data, F32, 1, b.dim[0]));
    const double value = read_number(f, sum);
    scratch_release(f->dev, mark);
    return value;
}

/* ---- Features of what was shown, and their transpose -------------------------------------------------- */

/* q[i] = Q(h_i, a_i) */
static void predict(const Fit *f, Tensor theta, Tensor q)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor u = SCRATCH(f->dev, F32, f->n, f->dim);
    gemm(f->dev, u, f->h, w_of(f, theta), GEMM_NT);
    elementwise_row_dot(f->dev, q, u, f->shown);
    embedding_add(f->dev, column(q), column(b_of(f, theta)), f->item);
    gemm(f->dev, column(q), f->h, v_of(f, theta), GEMM_ADD_NT);
    elementwise_shift(f->dev, q, c_of(f, theta));
    scratch_release(f->dev, mark);
}

/* to = sum_i g_i (vectors_i h_i^T, h_i, 1, [item_i]), vectors scaled by g already */
static void collect(const Fit *f, Tensor to, Tensor vectors, Tensor g, Tensor item)
{
    elementwise_fill(f->dev, to, 0.0f);
    gemm(f->dev, w_of(f, to), vectors, f->h, GEMM_TN);
    gemm(f->dev, v_of(f, to), column(g), f->h, GEMM_TN);
    loss_weighted_sum_add(f->dev, c_of(f, to), g);
    embedding_backward(f->dev, column(b_of(f, to)), column(g), item);
}

/* to = sum_i g_i phi(h_i, a_i) */
static void transposed(const Fit *f, Tensor g, Tensor to)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor scaled = SCRATCH(f->dev, F32, f->n, f->dim);
    elementwise_row_scale(f->dev, scaled, f->shown, g);
    collect(f, to, scaled, g, f->item);
    scratch_release(f->dev, mark);
}

/* ---- Expectations under the policy, and their transpose ----------------------------------------------- */

/* value[i] = V(h_i) */
static void expect(const Fit *f, Tensor theta, Tensor value)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor u = SCRATCH(f->dev, F32, f->n, f->dim), b = b_of(f, theta);
    gemm(f->dev, u, f->h, w_of(f, theta), GEMM_NT);
    if (greedy(f)) {
        const Tensor best = SCRATCH(f->dev, F32, f->n), mean = SCRATCH(f->dev, F32, f->n);
        catalogue_score(f->dev, best, u, &f->items, b, f->best);
        catalogue_regression_mean(f->dev, mean, u, &f->items, b);
        elementwise_fill(f->dev, value, 0.0f);
        elementwise_axpy(f->dev, value, 1.0f - (float)f->policy->epsilon, best);
        elementwise_axpy(f->dev, value, (float)f->policy->epsilon, mean);
    } else {
        catalogue_policy_expectation(f->dev, value, (CatalogueHead){f->query, &f->items, f->bias},
                                     (CatalogueHead){u, &f->items, b}, 1.0f);
    }
    gemm(f->dev, column(value), f->h, v_of(f, theta), GEMM_ADD_NT);
    elementwise_shift(f->dev, value, c_of(f, theta));
    scratch_release(f->dev, mark);
}

/* Of a softmax: what its cross-entropy at the shown items has for a gradient is that minus these items. */
static void expect_softmax_transposed(const Fit *f, Tensor g, Tensor to)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor vectors = SCRATCH(f->dev, F32, f->n, f->dim),
                 du = SCRATCH(f->dev, F32, f->n, f->dim);
    const Tensor loss = SCRATCH(f->dev, F32, f->n), dbias = SCRATCH(f->dev, F32, f->log->items);
    elementwise_fill(f->dev, dbias, 0.0f);
    catalogue_cross_entropy(f->dev, loss, du, (Tensor){0}, dbias, f->query, &f->items, f->bias,
                            f->item, g);
    elementwise_row_scale(f->dev, vectors, f->shown, g);
    elementwise_add(f->dev, vectors, du);
    collect(f, to, vectors, g, f->item);
    elementwise_add(f->dev, b_of(f, to), dbias);
    scratch_release(f->dev, mark);
}

static void expect_greedy_transposed(const Fit *f, Tensor g, Tensor to)
{
    const float any = (float)f->policy->epsilon, best = 1.0f - any;
    const size_t mark = scratch_mark(f->dev);
    const Tensor vectors = SCRATCH(f->dev, F32, f->n, f->dim), share = SCRATCH(f->dev, F32, f->n);
    const Tensor b = b_of(f, to), of_best = SCRATCH(f->dev, F32, f->log->items);
    const Tensor all = SCRATCH(f->dev, F32, 1);
    const GemmOptions spread = {.trans_a = true, .accumulate = true, .alpha = any};
    elementwise_fill(f->dev, share, 0.0f);
    elementwise_axpy(f->dev, share, best, g);
    elementwise_row_scale(f->dev, vectors, f->query, share);
    collect(f, to, vectors, g, f->best);
    if (any > 0.0f) gemm(f->dev, w_of(f, to), f->mean, v_of(f, to), spread);
    elementwise_copy(f->dev, of_best, b);
    elementwise_fill(f->dev, b, 0.0f);
    elementwise_axpy(f->dev, b, best, of_best);
    elementwise_fill(f->dev, all, 0.0f);
    elementwise_axpy(f->dev, all, any / (float)f->log->items, c_of(f, to));
    elementwise_shift(f->dev, b, all);
    scratch_release(f->dev, mark);
}

/* to = sum_i g_i E_pi phi(h_i, .) */
static void expect_transposed(const Fit *f, Tensor g, Tensor to)
{
    if (greedy(f))
        expect_greedy_transposed(f, g, to);
    else
        expect_softmax_transposed(f, g, to);
}

/* ---- Conjugate gradients ------------------------------------------------------------------------------ */

/* y = (sum_i phi phi^T + penalty) x */
static void multiply(const Fit *f, Tensor x, Tensor y)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor q = SCRATCH(f->dev, F32, f->n), more = SCRATCH(f->dev, F32, f->coefficients);
    predict(f, x, q);
    transposed(f, q, y);
    elementwise_row_scale(f->dev, column(more), column(x), f->penalty);
    elementwise_add(f->dev, y, more);
    scratch_release(f->dev, mark);
}

/* M x = b, from the x that is there; false: b, or what came of it, is not finite. */
static bool solve(const Fit *f, Tensor b, Tensor x)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor r = coefficients(f), z = coefficients(f), p = coefficients(f), q = coefficients(f);
    elementwise_row_scale(f->dev, column(z), column(b), f->step);
    const double enough = SOLVED * SOLVED * dot(f, b, z);
    multiply(f, x, q);
    elementwise_copy(f->dev, r, b);
    elementwise_axpy(f->dev, r, -1.0f, q);
    elementwise_row_scale(f->dev, column(z), column(r), f->step);
    elementwise_copy(f->dev, p, z);
    double rz = dot(f, r, z);
    for (int k = 0; k < ITERATIONS_MAX && rz > enough; k++) {
        multiply(f, p, q);
        const double alpha = rz / dot(f, p, q);
        elementwise_axpy(f->dev, x, (float)alpha, p);
        elementwise_axpy(f->dev, r, -(float)alpha, q);
        elementwise_row_scale(f->dev, column(z), column(r), f->step);
        const double next = dot(f, r, z), beta = next / rz;
        elementwise_copy(f->dev, q, p);
        elementwise_copy(f->dev, p, z);
        elementwise_axpy(f->dev, p, (float)beta, q);
        rz = next;
    }
    scratch_release(f->dev, mark);
    return isfinite(enough) && isfinite(rz);
}

/* ---- Sweeps -------------------------------------------------------------------------------------------- */

/* Decision i is followed by i + 1 in its episode? */
static bool *followed(const OpeLog *log)
{
    bool *next = calloc((size_t)log->count, sizeof *next);
    for (int64_t k = 0; next && k < log->episodes; k++)
        for (int64_t i = log->episode[k]; i + 1 < log->episode[k + 1]; i++) next[i] = true;
    return next;
}

/* Root mean square of a - b over that of a, which becomes b; NaN where b is not finite. */
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

typedef struct {
    Tensor theta;
    const bool *next;
    float *value, *target; /* [n] of the host: V, and what Q was fitted to at last */
    int sweeps;
    bool converged;
} Sweeps;

static Status diverges(const Fit *f, int sweeps)
{
    return FAIL(ERR_USAGE,
                "FQE diverges: after %d sweeps its values are no longer finite; want a smaller "
                "gamma than %g or a greater ridge than %g",
                sweeps, f->options->gamma, f->options->ridge);
}

/* Q of `reward` [n]. */
static Status sweep(const Fit *f, const float *reward, Sweeps *s)
{
    const size_t mark = scratch_mark(f->dev), bytes = (size_t)f->n * sizeof(float);
    const Tensor y = SCRATCH(f->dev, F32, f->n), b = coefficients(f);
    float *value = f->buffer;
    memset(s->value, 0, bytes);
    double change = INFINITY;
    for (s->sweeps = 0; s->sweeps < SWEEPS_MAX && change >= SETTLED; s->sweeps++) {
        for (int64_t i = 0; i < f->n; i++)
            s->target[i] =
                reward[i] + (s->next[i] ? (float)f->options->gamma * s->value[i + 1] : 0.0f);
        device_copy_in(f->dev, y.data, s->target, bytes);
        transposed(f, y, b);
        const bool finite = solve(f, b, s->theta);
        expect(f, s->theta, y);
        device_copy_out(f->dev, value, y.data, bytes);
        change = finite ? moved(s->value, value, f->n) : NAN;
    }
    s->converged = change < SETTLED;
    scratch_release(f->dev, mark);
    return isnan(change) ? diverges(f, s->sweeps) : f->dev->status;
}

/* w of the header, [n] of the host. */
static Status density_ratios(const Fit *f, const bool *next, float *w)
{
    const size_t mark = scratch_mark(f->dev), bytes = (size_t)f->n * sizeof(float);
    const Tensor g = SCRATCH(f->dev, F32, f->n), b = coefficients(f), lambda = coefficients(f);
    float *visited = f->buffer;
    double change = INFINITY;
    memset(w, 0, bytes);
    int sweeps = 0;
    for (; sweeps < SWEEPS_MAX && change >= SETTLED; sweeps++) {
        memset(visited, 0, bytes);
        for (int64_t e = 0; e < f->log->episodes; e++)
            visited[f->log->episode[e]] = 1.0f / (float)f->log->episodes;
        for (int64_t i = 0; i < f->n; i++)
            if (next[i]) visited[i + 1] += (float)f->options->gamma * w[i];
        device_copy_in(f->dev, g.data, visited, bytes);
        expect_transposed(f, g, b);
        const bool finite = solve(f, b, lambda);
        predict(f, lambda, g);
        device_copy_out(f->dev, visited, g.data, bytes);
        change = finite ? moved(w, visited, f->n) : NAN;
    }
    scratch_release(f->dev, mark);
    return isnan(change) ? diverges(f, sweeps) : f->dev->status;
}

/* ---- Opening ------------------------------------------------------------------------------------------- */

/* The states and the policy's queries of a batch, to their places. */
static Status keep(void *context, const StateBatch *batch)
{
    Fit *f = context;
    const Session *s = f->policy->session;
    Weights w = session_weights(s);
    const int64_t first = batch->index[0], count = batch->count;
    REQUIRE(batch->index[count - 1] == first + count - 1, "a batch of decisions with gaps");
    const HeadScores z = scores_ranking(f->dev, s->model, w, f->policy->head, batch->h);
    elementwise_copy(f->dev, tensor_rows(f->h, first, count), batch->h);
    if (greedy(f)) {
        catalogue_stats(f->dev, (CatalogueStats){.argmax = tensor_rows(f->best, first, count)}, z.u,
                        &z.items, z.bias, 1.0f);
        return f->dev->status;
    }
    const Tensor wide = elementwise_cast(f->dev, z.u, F32),
                 to = tensor_rows(f->query, first, count);
    elementwise_fill(f->dev, to, 0.0f);
    elementwise_axpy(f->dev, to, 1.0f / (float)f->policy->temperature, wide);
    return f->dev->status;
}

/* mean[k] = mean_a E[a, k], as catalogue_regression_mean has it for unit queries. */
static Status mean_vector(Fit *f)
{
    const size_t mark = scratch_mark(f->dev);
    float *unit = calloc((size_t)(f->dim * f->dim), sizeof *unit);
    if (!unit)
        return FAIL(ERR_MEMORY, "no memory for %lld x %lld", (long long)f->dim, (long long)f->dim);
    for (int64_t k = 0; k < f->dim; k++) unit[k * f->dim + k] = 1.0f;
    const Tensor u = SCRATCH(f->dev, F32, f->dim, f->dim);
    device_copy_in(f->dev, u.data, unit, tensor_bytes(u));
    catalogue_regression_mean(f->dev, TENSOR(f->mean.data, F32, f->dim), u, &f->items, (Tensor){0});
    const Status st = device_sync(f->dev);
    free(unit);
    scratch_release(f->dev, mark);
    return st;
}

/* Squares of the features, summed: the diagonal of the normal equations, and what follows from it. */
static Status weigh_coefficients(Fit *f)
{
    const int64_t n = f->n, dim = f->dim, at_b = dim * dim + dim + 1;
    const double ridge = f->options->ridge;
    float *h = device_read(f->dev, f->h.data, tensor_bytes(f->h));
    float *e = device_read(f->dev, f->shown.data, tensor_bytes(f->shown));
    double *square = calloc((size_t)f->coefficients, sizeof *square);
    float *out = calloc((size_t)f->coefficients, 2 * sizeof *out);
    Status st =
        h && e && square && out ? device_sync(f->dev) : FAIL(ERR_MEMORY, "no memory for FQE");
    for (int64_t i = 0; i < n && st == OK; i++) square[at_b + f->log->item[i]] += 1.0;
    if (st == OK) {
        square[dim * dim + dim] = (double)n;
#pragma omp parallel for schedule(static)
        for (int64_t j = 0; j <= dim; j++)
            for (int64_t i = 0; i < n; i++) {
                const double ej = j < dim ? (double)e[i * dim + j] : 1.0;
                for (int64_t k = 0; k < dim; k++)
                    square[j * dim + k] += ej * ej * (double)h[i * dim + k] * h[i * dim + k];
            }
        for (int64_t c = 0; c < f->coefficients; c++) {
            const double penalty = c < at_b ? ridge / (double)n * square[c] : ridge;
            out[c] = (float)penalty;
            out[f->coefficients + c] = (float)(1.0 / (square[c] + penalty + 1e-12));
        }
        device_copy_in(f->dev, f->penalty.data, out, tensor_bytes(f->penalty));
        device_copy_in(f->dev, f->step.data, out + f->coefficients, tensor_bytes(f->step));
        st = device_sync(f->dev);
    }
    device_read_done(f->dev, h);
    device_read_done(f->dev, e);
    free(square);
    free(out);
    return st;
}

static Status take_memory(Fit *f)
{
    const int64_t items = f->log->items;
    for (int pass = 0; pass < 2; pass++) {
        f->h = ARENA(&f->arena, F32, f->n, f->dim);
        f->shown = ARENA(&f->arena, F32, f->n, f->dim);
        f->query = ARENA(&f->arena, F32, f->n, f->dim);
        f->item = ARENA(&f->arena, I32, f->n);
        if (greedy(f)) f->best = ARENA(&f->arena, I32, f->n);
        if (greedy(f)) f->mean = ARENA(&f->arena, F32, 1, f->dim);
        if (!greedy(f)) f->bias = ARENA(&f->arena, F32, items);
        f->penalty = ARENA(&f->arena, F32, f->coefficients);
        f->step = ARENA(&f->arena, F32, f->coefficients);
        if (pass == 0) TRY(arena_open(&f->arena, f->dev));
    }
    f->buffer = malloc((size_t)f->n * sizeof *f->buffer);
    return f->buffer ? OK : FAIL(ERR_MEMORY, "no memory for %lld decisions", (long long)f->n);
}

static Status fit_open(Fit *f, const OpeLog *log, const OpeModelPolicy *policy,
                       const OpeFqeOptions *options)
{
    Session *s = policy->session;
    const Model *m = s->model;
    Weights w = session_weights(s);
    const LogEvents events = {
        .users = log->users, .user = log->user, .first = log->first, .event = log->event};
    *f = (Fit){.log = log,
               .policy = policy,
               .options = options,
               .dev = s->dev,
               .items = model_items(m, w),
               .n = log->count,
               .dim = m->shape.dim};
    f->coefficients = f->dim * f->dim + f->dim + 1 + log->items;
    TRY(take_memory(f));
    device_copy_in(f->dev, f->item.data, log->item, tensor_bytes(f->item));
    items_gather(f->dev, f->shown, &f->items, f->item);
    TRY(states_before(s, &events, "states", policy->quiet, (StateSink){keep, f}));
    if (greedy(f)) {
        items_gather(f->dev, f->query, &f->items, f->best);
        TRY(mean_vector(f));
    } else {
        elementwise_fill(f->dev, f->bias, 0.0f);
        elementwise_axpy(f->dev, f->bias, 1.0f / (float)policy->temperature,
                         w[m->at.head[policy->head].bias]);
    }
    return weigh_coefficients(f);
}

static void fit_close(Fit *f)
{
    arena_close(&f->arena);
    free(f->buffer);
}

/* ---- All of it ----------------------------------------------------------------------------------------- */

/* Q, V, and the TD errors with the ratios; centred. */
static Status influences(const Fit *f, OpeFqe *fqe, const Sweeps *s, float *w)
{
    const size_t mark = scratch_mark(f->dev);
    const Tensor q = SCRATCH(f->dev, F32, f->n);
    double sum = 0.0, square = 0.0;
    TRY(density_ratios(f, s->next, w));
    predict(f, s->theta, q);
    device_copy_out(f->dev, f->buffer, q.data, tensor_bytes(q));
    for (int64_t i = 0; i < f->n; i++) {
        const double next = s->next[i] ? f->options->gamma * (double)s->value[i + 1] : 0.0;
        fqe->value[i] = (double)s->value[i];
        fqe->fitted[i] = (double)f->buffer[i];
        const double error = (double)f->log->reward[i] + next - fqe->fitted[i];
        fqe->influence[i] = (double)f->log->episodes * (double)w[i] * error;
        sum += fqe->influence[i];
        square += error * error;
    }
    for (int64_t i = 0; i < f->n; i++) fqe->influence[i] -= sum / (double)f->n;
    fqe->residual = sqrt(square / (double)f->n);
    scratch_release(f->dev, mark);
    return f->dev->status;
}

static Status fit_channels(const Fit *f, OpeFqe *fqe, Sweeps *s, float *reward)
{
    for (int c = 0; c < f->log->file->actions; c++) {
        for (int64_t i = 0; i < f->n; i++)
            reward[i] = f->log->action[i] == c ? f->log->reward[i] : 0.0f;
        elementwise_fill(f->dev, s->theta, 0.0f);
        TRY(sweep(f, reward, s));
        double *first = fqe->channel + c * f->log->episodes;
        for (int64_t k = 0; k < f->log->episodes; k++)
            first[k] = (double)s->value[f->log->episode[k]];
    }
    return OK;
}

static Status fit(const Fit *f, OpeFqe *fqe)
{
    const size_t mark = scratch_mark(f->dev), n = (size_t)f->n;
    float *room = calloc(3 * n, sizeof *room);
    bool *next = followed(f->log);
    Sweeps s = {.theta = coefficients(f), .next = next, .value = room, .target = room + n};
    Status st =
        room && next ? OK : FAIL(ERR_MEMORY, "no memory for %lld decisions", (long long)f->n);
    if (st == OK) st = sweep(f, f->log->reward, &s);
    if (st == OK) {
        fqe->sweeps = s.sweeps;
        fqe->converged = s.converged;
        st = influences(f, fqe, &s, room + 2 * n);
    }
    if (st == OK && fqe->channel) st = fit_channels(f, fqe, &s, room + 2 * n);
    scratch_release(f->dev, mark);
    free(room);
    free(next);
    return st;
}

Status ope_fqe_fit(OpeFqe *fqe, const OpeLog *log, const OpeModelPolicy *policy,
                   const OpeFqeOptions *options)
{
    Fit f;
    const size_t episodes = (size_t)log->episodes, channels = (size_t)log->file->actions;
    const size_t count = (size_t)log->count;
    *fqe = (OpeFqe){.value = calloc(count, sizeof *fqe->value),
                    .fitted = calloc(count, sizeof *fqe->fitted),
                    .influence = calloc(count, sizeof *fqe->influence)};
    if (options->channels) fqe->channel = calloc(channels * episodes, sizeof *fqe->channel);
    const bool room = fqe->value && fqe->fitted && fqe->influence;
    Status st = room && (!options->channels || fqe->channel)
                    ? OK
                    : FAIL(ERR_MEMORY, "no memory for %lld decisions", (long long)log->count);
    if (st != OK) return ope_fqe_close(fqe), st;
    st = fit_open(&f, log, policy, options);
    if (st == OK) st = fit(&f, fqe);
    fit_close(&f);
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
