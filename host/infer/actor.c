#include "infer/actor.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue.h"
#include "catalogue/sample.h"

enum { BATCH_TOKENS = 4096 };
static const uint64_t ACTOR_KEY = UINT64_C(0x6163746F72000000); /* apart from the world's draws */

struct ModelActor {
    ModelScorer scorer;
    const World *world;
    ActorOptions options;
    Batch batch;
    ModelInput input;
    Encoder own, *encoder; /* own: used where none is borrowed */
    int32_t *row;          /* [tokens] state rows of the open batch */
    int64_t *stream;       /* [tokens] and their episodes */
    int64_t *excluded_at;  /* [tokens+1] the windows' offsets into `excluded` */
    int32_t *excluded;     /* [tokens, exclude_last] rising in a window */
};

/* ---- Opening --------------------------------------------------------------------------------------- */

static Status check(const World *w, const Behaviour *b)
{
    const WorldSpec *s = &w->spec;
    if (b->items != s->items)
        return FAIL(ERR_USAGE, "%s has %" PRId64 " items, the world %s has %" PRId64, b->path,
                    b->items, w->kind->name, s->items);
    bool same = b->actions == s->actions;
    for (int a = 0; same && a < s->actions; a++)
        same = !strcmp(b->action_name[a], s->action_name[a]);
    if (!same)
        return FAIL(ERR_USAGE, "%s has other kinds of events than the world %s", b->path,
                    w->kind->name);
    same = b->event_features.numbers == s->numbers;
    for (int n = 0; same && n < s->numbers; n++)
        same = !strcmp(b->event_features.number_name[n], s->number_name[n]);
    if (!same)
        return FAIL(ERR_USAGE, "%s has other numbers of events than the world %s", b->path,
                    w->kind->name);
    return OK;
}

static Status check_options(const Model *m, const ActorOptions *o)
{
    if (o->exclude_last >= m->shape.items)
        return FAIL(ERR_USAGE,
                    "items of the last %" PRId64 " events are not shown again, of %" PRId64
                    " items in all: none may be left",
                    o->exclude_last, m->shape.items);
    const HeadSet wanted = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);
    char list[HEADS_LIST_MAX];
    if (o->candidates == 0 || (m->shape.head_set & wanted) == wanted) return OK;
    heads_list(list, m->shape.head_set & wanted, " or ");
    return FAIL(ERR_USAGE,
                "candidates are ranked by the policy head and chosen by the q head: want a model "
                "with both, this one has only %s",
                list);
}

Status model_actor_open(ModelActor **actor, const ModelScorer *scorer, const World *w,
                        const ActorOptions *options)
{
    const int64_t tokens = scorer->encoder                 ? scorer->encoder->tokens
                           : scorer->length > BATCH_TOKENS ? scorer->length
                                                           : BATCH_TOKENS;
    ModelActor *a = calloc(1, sizeof *a);
    *actor = a;
    if (!a) return FAIL(ERR_MEMORY, "no memory for an actor");
    *a = (ModelActor){.scorer = *scorer, .world = w, .options = *options};
    a->options.seed ^= ACTOR_KEY;
    a->encoder = scorer->encoder ? scorer->encoder : &a->own;
    TRY(check(w, scorer->file));
    TRY(check_options(scorer->model, options));
    a->row = calloc((size_t)tokens, sizeof *a->row);
    a->stream = calloc((size_t)tokens, sizeof *a->stream);
    a->excluded_at = calloc((size_t)tokens + 1, sizeof *a->excluded_at);
    a->excluded = calloc((size_t)(tokens * (options->exclude_last + 1)), sizeof *a->excluded);
    if (!a->row || !a->stream || !a->excluded_at || !a->excluded)
        return FAIL(ERR_MEMORY, "no memory for an actor");
    TRY(batch_open(&a->batch, scorer->file, tokens));
    TRY(model_input_open(&a->input, scorer->model, tokens, scorer->dev));
    return scorer->encoder ? OK : encoder_open(&a->own, scorer->model, tokens, false, scorer->dev);
}

void model_actor_close(ModelActor *a)
{
    if (!a) return;
    free(a->row);
    free(a->stream);
    free(a->excluded_at);
    free(a->excluded);
    batch_close(&a->batch);
    model_input_close(&a->input);
    encoder_close(&a->own);
    free(a);
}

/* ---- From histories to a batch ----------------------------------------------------------------------- */

static int64_t window_of(const ModelActor *a, const PlayHistory *h)
{
    return h->count < a->scorer.length ? h->count : a->scorer.length;
}

/* The items that the open batch's next window may not be answered with. */
static void add_excluded(ModelActor *a, const PlayHistory *h)
{
    const int64_t at = a->excluded_at[a->batch.windows];
    int32_t *item = a->excluded + at;
    int64_t count = 0;
    for (int64_t i = h->count - 1; i >= 0 && i >= h->count - a->options.exclude_last; i--) {
        const int32_t shown = h->event[i].item;
        int64_t place = 0, known;
        while (place < count && item[place] < shown) place++;
        known = place < count && item[place] == shown;
        for (int64_t k = count; !known && k > place; k--) item[k] = item[k - 1];
        item[place] = shown;
        count += !known;
    }
    a->excluded_at[a->batch.windows + 1] = at + count;
}

static Exclusion exclusion_of(const ModelActor *a)
{
    Device *dev = a->scorer.dev;
    const int64_t rows = a->batch.windows;
    if (a->options.exclude_last == 0) return (Exclusion){0};
    return (Exclusion){scratch_copy(dev, a->excluded_at, I64, rows + 1).data,
                       scratch_copy(dev, a->excluded, I32, a->excluded_at[rows]).data};
}

/* The last events of a history become a window of the open batch. */
static void add_window(ModelActor *a, const PlayHistory *h)
{
    Batch *b = &a->batch;
    const FeatureSet *f = &a->scorer.file->event_features;
    const int64_t count = window_of(a, h), first = h->count - count;
    for (int64_t i = 0; i < count; i++) {
        const WorldEvent *e = &h->event[first + i];
        const int64_t at = b->used + i;
        b->item[at] = e->item;
        b->action[at] = e->action;
        b->gap[at] = i ? batch_gap_bucket(e->time - e[-1].time) : 0;
        b->position[at] = (int32_t)i;
        b->target[at] = -1;
        for (int n = 0; n < b->numbers; n++)
            b->feature[at * b->numbers + n] = (e->number[n] - f->mean[n]) / f->std[n];
    }
    add_excluded(a, h);
    b->user[b->windows] = -1;
    b->used += count;
    a->row[b->windows] = (int32_t)b->used - 1;
    a->stream[b->windows] = h->episode;
    b->cu_seqlens[++b->windows] = (int32_t)b->used;
}

/* ---- Choosing ------------------------------------------------------------------------------------------ */

/* Of the batch's windows, into item and propensity; `step` choices were made in each episode. */
static Status softmax_choices(ModelActor *a, const HeadScores *z, int64_t step, int32_t *item,
                              float *propensity)
{
    Device *dev = a->scorer.dev;
    const int64_t rows = a->batch.windows;
    Tensor chosen = SCRATCH(dev, I32, rows), chance = SCRATCH(dev, F32, rows);
    const SampleOptions options = {
        .seed = a->options.seed,
        .step = step,
        .stream = scratch_copy(dev, a->stream, I64, rows),
        .exclusion = exclusion_of(a),
        .temperature = (float)a->options.temperature,
    };
    catalogue_sample(dev, chosen, chance, z->u, &z->items, z->bias, options);
    device_copy_out(dev, item, chosen.data, tensor_bytes(chosen));
    device_copy_out(dev, propensity, chance.data, tensor_bytes(chance));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) propensity[i] = fminf(expf(propensity[i]), 1.0f);
    return OK;
}

/* Any item that window i may be answered with, each as likely; and how many there are. */
static int32_t any_item(const ModelActor *a, int64_t i, uint32_t word, int64_t *among)
{
    const int64_t end = a->excluded_at[i + 1], first = a->excluded_at[i];
    *among = a->world->spec.items - (end - first);
    int32_t item = (int32_t)(word * (uint64_t)*among >> 32);
    for (int64_t k = first; k < end && a->excluded[k] <= item; k++) item++;
    return item;
}

static Status greedy_choices(ModelActor *a, const HeadScores *z, int64_t step, int32_t *item,
                             float *propensity)
{
    Device *dev = a->scorer.dev;
    const int64_t rows = a->batch.windows;
    const double epsilon = a->options.epsilon;
    Tensor best = SCRATCH(dev, I32, rows, 1), score = SCRATCH(dev, F32, rows, 1), none = {0};
    catalogue_rank(dev, none, none, best, score, z->u, &z->items, z->bias, none, exclusion_of(a));
    device_copy_out(dev, item, best.data, tensor_bytes(best));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) {
        const Philox p = philox(a->options.seed, (uint64_t)a->stream[i], (uint64_t)step);
        int64_t among;
        if (item[i] < 0) return FAIL(ERR_FORMAT, "the model's scores are not numbers");
        const int32_t greedy = item[i], any = any_item(a, i, p.word[1], &among);
        if ((double)philox_uniform(p.word[0]) < epsilon) item[i] = any;
        propensity[i] =
            (float)(epsilon / (double)among + (item[i] == greedy ? 1.0 - epsilon : 0.0));
    }
    return OK;
}

/* One of `count` candidates with scores q: its index, and with which probability. */
static int64_t pick(const ActorOptions *o, const float *q, int64_t count, Philox p, float *chance)
{
    int64_t best = 0;
    double sum = 0.0;
    for (int64_t c = 1; c < count; c++)
        if (q[c] > q[best]) best = c;
    if (o->temperature <= 0.0) {
        const bool any = (double)philox_uniform(p.word[0]) < o->epsilon;
        const int64_t c = any ? (int64_t)(p.word[1] * (uint64_t)count >> 32) : best;
        *chance = (float)(o->epsilon / (double)count + (c == best ? 1.0 - o->epsilon : 0.0));
        return c;
    }
    for (int64_t c = 0; c < count; c++) sum += exp(((double)q[c] - q[best]) / o->temperature);
    double left = ((double)p.word[0] + 0.5) * 0x1p-32 * sum;
    int64_t c = 0;
    for (;; c++) {
        const double weight = exp(((double)q[c] - q[best]) / o->temperature);
        *chance = (float)(weight / sum);
        if (left < weight || c == count - 1) return c;
        left -= weight;
    }
}

/* Q, up to its state term, of the items [rows, k] that the policy ranks best. */
static Tensor candidate_values(ModelActor *a, Tensor h, Weights w, Tensor items)
{
    Device *dev = a->scorer.dev;
    const int64_t rows = items.dim[0], k = items.dim[1];
    const HeadScores of_rows = scores_ranking(dev, a->scorer.model, w, HEAD_Q, h);
    const HeadScores z = scores_repeat(dev, &of_rows, k);
    Tensor q = SCRATCH(dev, F32, rows * k);
    scores_at(dev, &z, q, TENSOR(items.data, I32, rows * k));
    return q;
}

static Status candidate_choices(ModelActor *a, Tensor h, Weights w, int64_t step, int32_t *item,
                                float *propensity)
{
    const ActorOptions *o = &a->options;
    Device *dev = a->scorer.dev;
    const Model *m = a->scorer.model;
    const int64_t rows = a->batch.windows, items = m->shape.items;
    const int64_t left = items - o->exclude_last, k = o->candidates < left ? o->candidates : left;
    Tensor best = SCRATCH(dev, I32, rows, k), score = SCRATCH(dev, F32, rows, k), none = {0};
    const HeadScores z = scores_ranking(dev, m, w, HEAD_POLICY, h);
    catalogue_rank(dev, none, none, best, score, z.u, &z.items, z.bias, none, exclusion_of(a));
    Tensor q = candidate_values(a, h, w, best);
    int32_t *found = device_read(dev, best.data, tensor_bytes(best));
    float *value = device_read(dev, q.data, tensor_bytes(q));
    Status st = found && value ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; st == OK && i < rows; i++) {
        const Philox p = philox(o->seed, (uint64_t)a->stream[i], (uint64_t)step);
        item[i] = found[i * k + pick(o, value + i * k, k, p, &propensity[i])];
        if (item[i] < 0) st = FAIL(ERR_FORMAT, "the model's scores are not numbers");
    }
    device_read_done(dev, found);
    device_read_done(dev, value);
    return st;
}

static Status choose(ModelActor *a, int64_t step, int32_t *item, float *propensity)
{
    const ModelScorer *s = &a->scorer;
    const ActorOptions *o = &a->options;
    const Model *m = s->model;
    Weights w = params_weights(&m->params, PARAM_VALUE);
    const size_t mark = scratch_mark(s->dev);
    model_input_set(&a->input, m, &a->batch, s->file);
    Tensor h = encoder_forward(s->dev, a->encoder, m, w, &a->input, (DropoutKey){0});
    h = states_at(s->dev, h, a->row, a->batch.windows);
    Status st;
    if (o->candidates > 0)
        st = candidate_choices(a, h, w, step, item, propensity);
    else {
        const HeadScores z = scores_ranking(s->dev, m, w, o->head, h);
        st = o->temperature > 0.0 ? softmax_choices(a, &z, step, item, propensity)
                                  : greedy_choices(a, &z, step, item, propensity);
    }
    scratch_release(s->dev, mark);
    return st;
}

static Status act(void *self, const Episodes *episodes, const PlayHistory *history, int64_t count,
                  const int64_t *slot, int32_t *item, float *propensity)
{
    ModelActor *a = self;
    for (int64_t done = 0, i = 0; done < count; done = i) {
        batch_begin(&a->batch);
        while (i < count && a->batch.used + window_of(a, &history[slot[i]]) <= a->batch.tokens)
            add_window(a, &history[slot[i++]]);
        TRY(choose(a, episodes->step[slot[done]], item + done, propensity + done));
    }
    return OK;
}

Actor model_actor(ModelActor *a) { return (Actor){a, act, .apart = false}; }
