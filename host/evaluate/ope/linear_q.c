/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/linear_q.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "catalogue/regression.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"
#include "infer/acting.h"
#include "losses/loss.h"
#include "model/scores.h"

/* Relative error of the normal equations that is small enough. Their residual, in f32, has an error
 * of up to 1e-5 where the penalty is a ten-thousandth of the greatest eigenvalue. */
static const double SOLVED = 5e-5;
/* A solution from which the next one starts need not be exact: its error has to fall to this. */
static const double LESS = 1e-2;

static bool greedy(const LinearQ *l) { return l->policy->epsilon >= 0.0; }

/* ---- The parts of theta ---------------------------------------------------------------------- */

static Tensor w_of(const LinearQ *l, Tensor theta)
{
    return TENSOR(theta.data, F32, l->dim, l->dim);
}
static Tensor v_of(const LinearQ *l, Tensor theta)
{
    return TENSOR(f32(theta) + l->dim * l->dim, F32, 1, l->dim);
}
static Tensor c_of(const LinearQ *l, Tensor theta)
{
    return TENSOR(f32(theta) + l->dim * l->dim + l->dim, F32, 1);
}
static Tensor b_of(const LinearQ *l, Tensor theta)
{
    return TENSOR(f32(theta) + l->dim * l->dim + l->dim + 1, F32, l->log->items);
}
static Tensor column(Tensor t) { return TENSOR(t.data, F32, t.dim[0], 1); }

Tensor linear_q_coefficients(const LinearQ *l)
{
    const Tensor t = SCRATCH(l->dev, F32, l->coefficients);
    elementwise_fill(l->dev, t, 0.0f);
    return t;
}

static double read_number(const LinearQ *l, Tensor t)
{
    float value = NAN;
    device_copy_out(l->dev, &value, t.data, sizeof value);
    return (double)value;
}

static double dot(const LinearQ *l, Tensor a, Tensor b)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor sum = SCRATCH(l->dev, F32, 1);
    elementwise_row_dot(l->dev, sum, TENSOR(a.data, F32, 1, a.dim[0]),
                        TENSOR(b.data, F32, 1, b.dim[0]));
    const double value = read_number(l, sum);
    scratch_release(l->dev, mark);
    return value;
}

/* ---- Features of the items shown, and their transpose ---------------------------------------- */

void linear_q_predict(const LinearQ *l, Tensor theta, Tensor q)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor u = SCRATCH(l->dev, F32, l->n, l->dim);
    gemm(l->dev, u, l->h, w_of(l, theta), GEMM_NT);
    elementwise_row_dot(l->dev, q, u, l->shown);
    embedding_add(l->dev, column(q), column(b_of(l, theta)), l->item);
    gemm(l->dev, column(q), l->h, v_of(l, theta), GEMM_ADD_NT);
    elementwise_shift(l->dev, q, c_of(l, theta));
    scratch_release(l->dev, mark);
}

/* to = sum_i (vectors_i h_i^T, g_i h_i, g_i, g_i at item_i); `vectors` are already scaled by g. */
static void collect(const LinearQ *l, Tensor to, Tensor vectors, Tensor g, Tensor item)
{
    elementwise_fill(l->dev, to, 0.0f);
    gemm(l->dev, w_of(l, to), vectors, l->h, GEMM_TN);
    gemm(l->dev, v_of(l, to), column(g), l->h, GEMM_TN);
    loss_weighted_sum_add(l->dev, c_of(l, to), g);
    embedding_backward(l->dev, column(b_of(l, to)), column(g), item);
}

void linear_q_transposed(const LinearQ *l, Tensor g, Tensor to)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor scaled = SCRATCH(l->dev, F32, l->n, l->dim);
    elementwise_row_scale(l->dev, scaled, l->shown, g);
    collect(l, to, scaled, g, l->item);
    scratch_release(l->dev, mark);
}

/* ---- Expectations under the policy, and their transpose -------------------------------------- */

void linear_q_expect(const LinearQ *l, Tensor theta, Tensor value)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor u = SCRATCH(l->dev, F32, l->n, l->dim), b = b_of(l, theta);
    gemm(l->dev, u, l->h, w_of(l, theta), GEMM_NT);
    if (greedy(l)) {
        const Tensor best = SCRATCH(l->dev, F32, l->n), mean = SCRATCH(l->dev, F32, l->n);
        catalogue_score(l->dev, best, u, &l->items, b, l->best);
        catalogue_regression_mean(l->dev, mean, u, &l->items, b);
        elementwise_fill(l->dev, value, 0.0f);
        elementwise_axpy(l->dev, value, 1.0f - (float)l->policy->epsilon, best);
        elementwise_axpy(l->dev, value, (float)l->policy->epsilon, mean);
    } else {
        const HeadScores q = {.u = u, .items = l->items, .bias = b};
        scores_expected(l->dev, &l->softmax, &q, value, 1.0f);
    }
    gemm(l->dev, column(value), l->h, v_of(l, theta), GEMM_ADD_NT);
    elementwise_shift(l->dev, value, c_of(l, theta));
    scratch_release(l->dev, mark);
}

/* The gradient of the softmax cross-entropy at the items shown, with weights g, is the expectation
 * under the softmax minus these items; so they are added to it. */
static void expect_softmax_transposed(const LinearQ *l, Tensor g, Tensor to)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor vectors = SCRATCH(l->dev, F32, l->n, l->dim),
                 du = SCRATCH(l->dev, F32, l->n, l->dim);
    const Tensor dbias = SCRATCH(l->dev, F32, l->log->items);
    elementwise_fill(l->dev, dbias, 0.0f);
    scores_minus_items(l->dev, &l->softmax, l->item, g, du, dbias);
    elementwise_row_scale(l->dev, vectors, l->shown, g);
    elementwise_add(l->dev, vectors, du);
    collect(l, to, vectors, g, l->item);
    elementwise_add(l->dev, b_of(l, to), dbias);
    scratch_release(l->dev, mark);
}

static void expect_greedy_transposed(const LinearQ *l, Tensor g, Tensor to)
{
    const float any = (float)l->policy->epsilon, best = 1.0f - any;
    const size_t mark = scratch_mark(l->dev);
    const Tensor vectors = SCRATCH(l->dev, F32, l->n, l->dim), share = SCRATCH(l->dev, F32, l->n);
    const Tensor b = b_of(l, to), of_best = SCRATCH(l->dev, F32, l->log->items);
    const Tensor all = SCRATCH(l->dev, F32, 1);
    const GemmOptions spread = {.trans_a = true, .accumulate = true, .alpha = any};
    elementwise_fill(l->dev, share, 0.0f);
    elementwise_axpy(l->dev, share, best, g);
    elementwise_row_scale(l->dev, vectors, l->best_vector, share);
    collect(l, to, vectors, g, l->best);
    if (any > 0.0f) gemm(l->dev, w_of(l, to), l->mean, v_of(l, to), spread);
    elementwise_copy(l->dev, of_best, b);
    elementwise_fill(l->dev, b, 0.0f);
    elementwise_axpy(l->dev, b, best, of_best);
    elementwise_fill(l->dev, all, 0.0f);
    elementwise_axpy(l->dev, all, any / (float)l->log->items, c_of(l, to));
    elementwise_shift(l->dev, b, all);
    scratch_release(l->dev, mark);
}

void linear_q_expect_transposed(const LinearQ *l, Tensor g, Tensor to)
{
    if (greedy(l))
        expect_greedy_transposed(l, g, to);
    else
        expect_softmax_transposed(l, g, to);
}

/* ---- Conjugate gradients --------------------------------------------------------------------- */

/* y = M x */
static void multiply(const LinearQ *l, Tensor x, Tensor y)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor q = SCRATCH(l->dev, F32, l->n), more = SCRATCH(l->dev, F32, l->coefficients);
    linear_q_predict(l, x, q);
    linear_q_transposed(l, q, y);
    elementwise_row_scale(l->dev, column(more), column(x), l->penalty);
    elementwise_add(l->dev, y, more);
    scratch_release(l->dev, mark);
}

bool linear_q_solve(const LinearQ *l, Tensor b, Tensor x, int64_t steps, int64_t *taken,
                    bool *solved)
{
    const size_t mark = scratch_mark(l->dev);
    const Tensor r = linear_q_coefficients(l), z = linear_q_coefficients(l),
                 p = linear_q_coefficients(l), q = linear_q_coefficients(l);
    elementwise_row_scale(l->dev, column(z), column(b), l->step);
    const double enough = SOLVED * SOLVED * dot(l, b, z);
    multiply(l, x, q);
    elementwise_copy(l->dev, r, b);
    elementwise_axpy(l->dev, r, -1.0f, q);
    elementwise_row_scale(l->dev, column(z), column(r), l->step);
    elementwise_copy(l->dev, p, z);
    double rz = dot(l, r, z);
    const double less = fmax(enough, LESS * LESS * rz);
    for (*taken = 1; *taken < steps && rz > less; ++*taken) {
        multiply(l, p, q);
        const double alpha = rz / dot(l, p, q);
        elementwise_axpy(l->dev, x, (float)alpha, p);
        elementwise_axpy(l->dev, r, -(float)alpha, q);
        elementwise_row_scale(l->dev, column(z), column(r), l->step);
        const double next = dot(l, r, z), beta = next / rz;
        elementwise_copy(l->dev, q, p);
        elementwise_copy(l->dev, p, z);
        elementwise_axpy(l->dev, p, (float)beta, q);
        rz = next;
    }
    scratch_release(l->dev, mark);
    *solved = rz <= enough;
    return isfinite(enough) && isfinite(rz);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* to[first ..] = from */
static void keep_rows(const LinearQ *l, Tensor to, int64_t first, Tensor from)
{
    device_copy(l->dev, tensor_rows(to, first, from.dim[0]).data, from.data, tensor_bytes(from));
}

/* Stores the states of a batch, and the policy's scores or best items. */
static Status keep(void *context, const StateBatch *batch)
{
    LinearQ *l = context;
    Session *s = l->policy->session;
    const ActingRule rule = session_acting(s);
    const int64_t first = l->row[batch->index[0]], count = batch->count;
    HeadScores z;
    REQUIRE(l->row[batch->index[count - 1]] == first + count - 1,
            "a batch of the rows %" PRId64 " .. %" PRId64 " has gaps", first,
            l->row[batch->index[count - 1]]);
    exclude_begin(&s->memory.exclude);
    TRY(acting_scores(s, &rule, &batch->rows, false, &z));
    elementwise_copy(l->dev, tensor_rows(l->h, first, count), batch->rows.h);
    if (greedy(l)) {
        scores_stats(l->dev, &z, (CatalogueStats){.argmax = tensor_rows(l->best, first, count)},
                     1.0f);
        return l->dev->status;
    }
    const HeadScores cooled = scores_cooled(l->dev, &z, (float)l->policy->temperature);
    keep_rows(l, l->softmax.u, first, cooled.u);
    if (first == 0) keep_rows(l, l->softmax.bias, 0, cooled.bias);
    if (!cooled.counted.item.data) return l->dev->status;
    keep_rows(l, l->softmax.counted.item, first, cooled.counted.item);
    keep_rows(l, l->softmax.counted.score, first, cooled.counted.score);
    return l->dev->status;
}

/* mean[k] = mean_a E[a, k], from catalogue_regression_mean with the unit vectors as queries. */
static Status mean_vector(LinearQ *l)
{
    const size_t mark = scratch_mark(l->dev);
    float *unit = calloc((size_t)(l->dim * l->dim), sizeof *unit);
    if (!unit) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " unit vectors", l->dim);
    for (int64_t k = 0; k < l->dim; k++) unit[k * l->dim + k] = 1.0f;
    const Tensor u = SCRATCH(l->dev, F32, l->dim, l->dim);
    device_copy_in(l->dev, u.data, unit, tensor_bytes(u));
    catalogue_regression_mean(l->dev, TENSOR(l->mean.data, F32, l->dim), u, &l->items, (Tensor){0});
    const Status st = device_sync(l->dev);
    free(unit);
    scratch_release(l->dev, mark);
    return st;
}

/* square[c] = sum_i phi_c(h_i, a_i)^2, from the states h and the vectors e of the items shown. */
static void sum_squares(const LinearQ *l, const float *h, const float *e, double *square)
{
    const int64_t n = l->n, dim = l->dim;
    for (int64_t i = 0; i < n; i++)
        square[dim * dim + dim + 1 + l->log->item[l->decision[i]]] += 1.0;
    square[dim * dim + dim] = (double)n;
#pragma omp parallel for schedule(static) num_threads(l->dev->threads)
    for (int64_t j = 0; j <= dim; j++)
        for (int64_t i = 0; i < n; i++) {
            const double ej = j < dim ? (double)e[i * dim + j] : 1.0;
            for (int64_t k = 0; k < dim; k++)
                square[j * dim + k] += ej * ej * (double)h[i * dim + k] * h[i * dim + k];
        }
}

/* Fills penalty and step. */
static Status weigh_coefficients(LinearQ *l)
{
    const int64_t at_b = l->dim * l->dim + l->dim + 1;
    Status st;
    float *h = device_read(l->dev, l->h.data, tensor_bytes(l->h));
    float *e = device_read(l->dev, l->shown.data, tensor_bytes(l->shown));
    double *square = calloc((size_t)l->coefficients, sizeof *square);
    float *out = calloc((size_t)l->coefficients, 2 * sizeof *out);
    if (!h || !e || !square || !out)
        TRY_OR_FAIL(
            st, FAIL(ERR_MEMORY, "no memory for %" PRId64 " coefficients of Q", l->coefficients));
    TRY_OR_FAIL(st, device_sync(l->dev));
    sum_squares(l, h, e, square);
    for (int64_t c = 0; c < l->coefficients; c++) {
        const double penalty = c < at_b ? l->ridge / (double)l->n * square[c] : l->ridge;
        out[c] = (float)penalty;
        out[l->coefficients + c] = (float)(1.0 / (square[c] + penalty + 1e-12));
    }
    device_copy_in(l->dev, l->penalty.data, out, tensor_bytes(l->penalty));
    device_copy_in(l->dev, l->step.data, out + l->coefficients, tensor_bytes(l->step));
    TRY_OR_FAIL(st, device_sync(l->dev));
fail:
    device_read_done(l->dev, h);
    device_read_done(l->dev, e);
    free(square);
    free(out);
    return st;
}

/* The scores of all decisions, with `width` candidates each. */
static HeadScores softmax_memory(LinearQ *l, int64_t width)
{
    HeadScores s = {.u = ARENA(&l->arena, F32, l->n, l->dim),
                    .items = l->items,
                    .bias = ARENA(&l->arena, F32, l->log->items)};
    if (width == 0) return s;
    s.counted.item = ARENA(&l->arena, I32, l->n, width);
    s.counted.score = ARENA(&l->arena, F32, l->n, width);
    return s;
}

static Status take_memory(LinearQ *l)
{
    const ActingRule rule = session_acting(l->policy->session);
    const int64_t width = acting_width(l->policy->session, &rule);
    for (int pass = 0; pass < 2; pass++) {
        l->h = ARENA(&l->arena, F32, l->n, l->dim);
        l->shown = ARENA(&l->arena, F32, l->n, l->dim);
        l->item = ARENA(&l->arena, I32, l->n);
        if (greedy(l)) l->best = ARENA(&l->arena, I32, l->n);
        if (greedy(l)) l->best_vector = ARENA(&l->arena, F32, l->n, l->dim);
        if (greedy(l)) l->mean = ARENA(&l->arena, F32, 1, l->dim);
        if (!greedy(l)) l->softmax = softmax_memory(l, width);
        l->penalty = ARENA(&l->arena, F32, l->coefficients);
        l->step = ARENA(&l->arena, F32, l->coefficients);
        if (pass == 0) TRY(arena_open(&l->arena, l->dev, "off-policy evaluation"));
    }
    return OK;
}

/* Numbers the decisions that have a state. */
static Status number_rows(LinearQ *l)
{
    const OpeLog *log = l->log;
    l->row = malloc((size_t)log->count * sizeof *l->row);
    l->decision = malloc((size_t)log->count * sizeof *l->decision);
    if (!l->row || !l->decision)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " decisions", log->count);
    for (int64_t u = 0; u < log->users; u++)
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            l->row[i] = i < log->stated[u] ? -1 : l->n;
            if (i >= log->stated[u]) l->decision[l->n++] = i;
        }
    if (l->n > 0) return OK;
    return FAIL(ERR_FORMAT, "%s: no decision has an event of its user before it, want at least one",
                log->file->path);
}

static Status copy_items(LinearQ *l)
{
    int32_t *item = malloc((size_t)l->n * sizeof *item);
    if (!item) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " decisions", l->n);
    for (int64_t i = 0; i < l->n; i++) item[i] = l->log->item[l->decision[i]];
    device_copy_in(l->dev, l->item.data, item, tensor_bytes(l->item));
    const Status st = device_sync(l->dev);
    free(item);
    return st;
}

Status linear_q_open(LinearQ *l, const OpeLog *log, const OpeModelPolicy *policy, double ridge)
{
    Session *s = policy->session;
    const Model *m = s->model;
    Weights w = session_weights(s);
    const LogEvents events = {
        .users = log->users, .user = log->user, .first = log->first, .event = log->event};
    *l = (LinearQ){.log = log,
                   .policy = policy,
                   .ridge = ridge,
                   .dev = s->dev,
                   .items = model_items(m, w, (Tensor){0}),
                   .dim = m->shape.dim};
    l->coefficients = l->dim * l->dim + l->dim + 1 + log->items;
    TRY(number_rows(l));
    TRY(take_memory(l));
    TRY(copy_items(l));
    items_gather(l->dev, l->shown, &l->items, l->item);
    TRY(states_before(s, &events, "states", policy->listener, (StateSink){keep, l}));
    if (greedy(l)) {
        items_gather(l->dev, l->best_vector, &l->items, l->best);
        TRY(mean_vector(l));
    }
    return weigh_coefficients(l);
}

void linear_q_close(LinearQ *l)
{
    arena_close(&l->arena);
    free(l->row);
    free(l->decision);
    *l = (LinearQ){0};
}
