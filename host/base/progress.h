/* A progress bar on standard error: `label  37% [####....] extra  00:12 left`. On a terminal it redraws
 * one line; elsewhere it prints a line at each tenth, at most one in two seconds. Silent when `quiet`. */
#ifndef SOUK_PROGRESS_H
#define SOUK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char label[48];
    int64_t total; /* 0: unknown, counts up */
    double started, drawn;
    int tenth;
    bool terminal, quiet;
} Progress;

void progress_begin(Progress *p, const char *label, int64_t total, bool quiet);
/* `extra` may be NULL. Redraws at most ten times a second. */
void progress_update(Progress *p, int64_t done, const char *extra);
void progress_end(Progress *p, const char *extra);

/* Seconds of a monotonic clock. */
double progress_seconds(void);

#endif
