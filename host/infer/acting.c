/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/acting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/policy.h"
#include "data/behaviour/columns.h"
#include "elementwise.h"
#include "infer/ranked.h"

/* A table has at most so many numbers, and so many rows: each costs a product with all others. */
enum { TABLE_NUMBERS = 1 << 24, TABLE_ROWS = 64 };

bool acting_is_linear(const Session *s, const ActingRule *r)
{
    return r->kind != ACTING_ALLOWED && !(r->kind == ACTING_MIXED && s->model->shape.log_values);
}

static bool has_table(const Session *s, const ActingRule *r, bool left_out)
{
    return !acting_is_linear(s, r) || (left_out && r->kind != ACTING_CANDIDATES);
}

int64_t acting_rows(const Session *s, const ActingRule *r, bool left_out)
{
    const int64_t fit = TABLE_NUMBERS / s->model->shape.items;
    if (!has_table(s, r, left_out)) return INT64_MAX;
    return fit < 1 ? 1 : fit < TABLE_ROWS ? fit : TABLE_ROWS;
}

int64_t acting_width(const Session *s, const ActingRule *r)
{
    const ModelShape *m = &s->model->shape;
    if (r->kind == ACTING_CANDIDATES)
        return (int64_t)r->number < m->items ? (int64_t)r->number : m->items;
    return r->kind == ACTING_Q ? 0 : m->candidates;
}

static Status no_numbers(void)
{
    return FAIL(ERR_FORMAT, "the model's scores are NaN or infinite, want finite ones");
}

/* ---- One query a state ----------------------------------------------------------------------- */

/* score[i, j] += share Q of candidate j of row i, as a value. */
static void add_q_of_candidates(Device *dev, const Model *m, CountedScores *c, const HeadScores *q,
                                float share)
{
    if (!c->item.data) return;
    const size_t mark = scratch_mark(dev);
    const Tensor value = scratch_tensor(dev, F32, 2, c->score.dim);
    scores_of_items(dev, q, value, c->item);
    if (m->shape.log_values) elementwise_exp(dev, value, value);
    elementwise_axpy(dev, c->score, share, value);
    scratch_release(dev, mark);
}

static HeadScores mixed_queries(Device *dev, const Model *m, Weights w, const StateRows *rows,
                                double beta)
{
    const float share = (float)(1.0 / beta);
    HeadScores z = scores_ranking(dev, m, w, HEAD_POLICY, rows);
    const HeadScores q = scores_ranking(dev, m, w, HEAD_Q, rows);
    const Tensor bias = SCRATCH(dev, F32, m->shape.items);
    elementwise_copy(dev, bias, z.bias);
    elementwise_axpy(dev, bias, share, q.bias);
    elementwise_axpy(dev, z.u, share, q.u);
    add_q_of_candidates(dev, m, &z.counted, &q, share);
    z.bias = bias;
    return z;
}

/* ---- Two stages: the best items of the policy ------------------------------------------------ */

/* Places without an item get the score -inf. */
static Status drop_absent(Device *dev, const int32_t *item, Tensor q)
{
    float *score = malloc(tensor_bytes(q));
    if (!score) return FAIL(ERR_MEMORY, "no memory for the candidates of a batch");
    device_copy_out(dev, score, q.data, tensor_bytes(q));
    Status st = device_sync(dev);
    for (int64_t j = 0; j < tensor_count(q); j++)
        if (item[j] < 0) score[j] = -INFINITY;
    device_copy_in(dev, q.data, score, tensor_bytes(q));
    if (st == OK) st = device_sync(dev);
    free(score);
    return st;
}

/* There are absent items where fewer may be chosen than are wanted. */
static Status check_absent(Device *dev, Tensor item, Tensor q)
{
    const int64_t rows = item.dim[0], k = item.dim[1];
    int32_t *items = device_read(dev, item.data, tensor_bytes(item));
    Status st = items ? device_sync(dev) : ERR_MEMORY;
    bool absent = false;
    for (int64_t i = 0; i < rows && st == OK; i++) {
        if (items[i * k] < 0) st = no_numbers();
        absent |= items[i * k + k - 1] < 0;
    }
    if (st == OK && absent) st = drop_absent(dev, items, q);
    device_read_done(dev, items);
    return st;
}

/* Q of the candidates, and never any other item. */
static Status candidate_scores(Session *s, const ActingRule *r, const StateRows *rows,
                               HeadScores *scores)
{
    Device *dev = s->dev;
    const Model *m = s->model;
    const int64_t count = rows->h.dim[0], k = acting_width(s, r);
    const Tensor u = scratch_tensor(dev, rows->h.dtype, 2, rows->h.dim);
    const Tensor bias = SCRATCH(dev, F32, m->shape.items);
    const Tensor item = SCRATCH(dev, I32, count, k), q = SCRATCH(dev, F32, count, k);
    const HeadScores policy = scores_ranking(dev, m, session_weights(s), HEAD_POLICY, rows);
    const HeadScores value = scores_ranking(dev, m, session_weights(s), HEAD_Q, rows);
    elementwise_fill(dev, u, 0.0f);
    elementwise_fill(dev, bias, CATALOGUE_NEVER);
    TRY(ranked_best(s, &policy, item, q)); /* q has the policy's scores for now */
    scores_of_items(dev, &value, q, item);
    *scores = (HeadScores){
        .u = u, .items = policy.items, .bias = bias, .counted = {.item = item, .score = q}};
    return check_absent(dev, item, q);
}

/* ---- A table --------------------------------------------------------------------------------- */

/* A table is made of these. */
typedef struct {
    HeadScores z, q;
    CatalogueBlend blend;
    CountsPart part; /* of the policy's candidates; without data where there are none */
} Parts;

/* The log of the least probability that is still allowed, [rows]. */
static Status find_floor(Session *s, const HeadScores *policy, double share, Tensor floor)
{
    const int64_t rows = floor.dim[0];
    const Tensor best = SCRATCH(s->dev, I32, rows, 1);
    TRY(ranked_best(s, policy, best, TENSOR(floor.data, F32, rows, 1)));
    int32_t *item = device_read(s->dev, best.data, tensor_bytes(best));
    Status st = item ? device_sync(s->dev) : ERR_MEMORY;
    for (int64_t i = 0; i < rows && st == OK; i++)
        if (item[i] < 0) st = no_numbers();
    device_read_done(s->dev, item);
    const Tensor log_share = scratch_copy(s->dev, &(float){logf((float)share)}, F32, 1);
    elementwise_shift(s->dev, floor, log_share);
    return st;
}

static Status find_parts(Session *s, const ActingRule *r, const StateRows *rows, bool left_out,
                         Parts *p)
{
    Device *dev = s->dev;
    const Model *m = s->model;
    Weights w = session_weights(s);
    const HeadId first = r->kind == ACTING_Q ? HEAD_Q : HEAD_POLICY;
    p->z = scores_ranking(dev, m, w, first, rows);
    p->q = p->z;
    p->blend = (CatalogueBlend){.z_weight = 1.0f};
    if (left_out) p->blend.exclusion = exclude_on_device(dev, &s->memory.exclude);
    if (r->kind == ACTING_MIXED) {
        p->q = scores_full(dev, m, w, HEAD_Q, rows);
        p->blend.q_weight = (float)(1.0 / r->number);
        p->blend.logarithms = m->shape.log_values;
        p->blend.shift = p->q.state;
        add_q_of_candidates(dev, m, &p->z.counted, &p->q, p->blend.q_weight);
    }
    if (r->kind != ACTING_ALLOWED) return OK;
    p->q = scores_ranking(dev, m, w, HEAD_Q, rows);
    p->blend.z_weight = 0.0f;
    p->blend.q_weight = 1.0f;
    if (r->number <= 0.0) return OK;
    p->blend.floor = SCRATCH(dev, F32, rows->h.dim[0]);
    TRY(find_floor(s, &p->z, r->number, p->blend.floor));
    if (p->z.counted.item.data) p->part = scores_part(dev, &p->z);
    return OK;
}

static HeadScores of_table(Device *dev, Tensor table)
{
    const int64_t items = table.dim[0], rows = table.dim[1];
    const Tensor identity = SCRATCH(dev, F32, rows, rows), bias = SCRATCH(dev, F32, items);
    float one[TABLE_ROWS * TABLE_ROWS] = {0};
    for (int64_t i = 0; i < rows; i++) one[i * rows + i] = 1.0f;
    device_copy_in(dev, identity.data, one, tensor_bytes(identity));
    elementwise_fill(dev, bias, 0.0f);
    return (HeadScores){.u = identity, .items = {.id = table}, .bias = bias};
}

/* What is known of the candidates of a batch, on the host; each [rows, width]. */
typedef struct {
    int32_t *item;
    float *score; /* r; under `allowed` Q */
    float *log_p; /* under `allowed`: log pi, but for the row's constant, */
    float *table; /*    the item's number in the table, */
    float *floor; /*    and [rows] the row's threshold */
} OnHost;

/* Under `allowed` the table has Q of what the dense half alone allows. A candidate that it does not
 * allow, but both halves do, gets its Q here; all others are no candidates any more. */
static bool stays(const OnHost *h, int64_t at, int64_t row)
{
    return !h->floor || (h->log_p[at] > h->floor[row] && h->table[at] <= CATALOGUE_NEVER);
}

static void drop_candidates(const Session *s, const OnHost *h, int64_t rows, int64_t width,
                            bool left_out)
{
    const Exclude *e = &s->memory.exclude;
    const Exclusion none = {e->offset, e->item};
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i * width; j < (i + 1) * width; j++) {
            if (h->item[j] < 0) continue;
            bool out = !stays(h, j, i);
            if (left_out && e->rows > 0) {
                const int64_t at = exclusion_from(&none, i, h->item[j]);
                out |= at < e->offset[i + 1] && e->item[at] == h->item[j];
            }
            if (!out) continue;
            h->item[j] = -1;
            h->score[j] = -INFINITY;
        }
}

static void *read_copy(Device *dev, Tensor t)
{
    void *copy = malloc(tensor_bytes(t) + 1);
    if (copy) device_copy_out(dev, copy, t.data, tensor_bytes(t));
    return copy;
}

/* Give the scores of a table the candidates of the policy that are left. */
static Status join_candidates(Session *s, const ActingRule *r, const Parts *p, bool left_out,
                              HeadScores *scores)
{
    Device *dev = s->dev;
    const CountedScores *c = &p->z.counted;
    const bool allowed = r->kind == ACTING_ALLOWED;
    if (!c->item.data || (allowed && !p->blend.floor.data)) return OK;
    const int64_t rows = c->item.dim[0], width = c->item.dim[1];
    const Tensor item = SCRATCH(dev, I32, rows, width), score = SCRATCH(dev, F32, rows, width);
    const Tensor table = SCRATCH(dev, F32, rows, width);
    if (allowed) scores_of_items(dev, &p->q, score, c->item);
    if (allowed) scores_of_items(dev, scores, table, c->item);
    OnHost h = {.item = read_copy(dev, c->item),
                .score = read_copy(dev, allowed ? score : c->score)};
    bool read = h.item && h.score;
    if (allowed) {
        h.log_p = read_copy(dev, p->part.s);
        h.table = read_copy(dev, table);
        h.floor = read_copy(dev, p->blend.floor);
        read = read && h.log_p && h.table && h.floor;
    }
    Status st = read ? device_sync(dev) : FAIL(ERR_MEMORY, "no memory for the candidates");
    if (st == OK) {
        drop_candidates(s, &h, rows, width, left_out);
        device_copy_in(dev, item.data, h.item, tensor_bytes(item));
        device_copy_in(dev, score.data, h.score, tensor_bytes(score));
        scores->counted.item = item;
        scores->counted.score = score;
        st = device_sync(dev);
    }
    free(h.item);
    free(h.score);
    free(h.log_p);
    free(h.table);
    free(h.floor);
    return st;
}

static Status table_scores(Session *s, const ActingRule *r, const StateRows *rows, bool left_out,
                           HeadScores *scores)
{
    Device *dev = s->dev;
    const int64_t count = rows->h.dim[0];
    const Tensor table = SCRATCH(dev, F32, s->model->shape.items, count);
    Parts p = {0};
    REQUIRE(count <= acting_rows(s, r, left_out), "%" PRId64 " rows of a table, want fewer", count);
    TRY(find_parts(s, r, rows, left_out, &p));
    catalogue_policy_blend(dev, table, (CatalogueHead){p.z.u, &p.z.items, p.z.bias},
                           (CatalogueHead){p.q.u, &p.q.items, p.q.bias}, p.blend);
    *scores = of_table(dev, table);
    TRY(join_candidates(s, r, &p, left_out, scores));
    return dev->status;
}

/* ---- Scores ---------------------------------------------------------------------------------- */

Status acting_scores(Session *s, const ActingRule *r, const StateRows *rows, bool left_out,
                     HeadScores *scores)
{
    Device *dev = s->dev;
    const Model *m = s->model;
    Weights w = session_weights(s);
    if (r->kind == ACTING_CANDIDATES) return candidate_scores(s, r, rows, scores);
    if (has_table(s, r, left_out)) return table_scores(s, r, rows, left_out, scores);
    if (r->kind == ACTING_MIXED)
        *scores = mixed_queries(dev, m, w, rows, r->number);
    else
        *scores = scores_ranking(dev, m, w, r->kind == ACTING_Q ? HEAD_Q : HEAD_POLICY, rows);
    return dev->status;
}

/* ---- What is left out ------------------------------------------------------------------------ */

Status acting_exclude_after(Session *s, const History *history, const StateBatch *batch,
                            int64_t last)
{
    exclude_begin(&s->memory.exclude);
    if (last == 0) return OK;
    TRY(session_reserve_items(s, last));
    for (int64_t i = 0; i < batch->count; i++) {
        const History *h = &history[batch->index[i]];
        const int64_t count = last < h->count ? last : h->count;
        TRY(history_items(h, s->file, count, s->memory.item));
        TRY(exclude_add(&s->memory.exclude, NULL, 0, s->memory.item, count));
    }
    return OK;
}

Status acting_exclude_before(Session *s, const LogEvents *e, const StateBatch *batch, int64_t last)
{
    exclude_begin(&s->memory.exclude);
    if (last == 0) return OK;
    TRY(session_reserve_items(s, last));
    for (int64_t i = 0, u = 0; i < batch->count; i++) {
        while (e->first[u + 1] <= batch->index[i]) u++;
        const int64_t known = schema_first_of_time(s->file->tie, e->event[batch->index[i]]);
        const int64_t have = known - s->file->offset[e->user[u]];
        const int64_t count = last < have ? last : have;
        TRY(columns_read(s->file, COLUMN_ITEM, known - count, count, s->memory.item));
        TRY(exclude_add(&s->memory.exclude, NULL, 0, s->memory.item, count));
    }
    return OK;
}
