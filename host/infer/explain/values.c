/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/values.h"

#include <math.h>

#include "infer/acting.h"
#include "model/scores.h"

/* The most numbers of scratch that the scores of a part of a batch take. */
enum { ELEMENTS_MAX = 1 << 24 };

typedef struct {
    Session *session;
    const ExplainItems *items;
    ExplainValues *out; /* [count, k] */
} Request;

/* Log probabilities of the items, before the logarithm of the sum over the catalogue is taken off:
 * score [rows, k], total [rows]. */
typedef struct {
    Tensor score, total;
} LogP;

static LogP log_p(Device *dev, const HeadScores *z, Tensor item)
{
    const LogP p = {SCRATCH(dev, F32, item.dim[0], item.dim[1]), SCRATCH(dev, F32, item.dim[0])};
    scores_of_items(dev, z, p.score, item);
    scores_stats(dev, z, (CatalogueStats){.logsumexp = p.total}, 1.0f);
    return p;
}

static Tensor q_values(Session *s, const StateRows *rows, Tensor item)
{
    const HeadScores z = scores_full(s->dev, s->model, session_weights(s), HEAD_Q, rows);
    const Tensor q = SCRATCH(s->dev, F32, item.dim[0], item.dim[1]);
    scores_of_items(s->dev, &z, q, item);
    return scores_to_values(s->dev, s->model, TENSOR(q.data, F32, q.dim[0] * q.dim[1]));
}

/* What the model has of the three numbers; data NULL: nothing. */
typedef struct {
    LogP policy, rule;
    Tensor q;
} OnDevice;

static Status find_values(const Request *r, const StateRows *rows, Tensor item, OnDevice *on)
{
    Session *s = r->session;
    const ActingRule *rule = &r->items->rule;
    *on = (OnDevice){0};
    if (model_has(s->model, HEAD_POLICY)) {
        const HeadScores z =
            scores_ranking(s->dev, s->model, session_weights(s), HEAD_POLICY, rows);
        on->policy = log_p(s->dev, &z, item);
    }
    if (model_has(s->model, HEAD_Q)) on->q = q_values(s, rows, item);
    if (rule->kind == ACTING_POLICY) on->rule = on->policy;
    if (rule->kind != ACTING_MIXED) return OK;
    HeadScores z;
    exclude_begin(&s->memory.exclude);
    TRY(acting_scores(s, rule, rows, false, &z));
    on->rule = log_p(s->dev, &z, item);
    return OK;
}

/* Numbers of the host: those of a tensor, or NULL. *ok becomes false where they cannot be read. */
static float *read(Device *dev, Tensor t, bool *ok)
{
    float *numbers = t.data ? device_read(dev, t.data, tensor_bytes(t)) : NULL;
    *ok = *ok && (numbers || !t.data);
    return numbers;
}

static Status hand_out(const Request *r, const StateBatch *batch, const OnDevice *on)
{
    Device *dev = r->session->dev;
    const int64_t k = r->items->k;
    bool ok = true;
    float *z = read(dev, on->policy.score, &ok), *sum = read(dev, on->policy.total, &ok);
    float *score = read(dev, on->rule.score, &ok), *total = read(dev, on->rule.total, &ok);
    float *q = read(dev, on->q, &ok);
    const Status st = ok ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count * k && st == OK; i++) {
        ExplainValues *v = &r->out[batch->index[i / k] * k + i % k];
        v->log_probability = z ? (double)z[i] - (double)sum[i / k] : NAN;
        v->q = q ? (double)q[i] : NAN;
        v->score = score ? (double)score[i] - (double)total[i / k] : v->q;
    }
    device_read_done(dev, z);
    device_read_done(dev, sum);
    device_read_done(dev, score);
    device_read_done(dev, total);
    device_read_done(dev, q);
    return st;
}

static Status use_part(void *context, const StateBatch *batch)
{
    const Request *r = context;
    Device *dev = r->session->dev;
    const int64_t rows = batch->count, k = r->items->k;
    const Tensor item = SCRATCH(dev, I32, rows, k);
    OnDevice on;
    for (int64_t i = 0; i < rows; i++)
        device_copy_in(dev, i32(item) + i * k, r->items->item, (size_t)k * sizeof(int32_t));
    TRY(find_values(r, &batch->rows, item, &on));
    return hand_out(r, batch, &on);
}

static Status use_batch(void *context, const StateBatch *batch)
{
    const Request *r = context;
    const int64_t row = r->items->k * (r->session->model->shape.dim + 4);
    const int64_t fit = row < ELEMENTS_MAX ? ELEMENTS_MAX / row : 1;
    const int64_t most = acting_rows(r->session, &r->items->rule, false);
    return states_in_parts(r->session, batch, fit < most ? fit : most,
                           (StateSink){use_part, context});
}

Status explain_values(Session *s, const ExplainItems *items, const History *history, int64_t count,
                      ExplainValues *out)
{
    Request r = {.session = s, .items = items, .out = out};
    return states_after(s, history, count, (StateSink){use_batch, &r});
}
