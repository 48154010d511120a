/* A model as the policy under evaluation: its states, then exact probabilities over the catalogue. */
#include <math.h>
#include <stdlib.h>

#include "catalogue.h"
#include "evaluate/ope_policy.h"

typedef struct {
    const OpeModelPolicy *policy;
    const OpeLog *log;
    const OpeAnswer *answer;
    int32_t *item; /* [count of the batch] */
} Asked;

static Status ask(void *context, const StateBatch *batch)
{
    Asked *a = context;
    const OpeModelPolicy *p = a->policy;
    const Model *m = p->model->model;
    Device *dev = p->model->dev;
    Weights w = m->params.copy[PARAM_VALUE];
    const ItemTable items = model_items(m, w);
    const Tensor bias = head_bias(m, w, p->head), u = head_queries(dev, m, w, p->head, batch->h);
    for (int64_t i = 0; i < batch->count; i++) a->item[i] = a->log->item[batch->index[i]];
    Tensor shown = scratch_copy(dev, a->item, I32, batch->count);
    Tensor score = SCRATCH(dev, F32, batch->count), logsumexp = SCRATCH(dev, F32, batch->count);
    Tensor argmax = SCRATCH(dev, I32, batch->count);
    const bool greedy = p->epsilon >= 0.0;
    catalogue_score(dev, score, u, &items, bias, shown);
    catalogue_stats(
        dev, greedy ? (CatalogueStats){.argmax = argmax} : (CatalogueStats){.logsumexp = logsumexp},
        u, &items, bias, greedy ? 1.0f : (float)p->temperature);
    float *z = device_read(dev, score.data, tensor_bytes(score)),
          *l = device_read(dev, logsumexp.data, tensor_bytes(logsumexp));
    int32_t *best = device_read(dev, argmax.data, tensor_bytes(argmax));
    const Status st = z && l && best ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count && st == OK; i++)
        a->answer->chosen[batch->index[i]] =
            greedy ? p->epsilon / (double)a->log->items +
                         (best[i] == a->item[i] ? 1.0 - p->epsilon : 0.0)
                   : exp((double)z[i] / (double)(float)p->temperature - (double)l[i]);
    device_read_done(dev, z);
    device_read_done(dev, l);
    device_read_done(dev, best);
    return st;
}

static Status answer_model(const OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                           const OpeAnswer *answer)
{
    (void)question;
    const OpeModelPolicy *p = self->state;
    Asked a = {p, log, answer, malloc(((size_t)log->count + 1) * sizeof *a.item)};
    if (!a.item) return FAIL(ERR_MEMORY, "no memory for %lld decisions", (long long)log->count);
    const ScoredEvents events = {.count = log->count,
                                 .users = log->users,
                                 .event = log->event,
                                 .user = log->user,
                                 .first = log->first};
    const Status st = model_states(p->model, &events, "policy", p->quiet, ask, &a);
    free(a.item);
    return st;
}

OpePolicy ope_policy_model(const OpeModelPolicy *p)
{
    return (OpePolicy){.name = "model",
                       .history = true,
                       .fitted = true,
                       .state = (void *)p,
                       .answer = answer_model};
}
