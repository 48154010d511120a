#include "evaluate/model_actor.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "catalogue_sample.h"

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
    a->row = calloc((size_t)tokens, sizeof *a->row);
    a->stream = calloc((size_t)tokens, sizeof *a->stream);
    if (!a->row || !a->stream) return FAIL(ERR_MEMORY, "no memory for an actor");
    TRY(batch_open(&a->batch, scorer->file, tokens));
    TRY(model_input_open(&a->input, scorer->model, tokens, scorer->dev));
    return scorer->encoder ? OK : encoder_open(&a->own, scorer->model, tokens, false, scorer->dev);
}

void model_actor_close(ModelActor *a)
{
    if (!a) return;
    free(a->row);
    free(a->stream);
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
        b->gap[at] = i ? gap_bucket(e->time - e[-1].time) : 0;
        b->position[at] = (int32_t)i;
        b->target[at] = -1;
        for (int n = 0; n < b->numbers; n++)
            b->feature[at * b->numbers + n] = (e->number[n] - f->mean[n]) / f->std[n];
    }
    b->user[b->windows] = -1;
    b->used += count;
    a->row[b->windows] = (int32_t)b->used - 1;
    a->stream[b->windows] = h->episode;
    b->cu_seqlens[++b->windows] = (int32_t)b->used;
}

/* ---- Choosing ------------------------------------------------------------------------------------------ */

/* Of the batch's windows, into item and propensity; `step` choices were made in each episode. */
static Status softmax_choices(ModelActor *a, Tensor u, Tensor bias, const ItemTable *table,
                              int64_t step, int32_t *item, float *propensity)
{
    Device *dev = a->scorer.dev;
    const int64_t rows = a->batch.windows;
    Tensor chosen = SCRATCH(dev, I32, rows), chance = SCRATCH(dev, F32, rows);
    const SampleOptions options = {
        .seed = a->options.seed,
        .step = step,
        .stream = scratch_copy(dev, a->stream, I64, rows),
        .temperature = (float)a->options.temperature,
    };
    catalogue_sample(dev, chosen, chance, u, table, bias, options);
    device_copy_out(dev, item, chosen.data, tensor_bytes(chosen));
    device_copy_out(dev, propensity, chance.data, tensor_bytes(chance));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) propensity[i] = fminf(expf(propensity[i]), 1.0f);
    return OK;
}

static Status greedy_choices(ModelActor *a, Tensor u, Tensor bias, const ItemTable *table,
                             int64_t step, int32_t *item, float *propensity)
{
    Device *dev = a->scorer.dev;
    const int64_t rows = a->batch.windows;
    const uint64_t items = (uint64_t)a->world->spec.items;
    const double epsilon = a->options.epsilon, any = epsilon / (double)items;
    Tensor best = SCRATCH(dev, I32, rows);
    catalogue_stats(dev, (CatalogueStats){.argmax = best}, u, table, bias, 1.0f);
    device_copy_out(dev, item, best.data, tensor_bytes(best));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) {
        const Philox p = philox(a->options.seed, (uint64_t)a->stream[i], (uint64_t)step);
        const int32_t greedy = item[i];
        if ((double)philox_uniform(p.word[0]) < epsilon)
            item[i] = (int32_t)(p.word[1] * items >> 32);
        propensity[i] = (float)(any + (item[i] == greedy ? 1.0 - epsilon : 0.0));
    }
    return OK;
}

static Status choose(ModelActor *a, int64_t step, int32_t *item, float *propensity)
{
    const ModelScorer *s = &a->scorer;
    const Model *m = s->model;
    Weights w = params_weights(&m->params, PARAM_VALUE);
    const ItemTable table = model_items(m, w);
    Tensor bias = head_bias(m, w, a->options.head);
    const size_t mark = scratch_mark(s->dev);
    model_input_set(&a->input, m, &a->batch, s->file);
    Tensor h = encoder_forward(s->dev, a->encoder, m, w, &a->input, (DropoutKey){0});
    h = states_at(s->dev, h, a->row, a->batch.windows);
    Tensor u = head_queries(s->dev, m, w, a->options.head, h);
    const Status st = a->options.temperature > 0.0
                          ? softmax_choices(a, u, bias, &table, step, item, propensity)
                          : greedy_choices(a, u, bias, &table, step, item, propensity);
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

Actor model_actor(ModelActor *a) { return (Actor){a, act}; }
