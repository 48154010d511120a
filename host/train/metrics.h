/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a run, metrics.jsonl: one JSON object a line, one line for each step and
 * validation. */
#ifndef SOUK_METRICS_H
#define SOUK_METRICS_H

#include <stdio.h>

#include "evaluate/ranking/validation.h"
#include "train/trainer.h"

typedef struct {
    FILE *file;
    char path[sizeof(Config_text) + 32];
} Metrics;

/* Open `folder`/metrics.jsonl. A resumed run keeps the lines up to `step` and drops later ones,
 * which it will write again; a new run (step 0) starts with an empty file. */
Status metrics_open(Metrics *m, const char *folder, int64_t step);
void metrics_step(Metrics *m, const StepReport *r, int64_t epoch, double seconds);
/* `gain`: what the validation has more than the last improvement; NaN: there was none before. */
void metrics_validation(Metrics *m, int64_t step, const ValidationResult *r, const Estimate *gain,
                        int64_t events);
/* Flush; fails where the disk is full. */
Status metrics_flush(Metrics *m);
void metrics_close(Metrics *m); /* safe on {0} */

#endif
