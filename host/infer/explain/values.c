/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/values.h"

#include <math.h>

#include "model/scores.h"

/* The most numbers of scratch that the scores of a part of a batch take. */
enum { ELEMENTS_MAX = 1 << 24 };

typedef struct {
    Session *session;
    const ExplainItems *items;
    ExplainValues *out; /* [count, k] */
} Request;

static double score_of(const ActingRule *rule, const ExplainValues *v)
{
    if (rule->kind == ACTING_POLICY) return v->log_probability;
    return rule->kind == ACTING_MIXED ? v->log_probability + v->q / rule->number : v->q;
}

/* log p of the items [rows, k], before the logarithm of the sum over all is taken off; and that
 * [rows]. */
static void policy_values(Session *s, const StateRows *rows, Tensor item, Tensor score,
                          Tensor total)
{
    const HeadScores z = scores_ranking(s->dev, s->model, session_weights(s), HEAD_POLICY, rows);
    scores_of_items(s->dev, &z, score, item);
    scores_stats(s->dev, &z, (CatalogueStats){.logsumexp = total}, 1.0f);
}

static Tensor q_values(Session *s, const StateRows *rows, Tensor item, Tensor q)
{
    const HeadScores z = scores_full(s->dev, s->model, session_weights(s), HEAD_Q, rows);
    scores_of_items(s->dev, &z, q, item);
    return scores_to_values(s->dev, s->model, TENSOR(q.data, F32, q.dim[0] * q.dim[1]));
}

static Status hand_out(const Request *r, const StateBatch *batch, Tensor score, Tensor total,
                       Tensor q)
{
    Device *dev = r->session->dev;
    const HeadSet has = r->session->model->shape.head_set;
    float *z = device_read(dev, score.data, tensor_bytes(score));
    float *sum = device_read(dev, total.data, tensor_bytes(total));
    float *value = device_read(dev, q.data, tensor_bytes(q));
    const Status st = z && sum && value ? device_sync(dev) : ERR_MEMORY;
    const int64_t k = r->items->k;
    for (int64_t i = 0; i < batch->count * k && st == OK; i++) {
        ExplainValues *v = &r->out[batch->index[i / k] * k + i % k];
        const bool policy = has & HEAD_BIT(HEAD_POLICY), values = has & HEAD_BIT(HEAD_Q);
        v->log_probability = policy ? (double)z[i] - (double)sum[i / k] : NAN;
        v->q = values ? (double)value[i] : NAN;
        v->score = score_of(&r->items->rule, v);
    }
    device_read_done(dev, z);
    device_read_done(dev, sum);
    device_read_done(dev, value);
    return st;
}

static Status use_part(void *context, const StateBatch *batch)
{
    const Request *r = context;
    Session *s = r->session;
    const int64_t rows = batch->count, k = r->items->k;
    const Tensor item = SCRATCH(s->dev, I32, rows, k), score = SCRATCH(s->dev, F32, rows, k);
    const Tensor total = SCRATCH(s->dev, F32, rows);
    Tensor q = SCRATCH(s->dev, F32, rows, k);
    for (int64_t i = 0; i < rows; i++)
        device_copy_in(s->dev, i32(item) + i * k, r->items->item, (size_t)k * sizeof(int32_t));
    if (model_has(s->model, HEAD_POLICY)) policy_values(s, &batch->rows, item, score, total);
    if (model_has(s->model, HEAD_Q)) q = q_values(s, &batch->rows, item, q);
    return hand_out(r, batch, score, total, q);
}

static Status use_batch(void *context, const StateBatch *batch)
{
    const Request *r = context;
    const int64_t row = r->items->k * (r->session->model->shape.dim + 4);
    return states_in_parts(r->session, batch, row < ELEMENTS_MAX ? ELEMENTS_MAX / row : 1,
                           (StateSink){use_part, context});
}

Status explain_values(Session *s, const ExplainItems *items, const History *history, int64_t count,
                      ExplainValues *out)
{
    Request r = {.session = s, .items = items, .out = out};
    return states_after(s, history, count, (StateSink){use_batch, &r});
}
