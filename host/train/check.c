/* SPDX-License-Identifier: Apache-2.0 */
#include "train/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "elementwise.h"
#include "train/step.h"
#include "train/trainer_open.h"

static const double F32_BOUND = 1e-5, F32_SPACING = 0x1p-23;
static const double BF16_RATIO = 1.5, BF16_ROUNDING = 0x1p-8;
enum { PARTS = 110 };

const char *check_kind_name(CheckKind kind)
{
    static const char *const names[] = {[CHECK_LOSS] = "loss",
                                        [CHECK_GRADIENT] = "gradient",
                                        [CHECK_PARAMETER] = "parameter",
                                        [CHECK_TARGET] = "target network"};
    return names[kind];
}

/* ---- The runs -------------------------------------------------------------------------------- */

static Status open_run(Trainer *t, const Config *config, const char *device, Dtype precision)
{
    Config c = *config;
    snprintf(c.train_device, sizeof c.train_device, "%s", device);
    snprintf(c.train_precision, sizeof c.train_precision, "%s", tensor_dtype_name(precision));
    return trainer_open(t, &c);
}

static Status open_runs(Check *c, const Config *config)
{
    TRY(open_run(&c->subject, config, config->train_device, c->precision));
    TRY(open_run(&c->reference, config, "cpu", F32));
    if (c->precision == BF16) TRY(open_run(&c->yardstick, config, "cpu", BF16));
    c->slack = calloc(c->reference.model.params.arena[PARAM_VALUE].used, 1);
    if (!c->slack) return FAIL(ERR_MEMORY, "no memory for a copy of the parameters");
    const StreamOptions options = trainer_stream(&c->reference);
    return stream_open(&c->stream, &c->reference.file, &options, (StreamCursor){0});
}

Status check_open(Check *c, const Config *config, Dtype precision)
{
    *c = (Check){.precision = precision};
    const Status st = open_runs(c, config);
    if (st != OK) check_close(c);
    return st;
}

void check_close(Check *c)
{
    free(c->slack);
    stream_close(c->stream);
    trainer_close(&c->yardstick);
    trainer_close(&c->reference);
    trainer_close(&c->subject);
    *c = (Check){0};
}

/* Add to the slack of one row what AdamW can make, in the step just done, of gradients that differ
 * by F32_BOUND (the formula of check.h). */
static void add_slack(float *slack, const float *v, int64_t count, double correct, double lr,
                      double eps)
{
    double mean = 0.0;
    for (int64_t k = 0; k < count; k++) mean += v[k] / correct / (double)count;
    for (int64_t k = 0; k < count; k++) {
        const double far = F32_BOUND * sqrt(mean) / (sqrt(v[k] / correct) + eps);
        slack[k] += (float)(lr * fmin(2.0, far));
    }
}

static void add_slacks(Check *c)
{
    const Trainer *t = &c->reference;
    const Params *p = &t->model.params;
    const double correct = 1.0 - pow(t->optimizer.beta2, (double)t->step);
    const double lr = optimizer_lr(&t->optimizer, t->step);
    for (int i = 0; i < p->count; i++) {
        const Tensor v = p->copy[PARAM_MOMENT2][i];
        const int64_t rows = v.rank > 1 ? v.dim[0] : 1, columns = tensor_count(v) / rows;
        float *slack = c->slack + params_first(p, i);
        for (int64_t r = 0; r < rows; r++)
            add_slack(slack + r * columns, f32(v) + r * columns, columns, correct, lr,
                      t->optimizer.eps);
    }
}

Status check_step(Check *c)
{
    const Batch *batch;
    StepReport report;
    TRY(stream_next(c->stream, &batch));
    TRY(step_run(&c->reference, batch, &report));
    TRY(step_run(&c->subject, batch, &report));
    if (c->precision == BF16) return step_run(&c->yardstick, batch, &report);
    add_slacks(c);
    return OK;
}

/* Give `t` the parameters and the target network of the reference. */
static void take_values(const Check *c, Trainer *t)
{
    Params *to = &t->model.params;
    const Params *from = &c->reference.model.params;
    const ParamCopy copies[] = {PARAM_VALUE, PARAM_TARGET};
    for (int i = 0; i < 2; i++) {
        if (!to->copy[copies[i]]) continue;
        device_copy_in(&t->dev, to->arena[copies[i]].base, from->arena[copies[i]].base,
                       from->arena[copies[i]].used);
        params_refresh(&t->dev, to, copies[i]);
    }
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Errors of one tensor, or of a pool of tensors. */
typedef struct {
    double error, largest;           /* of the subject */
    double norm;                     /* of the reference */
    double yardstick, fourth_powers; /* error of the yardstick; sum d^4 of its differences */
    double spacing;                  /* spacings of f32 that the bound in bf16 allows */
    bool pooled;
} Errors;

static Errors errors_of(const float *subject, const float *yardstick, const float *reference,
                        int64_t count)
{
    Errors e = {0};
    for (int64_t i = 0; i < count; i++) {
        const double want = reference[i], d = fabs(subject[i] - want);
        const double near = yardstick ? yardstick[i] - want : 0.0;
        e.norm += want * want;
        e.error += d * d;
        e.yardstick += near * near;
        e.fourth_powers += near * near * near * near;
        if (!(d <= e.largest) && !isnan(e.largest)) e.largest = d;
    }
    e.norm = sqrt(e.norm);
    e.error = sqrt(e.error);
    e.yardstick = sqrt(e.yardstick);
    return e;
}

static double relative(double error, double norm) { return error > 0.0 ? error / norm : error; }

/* ---- Verdicts -------------------------------------------------------------------------------- */

static void add_row(CheckReport *r, CheckKind kind, const char *name, int64_t elements,
                    const Errors *e, double bound)
{
    CheckRow *row = &r->row[r->count++];
    *row = (CheckRow){.kind = kind,
                      .elements = elements,
                      .relative = relative(e->error, e->norm),
                      .largest = e->largest,
                      .bound = relative(bound, e->norm),
                      .passed = e->error <= bound};
    snprintf(row->name, sizeof row->name, "%s", name);
}

/* m of check.h: how many equal and independent parts would be as uncertain as the yardstick's
 * error. */
static double parts(const Errors *e)
{
    return e->fourth_powers > 0.0 ? pow(e->yardstick, 4.0) / e->fourth_powers : 0.0;
}

/* Errors of gradients are added relative to their norms, as gradients differ in size. */
static void add_to_pool(Errors *pool, const Errors *e, CheckKind kind)
{
    const double unit = kind == CHECK_GRADIENT && e->norm > 0.0 ? e->norm : 1.0;
    pool->error = hypot(pool->error, e->error / unit);
    pool->yardstick = hypot(pool->yardstick, e->yardstick / unit);
    pool->spacing = hypot(pool->spacing, e->spacing / unit);
    pool->fourth_powers += e->fourth_powers / pow(unit, 4.0);
    pool->largest = fmax(pool->largest, e->largest);
    pool->norm = 1.0;
}

/* Mark the tensors whose error is too uncertain to be judged alone; returns the errors of their
 * pool. */
static Errors choose_pool(Errors *e, int count, CheckKind kind)
{
    Errors pool = {0};
    for (;;) {
        Errors *least = NULL;
        for (int i = 0; i < count; i++)
            if (!e[i].pooled && (!least || parts(&e[i]) < parts(least))) least = &e[i];
        const bool enough = pool.norm == 0.0 || parts(&pool) >= PARTS;
        if (!least || (parts(least) >= PARTS && enough)) return pool;
        least->pooled = true;
        add_to_pool(&pool, least, kind);
    }
}

static double bf16_bound(const Errors *e) { return BF16_RATIO * e->yardstick + e->spacing; }

static void judge_in_bf16(CheckReport *r, CheckKind kind, const Params *p, Errors *e)
{
    for (int i = 0; i < p->count; i++)
        e[i].spacing = kind == CHECK_GRADIENT ? 0.0 : (double)r->steps * F32_SPACING * e[i].norm;
    const Errors pool = choose_pool(e, p->count, kind);
    int64_t elements = 0;
    for (int i = 0; i < p->count; i++) {
        const int64_t count = tensor_count(p->info[i].shape);
        add_row(r, kind, p->info[i].name, count, &e[i], bf16_bound(&e[i]));
        if (!e[i].pooled) continue;
        r->row[r->count - 1].pooled = r->row[r->count - 1].passed = true;
        elements += count;
    }
    if (elements) add_row(r, kind, "(pooled)", elements, &pool, bf16_bound(&pool));
}

static double slack_of(const Check *c, int i)
{
    const Params *p = &c->reference.model.params;
    const float *slack = c->slack + params_first(p, i);
    double sum = 0.0;
    for (int64_t k = 0; k < tensor_count(p->info[i].shape); k++) sum += (double)slack[k] * slack[k];
    return sqrt(sum);
}

/* The share of the parameters' slack that tensors of `kind` are allowed. */
static double slack_share(const Check *c, CheckKind kind)
{
    const Optimizer *o = &c->reference.optimizer;
    if (kind == CHECK_GRADIENT) return 0.0;
    if (kind == CHECK_PARAMETER || o->copy_every > 0) return 1.0;
    return fmin(1.0, o->polyak * (double)c->reference.step);
}

static void judge_in_f32(const Check *c, CheckReport *r, CheckKind kind, const Errors *e)
{
    const Params *p = &c->reference.model.params;
    for (int i = 0; i < p->count; i++)
        add_row(r, kind, p->info[i].name, tensor_count(p->info[i].shape), &e[i],
                F32_BOUND * e[i].norm + slack_share(c, kind) * slack_of(c, i));
}

/* Compare one copy of all parameters (values, target network or gradients). */
static Status compare_params(Check *c, CheckReport *r, ParamCopy copy, CheckKind kind)
{
    const Params *p = &c->reference.model.params, *there = &c->subject.model.params;
    const Params *y = &c->yardstick.model.params;
    if (!p->copy[copy]) return OK;
    Errors *e = calloc((size_t)p->count, sizeof *e);
    float *subject = device_read(&c->subject.dev, there->arena[copy].base, there->arena[copy].used);
    const Status st = e && subject
                          ? device_sync(&c->subject.dev)
                          : FAIL(ERR_MEMORY, "no memory for the errors of %d parameters", p->count);
    for (int i = 0; st == OK && i < p->count; i++)
        e[i] = errors_of(subject + params_first(p, i), y->count ? f32(y->copy[copy][i]) : NULL,
                         f32(p->copy[copy][i]), tensor_count(p->info[i].shape));
    if (st == OK && c->precision == BF16)
        judge_in_bf16(r, kind, p, e);
    else if (st == OK)
        judge_in_f32(c, r, kind, e);
    device_read_done(&c->subject.dev, subject);
    free(e);
    return st;
}

static void compare_loss(const Check *c, CheckReport *r, const char *name, double have, double near,
                         double want)
{
    const Errors e = {.error = fabs(have - want),
                      .largest = fabs(have - want),
                      .norm = fabs(want),
                      .yardstick = fabs(near - want)};
    const double half = BF16_RATIO * fmax(e.yardstick, BF16_ROUNDING * e.norm);
    add_row(r, CHECK_LOSS, name, 1, &e, c->precision == BF16 ? half : F32_BOUND * e.norm);
}

static void compare_losses(const Check *c, CheckReport *r, const Losses *subject,
                           const Losses *yardstick, const Losses *reference)
{
    for (int i = 0; i < LOSSES; i++)
        compare_loss(c, r, objective_loss_name[i], subject->mean[i], yardstick->mean[i],
                     reference->mean[i]);
    compare_loss(c, r, "total", subject->total, yardstick->total, reference->total);
}

static Status compare_last_batch(Check *c, CheckReport *r)
{
    const Batch *batch;
    TRY(stream_next(c->stream, &batch));
    take_values(c, &c->subject);
    const Losses reference = step_gradients(&c->reference, batch);
    const Losses subject = step_gradients(&c->subject, batch);
    Losses yardstick = {0};
    if (c->precision == BF16) {
        take_values(c, &c->yardstick);
        yardstick = step_gradients(&c->yardstick, batch);
    }
    compare_losses(c, r, &subject, &yardstick, &reference);
    return compare_params(c, r, PARAM_GRAD, CHECK_GRADIENT);
}

static int worse_first(const void *a, const void *b)
{
    const CheckRow *x = a, *y = b;
    if (x->pooled != y->pooled) return x->pooled - y->pooled;
    const double p = relative(x->relative, x->bound), q = relative(y->relative, y->bound);
    if (isnan(p) || isnan(q)) return isnan(q) - isnan(p);
    return (p < q) - (p > q);
}

static Status compare_all(Check *c, CheckReport *r)
{
    TRY(compare_params(c, r, PARAM_VALUE, CHECK_PARAMETER));
    TRY(compare_params(c, r, PARAM_TARGET, CHECK_TARGET));
    TRY(compare_last_batch(c, r));
    qsort(r->row, (size_t)r->count, sizeof *r->row, worse_first);
    r->passed = true;
    for (int i = 0; i < r->count; i++) r->passed &= r->row[i].passed;
    return OK;
}

Status check_compare(Check *c, CheckReport *report)
{
    const Params *p = &c->reference.model.params;
    *report = (CheckReport){.precision = c->precision, .steps = c->reference.step};
    report->row = calloc((size_t)((p->count + 1) * CHECK_KINDS + LOSSES + 1), sizeof *report->row);
    const Status st = report->row ? compare_all(c, report)
                                  : FAIL(ERR_MEMORY, "no memory for %d tensors", p->count);
    if (st != OK) check_report_close(report);
    return st;
}

void check_report_close(CheckReport *report)
{
    free(report->row);
    *report = (CheckReport){0};
}
