#include "infer/states.h"

#include <stdlib.h>

#include "base/progress.h"
#include "elementwise.h"
#include "embedding.h"

enum { BATCH_TOKENS = 4096 };

/* The open batch, and who asked. */
typedef struct {
    const ModelScorer *self;
    const ScoredEvents *events;
    Status (*use)(void *context, const StateBatch *batch);
    void *context;

    Batch batch;
    ModelInput input;
    Encoder own, *encoder; /* own: used where none is borrowed */
    Window *window;        /* [tokens] windows of the open batch */
    int64_t windows, tokens;
    int32_t *row;   /* [tokens] state rows that are wanted, */
    int64_t *index; /* [tokens] and the events they are for */
    int64_t wanted;
    Progress bar;
    int64_t done;
} Walk;

static Status walk_open(Walk *w)
{
    const ModelScorer *s = w->self;
    const int64_t tokens = s->encoder                 ? s->encoder->tokens
                           : s->length > BATCH_TOKENS ? s->length
                                                      : BATCH_TOKENS;
    w->encoder = s->encoder ? s->encoder : &w->own;
    w->window = calloc((size_t)tokens, sizeof *w->window);
    w->row = calloc((size_t)tokens, sizeof *w->row);
    w->index = calloc((size_t)tokens, sizeof *w->index);
    if (!w->window || !w->row || !w->index) return FAIL(ERR_MEMORY, "no memory to evaluate");
    TRY(batch_open(&w->batch, s->file, tokens));
    TRY(model_input_open(&w->input, s->model, tokens, s->dev));
    return s->encoder ? OK : encoder_open(&w->own, s->model, tokens, false, s->dev);
}

static void walk_close(Walk *w)
{
    free(w->window);
    free(w->row);
    free(w->index);
    batch_close(&w->batch);
    model_input_close(&w->input);
    encoder_close(&w->own);
}

Tensor scratch_copy(Device *dev, const void *from, Dtype dtype, int64_t count)
{
    Tensor t = SCRATCH(dev, dtype, count);
    device_copy_in(dev, t.data, from, tensor_bytes(t));
    return t;
}

Tensor states_at(Device *dev, Tensor all, const int32_t *row, int64_t count)
{
    Tensor h = SCRATCH(dev, F32, count, all.dim[1]);
    elementwise_fill(dev, h, 0.0f);
    embedding_add(dev, h, elementwise_cast(dev, all, F32), scratch_copy(dev, row, I32, count));
    return elementwise_cast(dev, h, all.dtype);
}

static Status flush(Walk *w)
{
    const ModelScorer *s = w->self;
    if (w->wanted == 0) return OK;
    TRY(batch_fill(&w->batch, s->file, w->window, w->windows));
    model_input_set(&w->input, s->model, &w->batch, s->file);
    const size_t mark = scratch_mark(s->dev);
    Tensor all =
        encoder_forward(s->dev, w->encoder, s->model,
                        params_weights(&s->model->params, PARAM_VALUE), &w->input, (DropoutKey){0});
    Tensor h = states_at(s->dev, all, w->row, w->wanted);
    Status st = w->use(w->context, &(StateBatch){h, w->wanted, w->index});
    if (st == OK) st = device_sync(s->dev);
    scratch_release(s->dev, mark);
    w->done += w->wanted;
    progress_update(&w->bar, w->done, NULL);
    w->windows = w->tokens = w->wanted = 0;
    return st;
}

/* Put window [first, end) into the batch for the user's events [from, to): event e wants the state of
 * row e-1. */
static Status add_window(Walk *w, int64_t user, int64_t first, int64_t end, int64_t from,
                         int64_t to)
{
    if (w->tokens + (end - first) > w->batch.tokens) TRY(flush(w));
    w->window[w->windows++] = (Window){.user = user, .first = first, .end = end};
    for (int64_t i = from; i < to; i++) {
        w->row[w->wanted] = (int32_t)(w->tokens + (w->events->event[i] - 1 - first));
        w->index[w->wanted++] = i;
    }
    w->tokens += end - first;
    return OK;
}

static Status add_user(Walk *w, int64_t u)
{
    const ScoredEvents *e = w->events;
    const int64_t user = e->user[u], start = w->self->file->offset[user], length = w->self->length;
    for (int64_t i = e->first[u]; i < e->first[u + 1];) {
        /* States up to row `end`-1 with the window's first event as late as half a window allows. */
        const int64_t needed = e->event[i];
        const int64_t first = needed - start <= length ? start : needed - (length + 1) / 2;
        int64_t last = i;
        while (last + 1 < e->first[u + 1] && e->event[last + 1] - first <= length) last++;
        TRY(add_window(w, user, first, e->event[last], i, last + 1));
        i = last + 1;
    }
    return OK;
}

Status model_states(const ModelScorer *s, const ScoredEvents *events, const char *label, bool quiet,
                    Status (*use)(void *context, const StateBatch *batch), void *context)
{
    Walk w = {.self = s, .events = events, .use = use, .context = context};
    progress_begin(&w.bar, label, events->first[events->users], quiet);
    Status st = walk_open(&w);
    for (int64_t u = 0; u < events->users && st == OK; u++) st = add_user(&w, u);
    if (st == OK) st = flush(&w);
    if (st == OK) progress_end(&w.bar, NULL);
    walk_close(&w);
    return st;
}
