/* SPDX-License-Identifier: Apache-2.0 */
/* Brings batches to the device, each with the numbers of its step.
 *
 * On the CPU ops read the batch itself. A GPU has memory of its own: there the host packs a batch
 * into a slot, one of a ring of pinned buffers, and the copy stream takes it from the slot into one
 * of two staging buffers on the device, while the step before it computes on the other one. The
 * host waits for a slot only until the copy out of it is done.
 *
 * On a GPU the tensors of a step have two possible addresses and few possible shapes: the tokens
 * and the longest window are the largest that the settings allow, and the number of windows is
 * filled up to a power of two. It is not filled up to the largest number, because attention chooses
 * its kernel by it.
 */
#ifndef SOUK_FEED_H
#define SOUK_FEED_H

#include "adamw.h"
#include "model/input.h"

enum { FEED_SLOTS = 3, FEED_SLOTS_MAX = 8, FEED_INPUTS = 2, FEED_SHAPES = 32 };

/* The numbers that change from step to step, beside the batch. */
typedef struct {
    int64_t step; /* from 0 */
    double schedule[ADAMW_SCHEDULE];
} StepNumbers;

/* What the ops of a step read. */
typedef struct {
    ModelInput batch;
    int shape;             /* 0 .. FEED_SHAPES-1: equal numbers mean equal shapes of all tensors */
    StepNumbers numbers;   /* on the host */
    void *staging;         /* the copy of `numbers` on the device; NULL on the CPU */
    Tensor step, schedule; /* i64 [1], f64 [ADAMW_SCHEDULE]: the numbers as ops read them */
} StepInput;

typedef struct {
    Device *dev;
    const Model *model;
    const Behaviour *file;
    int64_t tokens, own, longest;
    int slots; /* 0 on the CPU */
    char *slot[FEED_SLOTS_MAX];
    DeviceEvent *copied[FEED_SLOTS_MAX]; /* marked behind the last copy out of the slot */
    StepInput input[FEED_INPUTS];        /* a ring */
    int64_t fed;                         /* batches so far */
} Feed;

/* For batches of up to `tokens` tokens in windows of up to `longest`. `slots` is 1 to
 * FEED_SLOTS_MAX; results do not depend on it. */
Status feed_open(Feed *f, const Model *m, const Behaviour *file, int64_t tokens, int64_t longest,
                 int slots, Device *dev);
void feed_close(Feed *f); /* safe on {0} */

/* The input that ops enqueued before the next call read; f->input[*index]. On the CPU `batch` must
 * stay until these ops have run; on CUDA it may change at once. */
const StepInput *feed_batch(Feed *f, const Batch *batch, const StepNumbers *numbers, int *index);

/* An input of shape number `shape`, on a device that measures: its tensors have no data. NULL: no
 * batch of the settings has this shape or a later one. Shape 0 exists always. */
const StepInput *feed_measure(Feed *f, int shape);

#endif
