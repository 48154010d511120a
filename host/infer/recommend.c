/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/recommend.h"

#include <inttypes.h>
#include <math.h>

#include "catalogue/policy.h"
#include "infer/acting.h"
#include "infer/ranked.h"

/* The most numbers of scratch and the most excluded items that one pass over the catalogue takes. A
 * batch that needs more is done in parts. */
enum { ELEMENTS_MAX = 1 << 24 };

/* A request to recommend_best or to recommend_scores. */
typedef struct {
    Session *session;
    ActingRule rule;
    const History *history; /* [count] */
    int64_t k;
    const RecommendOptions *options; /* only for recommend_best, else NULL */
    int64_t *found;                  /* only for recommend_best [count] */
    const int32_t *item;             /* only for recommend_scores [count, k] */
    Recommendation *out;             /* [count, k] */
    int64_t bases; /* memory.item [bases]: the items that are left out for every history */
} Request;

/* Histories first .. first+rows-1 of the request, with their states and the results of the
 * heads. */
typedef struct {
    int64_t first, rows;
    StateRows states;
    Tensor item, score; /* [rows, k] by the rule that the session acts by */
    Tensor total;       /* [rows] logsumexp of its scores over the catalogue */
    Tensor q;           /* [rows k] */
} Part;

/* ---- Which items are left out ---------------------------------------------------------------- */

static Status check_list(const char *name, const int32_t *item, int64_t count, int64_t items)
{
    for (int64_t i = 0; i < count; i++) {
        if (item[i] < 0 || item[i] >= items)
            return FAIL(ERR_USAGE, "%s[%" PRId64 "] is item %" PRId32 ", want 0 to %" PRId64, name,
                        i, item[i], items - 1);
        if (i > 0 && item[i] <= item[i - 1])
            return FAIL(ERR_USAGE,
                        "%s[%" PRId64 "] is item %" PRId32 " after %" PRId32 ", want rising items",
                        name, i, item[i], item[i - 1]);
    }
    return OK;
}

static Status check_options(const Session *s, const RecommendOptions *o)
{
    const int64_t items = s->model->shape.items;
    if (o->k < 1) return FAIL(ERR_USAGE, "k = %" PRId64 ", want at least 1", o->k);
    if (o->allow) TRY(check_list("allow", o->allow, o->allowed, items));
    return o->block ? check_list("block", o->block, o->blocked, items) : OK;
}

/* Writes to memory.item the items that the two lists exclude: all items that are not in `allow`,
 * and those in `block`. */
static Status collect_base(Request *r)
{
    const RecommendOptions *o = r->options;
    const int64_t items = r->session->model->shape.items;
    int64_t allowed = 0, blocked = 0;
    r->bases = 0;
    if (!o->allow && !o->block) return OK;
    TRY(session_reserve_items(r->session, items));
    for (int32_t item = 0; item < items; item++) {
        const bool allow = !o->allow || (allowed < o->allowed && o->allow[allowed] == item);
        const bool block = o->block && blocked < o->blocked && o->block[blocked] == item;
        allowed += o->allow && allow;
        blocked += block;
        if (block || !allow) r->session->memory.item[r->bases++] = item;
    }
    return OK;
}

/* Adds the exclusions of each history of the part: those that are the same for all, and its own
 * items; where they are included, those of the last events that the rule leaves out. */
static Status collect_excluded(const Request *r, const Part *p)
{
    SessionMemory *m = &r->session->memory;
    exclude_begin(&m->exclude);
    for (int64_t i = 0; i < p->rows; i++) {
        const History *h = &r->history[p->first + i];
        const int64_t most = r->options->include_seen ? r->rule.exclude_last : h->count;
        const int64_t count = most < h->count ? most : h->count;
        TRY(session_reserve_items(r->session, r->bases + count));
        TRY(history_items(h, r->session->file, count, m->item + r->bases));
        TRY(exclude_add(&m->exclude, m->item, r->bases, m->item + r->bases, count));
    }
    return OK;
}

/* ---- What the heads say ---------------------------------------------------------------------- */

/* The scores of the given items. */
static Status score(const Request *r, Part *p, const HeadScores *z)
{
    Device *dev = r->session->dev;
    device_copy_in(dev, p->item.data, r->item + p->first * r->k, tensor_bytes(p->item));
    scores_of_items(dev, z, p->score, p->item);
    return OK;
}

/* What the two requests differ in: the best items, or given ones. */
static Status rank(const Request *r, Part *p, HeadScores *z)
{
    Session *s = r->session;
    if (r->options)
        TRY(collect_excluded(r, p));
    else
        exclude_begin(&s->memory.exclude);
    TRY(acting_scores(s, &r->rule, &p->states, false, z));
    return r->options ? ranked_best(s, z, p->item, p->score) : score(r, p, z);
}

/* Q of the items, in the unit of rewards. */
static void value(const Request *r, Part *p)
{
    const Session *s = r->session;
    const HeadScores z = scores_full(s->dev, s->model, session_weights(s), HEAD_Q, &p->states);
    scores_of_items(s->dev, &z, p->q, p->item);
    p->q = scores_to_values(s->dev, s->model, TENSOR(p->q.data, F32, p->rows * r->k));
}

/* ---- Handing out ----------------------------------------------------------------------------- */

static void hand_out(const Request *r, const Part *p, const int32_t *item, const float *z,
                     const float *total, const float *q)
{
    const bool stochastic = acting_is_stochastic(&r->rule);
    const bool values = model_has(r->session->model, HEAD_Q);
    for (int64_t i = 0; i < p->rows; i++) {
        Recommendation *out = r->out + (p->first + i) * r->k;
        int64_t n = 0;
        for (; n < r->k && item[i * r->k + n] >= 0; n++) {
            const int64_t at = i * r->k + n;
            if (r->options && z[at] <= CATALOGUE_NEVER) break; /* the rule never chooses it */
            out[n] = (Recommendation){.item = item[at],
                                      .score = z[at],
                                      .probability = stochastic ? expf(z[at] - total[i]) : NAN,
                                      .q = values ? q[at] : NAN};
        }
        if (r->found) r->found[p->first + i] = n;
    }
}

static Status read_part(const Request *r, const Part *p)
{
    Device *dev = r->session->dev;
    int32_t *item = device_read(dev, p->item.data, tensor_bytes(p->item));
    float *z = device_read(dev, p->score.data, tensor_bytes(p->score));
    float *total = device_read(dev, p->total.data, tensor_bytes(p->total));
    float *q = device_read(dev, p->q.data, tensor_bytes(p->q));
    const Status st = item && z && total && q ? device_sync(dev) : ERR_MEMORY;
    if (st == OK) hand_out(r, p, item, z, total, q);
    device_read_done(dev, item);
    device_read_done(dev, z);
    device_read_done(dev, total);
    device_read_done(dev, q);
    return st;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static Status answer_part(const Request *r, Part *p)
{
    const Session *s = r->session;
    Device *dev = s->dev;
    p->item = SCRATCH(dev, I32, p->rows, r->k);
    p->score = SCRATCH(dev, F32, p->rows, r->k);
    p->total = SCRATCH(dev, F32, p->rows);
    p->q = SCRATCH(dev, F32, p->rows, r->k);
    HeadScores z;
    TRY(rank(r, p, &z));
    scores_stats(dev, &z, (CatalogueStats){.logsumexp = p->total}, 1.0f);
    if (model_has(s->model, HEAD_Q)) value(r, p);
    return read_part(r, p);
}

static Status answer_states(void *context, const StateBatch *batch)
{
    Part p = {batch->index[0], batch->count, .states = batch->rows};
    return answer_part(context, &p);
}

static Status answer(void *context, const StateBatch *batch)
{
    const Request *r = context;
    const int64_t row = r->k * (r->session->model->shape.dim + 4) + r->bases;
    const int64_t fit = row < ELEMENTS_MAX ? ELEMENTS_MAX / row : 1;
    const int64_t most = acting_rows(r->session, &r->rule, false);
    return states_in_parts(r->session, batch, fit < most ? fit : most,
                           (StateSink){answer_states, context});
}

static Status run(Request *r, int64_t count)
{
    session_lock(r->session);
    r->rule = session_acting(r->session);
    Status st = r->options ? collect_base(r) : OK;
    if (st == OK) st = states_after(r->session, r->history, count, (StateSink){answer, r});
    session_unlock(r->session);
    return st;
}

Status recommend_best(Session *s, const History *history, int64_t count,
                      const RecommendOptions *options, Recommendation *out, int64_t *found)
{
    Request r = {.session = s,
                 .history = history,
                 .k = options->k,
                 .options = options,
                 .found = found,
                 .out = out};
    TRY(check_options(s, options));
    return run(&r, count);
}

Status recommend_scores(Session *s, const History *history, int64_t count, const int32_t *item,
                        int64_t k, Recommendation *out)
{
    Request r = {.session = s, .history = history, .k = k, .item = item, .out = out};
    const int64_t items = s->model->shape.items;
    if (k < 1) return FAIL(ERR_USAGE, "k = %" PRId64 ", want at least 1", k);
    for (int64_t i = 0; i < count * k; i++)
        if (item[i] < 0 || item[i] >= items)
            return FAIL(ERR_USAGE, "item[%" PRId64 "] is %" PRId32 ", want 0 to %" PRId64, i,
                        item[i], items - 1);
    return run(&r, count);
}
