/* Batches on their way to the device, each with the numbers of its step.
 *
 * Where the device has memory of its own, the host packs a batch into one of a ring of pinned slots, and
 * copies beside the ops take it into one of two rooms on the device, while the step before it computes in
 * the other. So a step's tensors lie in one of two places, and they have few shapes: all tokens of the
 * budget, windows filled up to a power of two (attention chooses its kernel by their number, so not to
 * the most that could be), the longest window that could be. The host waits for a slot only until it was
 * copied. On the CPU a room is a view of the batch.
 */
#ifndef SOUK_FEED_H
#define SOUK_FEED_H

#include "adamw.h"
#include "model/input.h"

enum { FEED_SLOTS = 3, FEED_SLOTS_MAX = 8, FEED_ROOMS = 2, FEED_SHAPES = 32 };

/* What changes from step to step, beside the batch. */
typedef struct {
    int64_t step; /* from 0 */
    double schedule[ADAMW_SCHEDULE];
} StepNumbers;

typedef struct {
    ModelInput batch;
    int shape;             /* 0 .. FEED_SHAPES-1: tensors of equal ones have equal shapes */
    StepNumbers numbers;   /* of the host */
    void *room;            /* of the same, where the device has memory of its own */
    Tensor step, schedule; /* i64 [1], f64 [ADAMW_SCHEDULE]: them, as ops read them */
} StepInput;

typedef struct {
    Device *dev;
    const Model *model;
    const Behaviour *file;
    int64_t tokens, longest;
    int slots; /* 0 where a room is a view */
    char *slot[FEED_SLOTS_MAX];
    DeviceEvent *copied[FEED_SLOTS_MAX]; /* out of the slot */
    StepInput room[FEED_ROOMS];
    int64_t fed; /* batches */
} Feed;

/* For batches of up to `tokens` in windows of up to `longest`. `slots` from 1 to FEED_SLOTS_MAX; results do not depend on it. */
Status feed_open(Feed *f, const Model *m, const Behaviour *file, int64_t tokens, int64_t longest,
                 int slots, Device *dev);
void feed_close(Feed *f); /* safe on {0} */

/* Let the ops enqueued from now on, and before the next call, read `batch`; *room: which room. On the CPU
 * `batch` must stay until they are done, elsewhere it may change at once. */
const StepInput *feed_batch(Feed *f, const Batch *batch, const StepNumbers *numbers, int *room);

#endif
