/* SPDX-License-Identifier: Apache-2.0 */
/* The training loop: read a batch, run a step, validate, save, stop.
 *
 * It leaves these files in the folder train.out: best.safetensors (the weights of the best
 * validation), last.safetensors (everything that --resume needs), checkpoint.json, metrics.jsonl.
 */
#ifndef SOUK_LOOP_H
#define SOUK_LOOP_H

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"
#include "base/listener.h"

typedef struct {
    bool resume;        /* continue the training of last.safetensors */
    bool overwrite;     /* start a new training although the folder has a last.safetensors */
    bool compare;       /* at the end, say how the model stands beside simple scorers */
    Listener *listener; /* is called after each step and may ask to stop; NULL: none */
} LoopOptions;

typedef struct {
    int64_t steps;    /* steps of the training, with those before a resume */
    double seconds;   /* of this call, without opening */
    double best;      /* NDCG@10 of the best validation; NaN: there was no validation */
    bool interrupted; /* the listener asked to stop before training was done */
} LoopEnd;

/* Train until the steps are done, validation stops improving, the time is up, or the listener asks
 * to stop. In each case the current step is completed and last.safetensors has the state after it.
 * `end` (may be NULL) gets how training ended.
 *
 * best.safetensors is the validation with the greatest NDCG@10. Patience asks for more: a
 * validation is an improvement where it exceeds the last improvement by more than one standard
 * error of their difference (evaluate/ranking/validation.h). Gains that are smaller than this noise
 * add up until they exceed it, as the validation that they are measured from stays the same. After
 * train.patience validations without an improvement training has stopped improving; those inside
 * the warm-up do not count. The learning rate is still high then, and the best validation was the
 * luckiest of several. So the training anneals: it goes back to its state at the best validation
 * (rewind.safetensors, which exists until the training ends) and lowers the learning rate in a
 * straight line to its floor, over train.anneal times the steps of that validation; metrics.jsonl
 * drops the steps behind it. With train.anneal = 0 it stops.
 *
 * Then the training is finished by train/finish/finish.h, where the settings ask for it and the
 * listener did not ask to stop. The comparison with simple scorers is before that, on a validation
 * split that the model does not know.
 *
 * A run that is resumed with train.refresh and a file whose catalogue has grown is only refreshed.
 *
 * The listener is warned of a training that ended inside its warm-up, and of one that the clock
 * stopped while it was improving. */
Status loop_run(const Config *config, LoopOptions options, LoopEnd *end);

/* Measure the memory that a training of `config` would take, without taking it. Writes JSON to
 * `out`: "parameters" (their number), "bytes" (of all parts), "parts" (the bytes of each) and
 * "chosen" (the settings that the size of the log decides, with "value" and "reason" of each). */
Status loop_plan(const Config *config, FILE *out);

#endif
