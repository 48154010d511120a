/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/reward.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

static const double tolerance = 1e-10; /* relative error of the solutions */
enum { ITERATIONS_MAX = 5000, ROW_MAX = 4 * FEATURES_MAX + 3 };

/* The fit of all folds. Columns: the constant; of the item its own, categories, numbers; of the
 * context the slots, user categories, user numbers. */
typedef struct {
    const OpeLog *log;
    const OpeRewardOptions *options;
    const FeatureSet *item, *user;
    int64_t at_category, at_number, at_slot, at_user_category, at_user_number, columns;
    uint8_t *fold;   /* [count] */
    double *theta;   /* [folds, columns] */
    double *adjoint; /* [folds, columns] A_k^-1 sum_{i in fold k} E_pi phi_i */
    double *worth;   /* [folds, items] see policy.h */
    double *mass;    /* [folds, items] see policy.h */
} RewardFit;

typedef struct {
    int count;
    int64_t column[ROW_MAX];
    double value[ROW_MAX];
} FeatureRow;

static void row_put(FeatureRow *row, int64_t column, double value)
{
    row->column[row->count] = column;
    row->value[row->count++] = value;
}

/* The features of entity `k`; `category` and `number` are the first columns of its kinds. */
static void row_features(FeatureRow *row, const FeatureSet *f, int64_t k, int64_t category,
                         int64_t number)
{
    for (int c = 0; c < f->kinds; c++) row_put(row, category + f->category[k * f->kinds + c], 1.0);
    for (int n = 0; n < f->numbers; n++)
        row_put(row, number + n, (double)f->number[k * f->numbers + n]);
}

static void row_item(FeatureRow *row, const RewardFit *f, int32_t item)
{
    row_put(row, 1 + item, 1.0);
    row_features(row, f->item, item, f->at_category, f->at_number);
}

static void row_context(FeatureRow *row, const RewardFit *f, int64_t user, int64_t i)
{
    row_put(row, 0, 1.0);
    row_put(row, f->at_slot + f->log->slot[i], 1.0);
    row_features(row, f->user, f->log->user[user], f->at_user_category, f->at_user_number);
}

static double row_dot(const FeatureRow *row, const double *x)
{
    double sum = 0.0;
    for (int k = 0; k < row->count; k++) sum += row->value[k] * x[row->column[k]];
    return sum;
}

static void row_add(const FeatureRow *row, double scale, double *x)
{
    for (int k = 0; k < row->count; k++) x[row->column[k]] += scale * row->value[k];
}

/* ---- Conjugate gradients --------------------------------------------------------------------- */

/* y = A_k x, A_k = sum over decisions outside fold k of phi phi^T + ridge; with x NULL, y is the
 * diagonal of A_k. */
static void multiply(const RewardFit *f, int k, const double *x, double *y)
{
    const OpeLog *log = f->log;
    for (int64_t c = 0; c < f->columns; c++) y[c] = c ? f->options->ridge * (x ? x[c] : 1.0) : 0.0;
    for (int64_t u = 0; u < log->users; u++) {
        if (f->fold[log->first[u]] == k) continue;
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            FeatureRow row = {0};
            row_context(&row, f, u, i);
            row_item(&row, f, log->item[i]);
            if (x)
                row_add(&row, row_dot(&row, x), y);
            else
                for (int j = 0; j < row.count; j++) y[row.column[j]] += row.value[j] * row.value[j];
        }
    }
}

static double product(const double *x, const double *y, int64_t count)
{
    double sum = 0.0;
    for (int64_t c = 0; c < count; c++) sum += x[c] * y[c];
    return sum;
}

/* x = A_k^-1 b; `space` has 5 vectors. */
static Status solve(const RewardFit *f, int k, const double *b, double *x, double *space)
{
    const int64_t n = f->columns;
    double *diagonal = space, *r = space + n, *z = space + 2 * n, *p = space + 3 * n,
           *q = space + 4 * n;
    multiply(f, k, NULL, diagonal);
    memset(x, 0, (size_t)n * sizeof *x);
    memcpy(r, b, (size_t)n * sizeof *r);
    for (int64_t c = 0; c < n; c++) p[c] = z[c] = r[c] / diagonal[c];
    double rz = product(r, z, n);
    const double enough = tolerance * tolerance * rz;
    for (int step = 0; rz > enough; step++) {
        if (step == ITERATIONS_MAX)
            return FAIL(ERR_FORMAT,
                        "the reward model has not converged after %d iterations (error %.1e, want "
                        "%.0e): a greater --ridge than %g may help",
                        ITERATIONS_MAX, sqrt(rz / enough) * tolerance, tolerance,
                        f->options->ridge);
        multiply(f, k, p, q);
        const double alpha = rz / product(p, q, n);
        for (int64_t c = 0; c < n; c++) {
            x[c] += alpha * p[c];
            r[c] -= alpha * q[c];
            z[c] = r[c] / diagonal[c];
        }
        const double next = product(r, z, n), beta = next / rz;
        for (int64_t c = 0; c < n; c++) p[c] = z[c] + beta * p[c];
        rz = next;
    }
    return OK;
}

/* ---- Both solves of a fold ------------------------------------------------------------------- */

/* Fills the right-hand side b by fill(f, k, b), and solves into out [folds, columns]. */
static Status solve_fold(const RewardFit *f, int k, double *out,
                         void (*fill)(const RewardFit *f, int k, double *b))
{
    double *space = calloc((size_t)f->columns * 6, sizeof *space);
    if (!space)
        return FAIL(ERR_MEMORY, "no memory for a reward model of %" PRId64 " coefficients",
                    f->columns);
    fill(f, k, space);
    const Status st = solve(f, k, space, out + (int64_t)k * f->columns, space + f->columns);
    free(space);
    return st;
}

static void fill_rewards(const RewardFit *f, int k, double *b)
{
    const OpeLog *log = f->log;
    for (int64_t u = 0; u < log->users; u++) {
        if (f->fold[log->first[u]] == k) continue;
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            FeatureRow row = {0};
            row_context(&row, f, u, i);
            row_item(&row, f, log->item[i]);
            row_add(&row, (double)log->reward[i], b);
        }
    }
}

/* b = sum of E_pi phi over fold k */
static void fill_policy(const RewardFit *f, int k, double *b)
{
    const OpeLog *log = f->log;
    for (int64_t u = 0; u < log->users; u++) {
        if (f->fold[log->first[u]] != k) continue;
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            FeatureRow row = {0};
            row_context(&row, f, u, i);
            row_add(&row, 1.0, b);
        }
    }
    for (int32_t a = 0; a < log->items; a++) {
        FeatureRow row = {0};
        row_item(&row, f, a);
        row_add(&row, f->mass[(int64_t)k * log->items + a], b);
    }
}

static Status fit_fold(void *context, int64_t k)
{
    RewardFit *f = context;
    TRY(solve_fold(f, (int)k, f->theta, fill_rewards));
    for (int32_t a = 0; a < f->log->items; a++) {
        FeatureRow row = {0};
        row_item(&row, f, a);
        f->worth[k * f->log->items + a] = row_dot(&row, f->theta + k * f->columns);
    }
    return OK;
}

static Status adjoint_fold(void *context, int64_t k)
{
    RewardFit *f = context;
    return solve_fold(f, (int)k, f->adjoint, fill_policy);
}

/* ---- From the models to the terms ------------------------------------------------------------ */

/* Fills the terms of the reward from the models and the policy's means. */
static void use_models(const RewardFit *f, OpeReward *r, const double *mean)
{
    const OpeLog *log = f->log;
    double sum = 0.0;
    for (int64_t u = 0; u < log->users; u++)
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            FeatureRow context = {0}, whole;
            row_context(&context, f, u, i);
            whole = context;
            row_item(&whole, f, log->item[i]);
            const double *own = f->theta + f->fold[i] * f->columns;
            r->fitted[i] = row_dot(&whole, own);
            r->direct[i] = row_dot(&context, own) + mean[i];
            r->influence[i] = 0.0;
            for (int k = 0; k < f->options->folds; k++)
                if (k != f->fold[i])
                    r->influence[i] +=
                        ((double)log->reward[i] - row_dot(&whole, f->theta + k * f->columns)) *
                        row_dot(&whole, f->adjoint + k * f->columns);
            sum += r->influence[i];
        }
    for (int64_t i = 0; i < log->count; i++) r->influence[i] -= sum / (double)log->count;
}

static void deal_folds(RewardFit *f)
{
    for (int64_t u = 0; u < f->log->users; u++)
        memset(f->fold + f->log->first[u], (int)(u % f->options->folds),
               (size_t)(f->log->first[u + 1] - f->log->first[u]));
}

static void layout(RewardFit *f)
{
    f->item = &f->log->file->item_features;
    f->user = &f->log->file->user_features;
    f->at_category = 1 + f->log->items;
    f->at_number = f->at_category + f->item->categories;
    f->at_slot = f->at_number + f->item->numbers;
    f->at_user_category = f->at_slot + f->log->slots;
    f->at_user_number = f->at_user_category + f->user->categories;
    f->columns = f->at_user_number + f->user->numbers;
}

static Status allocate(RewardFit *f, OpeReward *r, double **mean)
{
    const size_t count = (size_t)f->log->count, folds = (size_t)f->options->folds,
                 columns = (size_t)f->columns, items = (size_t)f->log->items;
    f->fold = calloc(count, 1);
    f->theta = calloc(folds * columns, sizeof *f->theta);
    f->adjoint = calloc(folds * columns, sizeof *f->adjoint);
    f->worth = calloc(folds * items, sizeof *f->worth);
    f->mass = calloc(folds * items, sizeof *f->mass);
    r->fitted = calloc(count, sizeof *r->fitted);
    r->direct = calloc(count, sizeof *r->direct);
    r->influence = calloc(count, sizeof *r->influence);
    *mean = calloc(count, sizeof **mean);
    if (!f->fold || !f->theta || !f->adjoint || !f->worth || !f->mass || !r->fitted || !r->direct ||
        !r->influence || !*mean)
        return FAIL(ERR_MEMORY, "no memory for a reward model of %" PRId64 " coefficients",
                    f->columns);
    return OK;
}

Status ope_reward_fit(OpeReward *r, double *chosen, const OpeLog *log, const OpePolicy *policy,
                      const OpeRewardOptions *options)
{
    REQUIRE(policy->distribution, "policy %s, want one that knows its distribution", policy->name);
    REQUIRE(options->folds >= 2 && options->folds <= 255, "%d folds, want 2 to 255",
            options->folds);
    if (log->users < options->folds)
        return FAIL(ERR_FORMAT,
                    "%s: %" PRId64
                    " users, want at least %d, one for each fold of the reward model",
                    log->file->path, log->users, options->folds);
    RewardFit f = {.log = log, .options = options};
    double *mean = NULL;
    Status st;
    *r = (OpeReward){0};
    layout(&f);
    TRY_OR_FAIL(st, allocate(&f, r, &mean));
    deal_folds(&f);
    TRY_OR_FAIL(st, parallel_run(options->threads, options->folds, fit_fold, &f));
    TRY_OR_FAIL(st, policy->answer(policy, log, &(OpeQuestion){options->folds, f.fold, f.worth},
                                   &(OpeAnswer){chosen, mean, f.mass}));
    TRY_OR_FAIL(st, parallel_run(options->threads, options->folds, adjoint_fold, &f));
    use_models(&f, r, mean);
fail:
    free(f.fold);
    free(f.theta);
    free(f.adjoint);
    free(f.worth);
    free(f.mass);
    free(mean);
    if (st != OK) ope_reward_close(r);
    return st;
}

void ope_reward_close(OpeReward *r)
{
    free(r->fitted);
    free(r->direct);
    free(r->influence);
    *r = (OpeReward){0};
}
