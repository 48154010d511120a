/* SPDX-License-Identifier: Apache-2.0 */
#include "train/feed.h"

/* NUMBERS: the bytes of a slot before the batch. */
enum { NUMBERS = 256, WINDOWS_MIN = 8 };

static Status open_input(Feed *f, StepInput *in)
{
    TRY(model_input_open(&in->batch, f->model, f->tokens, f->own, f->dev));
    TRY(device_alloc_staging(f->dev, &in->staging, sizeof in->numbers, "inputs"));
    StepNumbers *n = in->staging ? in->staging : &in->numbers;
    in->step = TENSOR(&n->step, I64, 1);
    in->schedule = TENSOR(n->schedule, F64, ADAMW_SCHEDULE);
    return OK;
}

Status feed_open(Feed *f, const Model *m, const Behaviour *file, int64_t tokens, int64_t longest,
                 int slots, Device *dev)
{
    REQUIRE(slots >= 1 && slots <= FEED_SLOTS_MAX, "feed: %d slots, want 1 to %d", slots,
            FEED_SLOTS_MAX);
    *f = (Feed){.dev = dev,
                .model = m,
                .file = file,
                .tokens = tokens,
                .own = batch_own_capacity(file, m->counted, tokens),
                .longest = longest};
    for (int i = 0; i < FEED_INPUTS; i++) TRY(open_input(f, &f->input[i]));
    if (!f->input[0].staging) return OK;
    for (; f->slots < slots; f->slots++) {
        const size_t bytes = NUMBERS + model_input_bytes(m, tokens, f->own);
        f->slot[f->slots] = device_alloc_host(dev, bytes, "input slots");
        if (!f->slot[f->slots]) return ERR_MEMORY;
        TRY(device_event_open(dev, &f->copied[f->slots]));
    }
    return OK;
}

void feed_close(Feed *f)
{
    if (!f->dev) return;
    for (int s = 0; s < FEED_SLOTS_MAX; s++) {
        device_free(f->dev, f->slot[s]);
        device_event_close(f->dev, f->copied[s]);
    }
    for (int i = 0; i < FEED_INPUTS; i++) {
        model_input_close(&f->input[i].batch);
        device_free(f->dev, f->input[i].staging);
    }
    *f = (Feed){0};
}

/* The windows of shape number `shape`. Batches of up to `tokens` windows fit the last one. */
static int64_t windows_of(const Feed *f, int shape)
{
    const int64_t windows = (int64_t)WINDOWS_MIN << shape;
    return windows > f->tokens ? f->tokens : windows;
}

/* The number of the smallest shape that `windows` fit. */
static int shape_of(const Feed *f, int64_t windows)
{
    int shape = 0;
    while (windows_of(f, shape) < windows && windows_of(f, shape) < f->tokens) shape++;
    return shape;
}

/* The ops that read this input last are those of two steps ago. device_feed_follow marked the end
 * of them in the step before this one, so the copies wait for them. */
static void copy_to_device(Feed *f, StepInput *in, const Batch *batch, int slot)
{
    char *from = f->slot[slot];
    device_event_wait(f->dev, f->copied[slot]);
    *(StepNumbers *)(void *)from = in->numbers;
    in->shape = shape_of(f, batch->windows);
    const InputShape shape = {f->tokens, windows_of(f, in->shape), f->longest, f->own};
    model_input_pack(&in->batch, f->model, batch, f->file, shape, from + NUMBERS);
    device_feed(f->dev, in->staging, from, sizeof in->numbers);
    device_feed(f->dev, in->batch.staging, from + NUMBERS, in->batch.used);
    device_event_mark_feed(f->dev, f->copied[slot]);
    device_feed_follow(f->dev);
    device_feed_join(f->dev);
}

const StepInput *feed_batch(Feed *f, const Batch *batch, const StepNumbers *numbers, int *index)
{
    *index = (int)(f->fed % FEED_INPUTS);
    StepInput *in = &f->input[*index];
    in->numbers = *numbers;
    if (f->slots)
        copy_to_device(f, in, batch, (int)(f->fed % f->slots));
    else
        model_input_set(&in->batch, f->model, batch, f->file);
    f->fed++;
    return in;
}

const StepInput *feed_measure(Feed *f, int shape)
{
    if (shape > shape_of(f, f->tokens / 2)) return NULL; /* a window has at least two events */
    StepInput *in = &f->input[0];
    model_input_measure(&in->batch, f->model,
                        (InputShape){f->tokens, windows_of(f, shape), f->longest, f->own}, f->file);
    return in;
}
