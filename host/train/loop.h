/* The training loop: stream, step, validate, save, stop.
 *
 * Folder train.out afterwards: best.safetensors (weights of the best validation), last.safetensors (all
 * that a resume needs), checkpoint.json, metrics.jsonl.
 */
#ifndef SOUK_LOOP_H
#define SOUK_LOOP_H

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"
#include "base/listener.h"

typedef struct {
    bool resume;        /* go on from last.safetensors */
    bool overwrite;     /* start anew in a folder that has one */
    Listener *listener; /* hears of each step, and may ask to stop; NULL: nobody */
} LoopOptions;

typedef struct {
    int64_t steps;    /* of the run, those before a resume included */
    double seconds;   /* since it began or went on */
    double best;      /* NDCG@10 of the best validation; NaN: there was none */
    bool interrupted; /* the listener asked to stop: training is not done */
} LoopEnd;

/* Trains until the steps are done, validation stops improving, the time is up, or the listener asks to
 * stop. In each case the last step is finished and last.safetensors has it. `end` (may be NULL) says
 * how training ended. */
Status loop_run(const Config *config, LoopOptions options, LoopEnd *end);

/* What a training of `config` would take, without taking it, as JSON to `out`: "parameters" (their
 * number), "bytes" (of the whole plan) and under "parts" the bytes of each. */
Status loop_plan(const Config *config, FILE *out);

#endif
