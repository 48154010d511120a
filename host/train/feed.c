#include "train/feed.h"

enum { NUMBERS = 256, WINDOWS_MIN = 8 }; /* bytes of a slot before the batch */

static Status open_room(Feed *f, StepInput *in)
{
    TRY(model_input_open(&in->batch, f->model, f->tokens, f->dev));
    TRY(device_alloc_staging(f->dev, &in->room, sizeof in->numbers, "inputs"));
    StepNumbers *n = in->room ? in->room : &in->numbers;
    in->step = TENSOR(&n->step, I64, 1);
    in->schedule = TENSOR(n->schedule, F64, ADAMW_SCHEDULE);
    return OK;
}

Status feed_open(Feed *f, const Model *m, const Behaviour *file, int64_t tokens, int64_t longest,
                 int slots, Device *dev)
{
    REQUIRE(slots >= 1 && slots <= FEED_SLOTS_MAX, "feed: %d slots", slots);
    *f = (Feed){.dev = dev, .model = m, .file = file, .tokens = tokens, .longest = longest};
    for (int r = 0; r < FEED_ROOMS; r++) TRY(open_room(f, &f->room[r]));
    if (!f->room[0].room) return OK;
    for (; f->slots < slots; f->slots++) {
        f->slot[f->slots] =
            device_alloc_host(dev, NUMBERS + model_input_bytes(m, tokens), "input slots");
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
    for (int r = 0; r < FEED_ROOMS; r++) {
        model_input_close(&f->room[r].batch);
        device_free(f->dev, f->room[r].room);
    }
    *f = (Feed){0};
}

static InputShape shape_of(const Feed *f, const Batch *batch, int *number)
{
    int64_t windows = WINDOWS_MIN;
    for (*number = 0; windows < batch->windows; ++*number) windows *= 2;
    if (windows > f->tokens && batch->windows <= f->tokens) windows = f->tokens;
    return (InputShape){f->tokens, windows, f->longest};
}

/* The ops that read the room last are those of two steps ago, which device_feed_follow has marked in the
 * step before this one. */
static void copy_to_room(Feed *f, StepInput *in, const Batch *batch, int slot)
{
    char *from = f->slot[slot];
    device_event_wait(f->dev, f->copied[slot]);
    *(StepNumbers *)(void *)from = in->numbers;
    model_input_pack(&in->batch, f->model, batch, f->file, shape_of(f, batch, &in->shape),
                     from + NUMBERS);
    device_feed(f->dev, in->room, from, sizeof in->numbers);
    device_feed(f->dev, in->batch.staging, from + NUMBERS, in->batch.used);
    device_event_mark_feed(f->dev, f->copied[slot]);
    device_feed_follow(f->dev);
    device_feed_join(f->dev);
}

const StepInput *feed_batch(Feed *f, const Batch *batch, const StepNumbers *numbers, int *room)
{
    *room = (int)(f->fed % FEED_ROOMS);
    StepInput *in = &f->room[*room];
    in->numbers = *numbers;
    if (f->slots)
        copy_to_room(f, in, batch, (int)(f->fed % f->slots));
    else
        model_input_set(&in->batch, f->model, batch, f->file);
    f->fed++;
    return in;
}
