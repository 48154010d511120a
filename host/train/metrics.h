/* The run's record, metrics.jsonl: one JSON object a line, a line a step or a validation. */
#ifndef SOUK_METRICS_H
#define SOUK_METRICS_H

#include <stdio.h>

#include "train/trainer.h"

typedef struct {
    FILE *file;
    char path[sizeof(Config_text) + 32];
} Metrics;

/* Opens `folder`/metrics.jsonl. A resumed run keeps the lines up to `step` and drops later ones, which
 * it will write again; a new run starts empty (step 0). */
Status metrics_open(Metrics *m, const char *folder, int64_t step);
void metrics_step(Metrics *m, const StepReport *r, int64_t epoch, double seconds);
void metrics_validation(Metrics *m, int64_t step, double ndcg10, double hr10, int64_t events);
/* Flush; a full disk shows here. */
Status metrics_flush(Metrics *m);
void metrics_close(Metrics *m); /* safe on {0} */

#endif
