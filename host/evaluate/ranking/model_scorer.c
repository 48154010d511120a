/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/model_scorer.h"

#include <stdio.h>
#include <string.h>

#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "infer/acting.h"
#include "infer/ranked.h"

/* One call of a scorer. */
typedef struct {
    Session *session;
    const Histories *histories;
    const ScoredEvents *events;
    const ScoreOptions *options;
    ActingRule rule;
    Ranking *ranking; /* NULL: not wanted */
    float *purchase;  /* NULL: not wanted */
} Run;

/* For each event of the batch the items that its user had before; where they stay candidates, those
 * of the last events that the rule leaves out. */
static Status collect_seen(const Run *r, const StateBatch *batch)
{
    SessionMemory *m = &r->session->memory;
    exclude_begin(&m->exclude);
    if (r->options->include_seen && r->rule.exclude_last == 0) return OK;
    for (int64_t i = 0, u = 0; i < batch->count; i++) {
        while (r->events->first[u + 1] <= batch->index[i]) u++;
        const int64_t end = r->events->known[batch->index[i]];
        const int64_t have = end - r->histories->offset[r->events->user[u]];
        const int64_t most = r->options->include_seen ? r->rule.exclude_last : have;
        const int64_t count = most < have ? most : have;
        TRY(session_reserve_items(r->session, count));
        memcpy(m->item, r->histories->item + end - count, (size_t)count * sizeof *m->item);
        TRY(exclude_add(&m->exclude, NULL, 0, m->item, count));
    }
    return OK;
}

static Status add_ranks(const Run *r, const StateBatch *batch, Tensor above, Tensor ties,
                        Tensor top)
{
    Device *dev = r->session->dev;
    int32_t *read[] = {device_read(dev, above.data, tensor_bytes(above)),
                       device_read(dev, ties.data, tensor_bytes(ties)),
                       device_read(dev, top.data, tensor_bytes(top))};
    const Status st = read[0] && read[1] && read[2] ? device_sync(dev) : ERR_MEMORY;
    if (st == OK) ranking_add(r->ranking, batch->count, batch->index, read[0], read[1], read[2]);
    for (int i = 0; i < 3; i++) device_read_done(dev, read[i]);
    return st;
}

static Status rank(void *context, const StateBatch *batch)
{
    const Run *r = context;
    Session *s = r->session;
    HeadScores z;
    const int64_t rows = batch->count;
    Tensor above = SCRATCH(s->dev, I32, rows), ties = SCRATCH(s->dev, I32, rows);
    Tensor top = SCRATCH(s->dev, I32, rows, RANKING_TOP);
    Tensor score = SCRATCH(s->dev, F32, rows, RANKING_TOP);
    for (int64_t i = 0; i < rows; i++) s->memory.item[i] = r->events->target[batch->index[i]];
    const Tensor target = scratch_copy(s->dev, s->memory.item, I32, rows);
    TRY(collect_seen(r, batch));
    TRY(acting_scores(s, &r->rule, &batch->rows, false, &z));
    TRY(ranked_targets(s, &z, target, above, ties, top, score));
    return add_ranks(r, batch, above, ties, top);
}

/* The next-action head's log probability of a purchase. */
static void predict(const Run *r, const StateBatch *batch)
{
    const Session *s = r->session;
    const int64_t rows = batch->count;
    const HeadScores z =
        scores_ranking(s->dev, s->model, session_weights(s), HEAD_NEXT_ACTION, &batch->rows);
    Tensor logsumexp = SCRATCH(s->dev, F32, rows), logit = SCRATCH(s->dev, F32, rows);
    for (int64_t i = 0; i < rows; i++) s->memory.item[i] = r->options->purchase;
    const Tensor purchase = scratch_copy(s->dev, s->memory.item, I32, rows);
    catalogue_stats(s->dev, (CatalogueStats){.logsumexp = logsumexp}, z.u, &z.items, z.bias, 1.0f);
    scores_at(s->dev, &z, logit, purchase);
    elementwise_axpy(s->dev, logit, -1.0f, logsumexp);
    float *read = device_read(s->dev, logit.data, tensor_bytes(logit));
    for (int64_t i = 0; i < rows && read; i++) r->purchase[batch->index[i]] = read[i];
    device_read_done(s->dev, read);
}

static Status use_states(void *context, const StateBatch *batch)
{
    const Run *r = context;
    TRY(session_reserve_items(r->session, batch->count));
    if (r->ranking)
        TRY(states_in_parts(r->session, batch, acting_rows(r->session, &r->rule, false),
                            (StateSink){rank, context}));
    if (r->purchase) predict(r, batch);
    return OK;
}

static ActingRule rule_of(const Session *s, ActingKind kind)
{
    const ActingRule own = session_acting(s);
    return kind == own.kind ? own : (ActingRule){.kind = kind};
}

static Status score(const Scorer *self, const Histories *h, const ScoredEvents *events,
                    const ScoreOptions *options, Ranking *ranking, float *purchase)
{
    Run r = {.session = self->state,
             .histories = h,
             .events = events,
             .options = options,
             .rule = rule_of(self->state, (ActingKind)self->kind),
             .ranking = ranking,
             .purchase = purchase};
    const LogEvents wanted = {.users = events->users,
                              .user = events->user,
                              .first = events->first,
                              .event = events->event};
    return states_before(r.session, &wanted, self->name, options->listener,
                         (StateSink){use_states, &r});
}

static const char *const names[ACTING_KINDS] = {
    [ACTING_POLICY] = "souk policy",        [ACTING_Q] = "souk Q values",
    [ACTING_MIXED] = "souk policy and Q",   [ACTING_CANDIDATES] = "souk Q of the best",
    [ACTING_ALLOWED] = "souk Q of allowed",
};

void model_scorer_name(char out[MODEL_SCORER_NAME], int model, ActingKind kind)
{
    static const size_t brand = sizeof "souk " - 1;
    snprintf(out, MODEL_SCORER_NAME, "%c: %s", 'A' + model, names[kind] + brand);
}

Scorer model_scorer(Session *session, ActingKind kind)
{
    return (Scorer){
        .name = names[kind],
        .ranks = true,
        .predicts =
            model_has(session->model, HEAD_NEXT_ACTION) && kind == session_acting(session).kind,
        .state = session,
        .kind = (int)kind,
        .score = score,
    };
}
