#include "infer/scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue.h"
#include "elementwise.h"

/* ---- Scoring a batch -------------------------------------------------------------------------------- */

/* A run of one scorer, and the batch at hand. */
typedef struct {
    const ModelScorer *self;
    const Histories *histories;
    const ScoredEvents *events;
    const ScoreOptions *options;
    HeadId head;
    Ranking *ranking;
    float *purchase;
    int32_t *item; /* [events of the batch] what an op reads, on its way to the device */
    int64_t scored;
    const int64_t *index; /* [scored] */
} Run;

static int by_item(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The items of each scored event's history, sorted. */
static Status seen_items(const Run *r, Exclusion *out)
{
    *out = (Exclusion){0};
    if (r->options->include_seen) return OK;
    int64_t *offset = calloc((size_t)r->scored + 1, sizeof *offset);
    int32_t *item = NULL;
    int64_t room = 0, used = 0;
    bool failed = !offset;
    for (int64_t i = 0, u = 0; i < r->scored && !failed; i++) {
        while (r->events->first[u + 1] <= r->index[i]) u++;
        const int64_t first = r->histories->offset[r->events->user[u]];
        const int64_t count = r->events->event[r->index[i]] - first;
        if (used + count > room) {
            room = 2 * (used + count);
            int32_t *more = realloc(item, (size_t)room * sizeof *item);
            if (more)
                item = more;
            else
                failed = true;
        }
        if (failed) break;
        memcpy(item + used, r->histories->item + first, (size_t)count * sizeof *item);
        qsort(item + used, (size_t)count, sizeof *item, by_item);
        used += count;
        offset[i + 1] = used;
    }
    *out = (Exclusion){offset, item};
    return failed ? FAIL(ERR_MEMORY, "no memory for seen items") : OK;
}

static Exclusion seen_on_device(const Run *r, Exclusion seen)
{
    if (!seen.offset) return seen;
    return (Exclusion){scratch_copy(r->self->dev, seen.offset, I64, r->scored + 1).data,
                       scratch_copy(r->self->dev, seen.item, I32, seen.offset[r->scored]).data};
}

static Status add_ranks(const Run *r, Tensor above, Tensor ties, Tensor top)
{
    Device *dev = r->self->dev;
    int32_t *read[] = {device_read(dev, above.data, tensor_bytes(above)),
                       device_read(dev, ties.data, tensor_bytes(ties)),
                       device_read(dev, top.data, tensor_bytes(top))};
    const Status st = read[0] && read[1] && read[2] ? device_sync(dev) : ERR_MEMORY;
    if (st == OK) ranking_add(r->ranking, r->scored, r->index, read[0], read[1], read[2]);
    for (int i = 0; i < 3; i++) device_read_done(dev, read[i]);
    return st;
}

static Status rank(const Run *r, Tensor h)
{
    const ModelScorer *s = r->self;
    Weights w = params_weights(&s->model->params, PARAM_VALUE);
    Tensor above = SCRATCH(s->dev, I32, r->scored), ties = SCRATCH(s->dev, I32, r->scored);
    Tensor top = SCRATCH(s->dev, I32, r->scored, RANKING_TOP);
    Tensor score = SCRATCH(s->dev, F32, r->scored, RANKING_TOP);
    for (int64_t i = 0; i < r->scored; i++) r->item[i] = r->events->target[r->index[i]];
    Tensor target = scratch_copy(r->self->dev, r->item, I32, r->scored);

    Exclusion seen;
    Status st = seen_items(r, &seen);
    if (st == OK) {
        const HeadScores z = scores_ranking(s->dev, s->model, w, r->head, h);
        catalogue_rank(s->dev, above, ties, top, score, z.u, &z.items, z.bias, target,
                       seen_on_device(r, seen));
        st = add_ranks(r, above, ties, top);
    }
    free((void *)seen.offset);
    free((void *)seen.item);
    return st;
}

/* The next-action head's log probability of a purchase. */
static void predict(const Run *r, Tensor h)
{
    const ModelScorer *s = r->self;
    Weights w = params_weights(&s->model->params, PARAM_VALUE);
    const HeadScores z = scores_ranking(s->dev, s->model, w, HEAD_NEXT_ACTION, h);
    Tensor logsumexp = SCRATCH(s->dev, F32, r->scored), logit = SCRATCH(s->dev, F32, r->scored);
    for (int64_t i = 0; i < r->scored; i++) r->item[i] = r->options->purchase;
    Tensor purchase = scratch_copy(r->self->dev, r->item, I32, r->scored);
    catalogue_stats(s->dev, (CatalogueStats){.logsumexp = logsumexp}, z.u, &z.items, z.bias, 1.0f);
    scores_at(s->dev, &z, logit, purchase);
    elementwise_axpy(s->dev, logit, -1.0f, logsumexp);
    float *read = device_read(s->dev, logit.data, tensor_bytes(logit));
    for (int64_t i = 0; i < r->scored && read; i++) r->purchase[r->index[i]] = read[i];
    device_read_done(s->dev, read);
}

static Status use_states(void *context, const StateBatch *batch)
{
    Run *r = context;
    r->scored = batch->count;
    r->index = batch->index;
    r->item = malloc((size_t)batch->count * sizeof *r->item);
    if (!r->item) return FAIL(ERR_MEMORY, "no memory to evaluate");
    Status st = r->ranking ? rank(r, batch->h) : OK;
    if (st == OK && r->purchase) predict(r, batch->h);
    free(r->item);
    return st;
}

static Status score(const Scorer *self, const Histories *h, const ScoredEvents *events,
                    const ScoreOptions *options, Ranking *ranking, float *purchase)
{
    Run r = {.self = self->state,
             .histories = h,
             .events = events,
             .options = options,
             .head = (HeadId)self->kind,
             .ranking = ranking,
             .purchase = purchase};
    return model_states(r.self, events, self->name, options->quiet, use_states, &r);
}

Scorer model_scorer(const ModelScorer *state, HeadId head)
{
    return (Scorer){
        .name = heads_table[head].scorer,
        .ranks = true,
        .predicts = model_has(state->model, HEAD_NEXT_ACTION) &&
                    head == heads_default(state->model->shape.head_set),
        .state = (void *)state,
        .kind = head,
        .score = score,
    };
}

/* ---- Validation ------------------------------------------------------------------------------------- */

Status validation_open(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed)
{
    *v = (Validation){.sample = sample, .seed = seed};
    ScoredEvents events = {0};
    TRY(histories_read(&v->histories, file, SPLIT_VALID));
    const Status st = histories_scored_select(&events, &v->histories, sample, seed);
    v->events = events.count;
    histories_scored_close(&events);
    return st;
}

void validation_close(Validation *v)
{
    histories_close(&v->histories);
    *v = (Validation){0};
}

Status validation_run(const Validation *v, ValidationResult *out, const ModelScorer *model)
{
    const Scorer scorer = model_scorer(model, heads_default(model->model->shape.head_set));
    const ScoreOptions options = {.threads = model->dev->threads, .purchase = -1, .quiet = true};
    ScoredEvents events = {0};
    Ranking ranking = {0};
    RankingSummary summary;
    Status st = histories_scored_select(&events, &v->histories, v->sample, v->seed);
    if (st == OK) st = ranking_open(&ranking, &events);
    if (st == OK) st = scorer.score(&scorer, &v->histories, &events, &options, &ranking, NULL);
    if (st == OK) {
        ranking_summary(&ranking, GROUP_ALL, &summary);
        *out = (ValidationResult){summary.measure[NDCG_10].value, summary.measure[HR_10].value};
    }
    ranking_close(&ranking);
    histories_scored_close(&events);
    return st;
}
