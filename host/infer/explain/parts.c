/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/parts.h"

#include <math.h>
#include <stdlib.h>

#include "catalogue/gather.h"
#include "infer/states.h"
#include "model/scores.h"

/* The feature of a candidate that is 1 where it is in the history (counts/candidates.h). */
enum { FEATURE_SEEN = 8 };

typedef struct {
    Session *session;
    const int32_t *item; /* [k] */
    int64_t k;
    ExplainParts *out; /* [k] */
} Request;

/* Numbers of the one state on the host. */
typedef struct {
    float *score, *z, *taste; /* [k] by both halves, by the dense one, and without its bias */
    float *bias, *total;      /* [items], [1] */
    int32_t *candidate;       /* [width] NULL: the model has no counted half */
    float *r;                 /* [width] */
} OnHost;

static void set_counted(const Request *r, const StateRows *rows, const HeadScores *z,
                        const OnHost *on, int64_t j, ExplainParts *p)
{
    Session *s = r->session;
    float seen = 0.0f;
    p->candidate = true;
    p->r = (double)on->r[j];
    p->counted = exp(p->r - (double)on->total[0]);
    counted_terms(s->dev, s->model, session_weights(s), rows, &z->counted, 0, j, p->term);
    device_copy_out(s->dev, &seen,
                    f32(rows->candidates.feature) + j * COUNT_FEATURES + FEATURE_SEEN, sizeof seen);
    p->seen = seen > 0.0f;
}

static void set_parts(const Request *r, const StateRows *rows, const HeadScores *z,
                      const OnHost *on)
{
    const int64_t width = on->candidate ? z->counted.item.dim[1] : 0;
    for (int64_t i = 0; i < r->k; i++) {
        ExplainParts *p = &r->out[i];
        *p = (ExplainParts){.z = (double)on->z[i],
                            .z_taste = (double)on->taste[i],
                            .z_item = (double)on->bias[r->item[i]],
                            .probability = exp((double)on->score[i] - (double)on->total[0])};
        p->dense = exp(p->z - (double)on->total[0]);
        for (int64_t j = 0; j < width; j++)
            if (on->candidate[j] == r->item[i]) set_counted(r, rows, z, on, j, p);
    }
}

/* Where it fails, device_sync says why. */
static bool read_numbers(Device *dev, const Request *r, const HeadScores *z, OnHost *on)
{
    const Tensor item = SCRATCH(dev, I32, 1, r->k), score = SCRATCH(dev, F32, 1, r->k);
    const Tensor dense = SCRATCH(dev, F32, 1, r->k), taste = SCRATCH(dev, F32, 1, r->k);
    const Tensor total = SCRATCH(dev, F32, 1);
    const CountedScores *c = &z->counted;
    const bool counts = c->item.data;
    device_copy_in(dev, item.data, r->item, (size_t)r->k * sizeof *r->item);
    scores_of_items(dev, z, score, item);
    scores_stats(dev, z, (CatalogueStats){.logsumexp = total}, 1.0f);
    catalogue_gather(dev, dense, z->u, &z->items, z->bias, item);
    catalogue_gather(dev, taste, z->u, &z->items, (Tensor){0}, item);
    *on = (OnHost){.score = device_read(dev, score.data, tensor_bytes(score)),
                   .z = device_read(dev, dense.data, tensor_bytes(dense)),
                   .taste = device_read(dev, taste.data, tensor_bytes(taste)),
                   .bias = device_read(dev, z->bias.data, tensor_bytes(z->bias)),
                   .total = device_read(dev, total.data, tensor_bytes(total))};
    if (counts) {
        on->candidate = device_read(dev, c->item.data, tensor_bytes(c->item));
        on->r = device_read(dev, c->score.data, tensor_bytes(c->score));
    }
    return on->score && on->z && on->taste && on->bias && on->total &&
           (!counts || (on->candidate && on->r));
}

static void close_numbers(Device *dev, OnHost *on)
{
    device_read_done(dev, on->score);
    device_read_done(dev, on->z);
    device_read_done(dev, on->taste);
    device_read_done(dev, on->bias);
    device_read_done(dev, on->total);
    device_read_done(dev, on->candidate);
    device_read_done(dev, on->r);
}

static Status use_state(void *context, const StateBatch *batch)
{
    const Request *r = context;
    const Session *s = r->session;
    const HeadScores z =
        scores_ranking(s->dev, s->model, session_weights(s), HEAD_POLICY, &batch->rows);
    OnHost on;
    Status st = read_numbers(s->dev, r, &z, &on) ? device_sync(s->dev) : ERR_MEMORY;
    if (st == OK) set_parts(r, &batch->rows, &z, &on);
    close_numbers(s->dev, &on);
    return st;
}

Status explain_parts(Session *s, const History *history, const int32_t *item, int64_t k,
                     ExplainParts *out)
{
    Request r = {.session = s, .item = item, .k = k, .out = out};
    return states_after(s, history, 1, (StateSink){use_state, &r});
}
