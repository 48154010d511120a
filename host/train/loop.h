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

typedef struct {
    bool resume;    /* go on from last.safetensors */
    bool overwrite; /* start anew in a folder that has one */
} LoopOptions;

typedef struct {
    int64_t steps;    /* of the run, those before a resume included */
    double seconds;   /* since it began or went on */
    bool interrupted; /* by SIGINT or SIGTERM: it is not done */
} LoopEnd;

/* Trains until the steps are done, validation stops improving, the time is up, or SIGINT/SIGTERM (the
 * step is finished and saved). `end` (may be NULL) says how it ended. */
Status loop_run(const Config *config, LoopOptions options, LoopEnd *end);

/* What a training of `config` would take, without taking it, as JSON to `out`: "parameters" (their
 * number), "bytes" (of the whole plan) and under "parts" the bytes of each. */
Status loop_plan(const Config *config, FILE *out);

#endif
