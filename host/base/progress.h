/* A progress bar on standard error: `label  37% [####....] extra  00:12 left`. On a terminal one line
 * is redrawn. Elsewhere a line is printed for each tenth of the work, and at most one in two seconds.
 * With `quiet` nothing is printed. */
#ifndef SOUK_PROGRESS_H
#define SOUK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char label[48];
    int64_t total;         /* 0: unknown; then the bar is a counter */
    double started, drawn; /* seconds: the beginning; the last line, 0 before the first */
    int tenth;             /* of the last line that was printed, where there is no terminal */
    bool terminal, quiet;
} Progress;

void progress_begin(Progress *p, const char *label, int64_t total, bool quiet);
/* `extra` is printed behind the bar unless NULL. A terminal is redrawn at most ten times a second. */
void progress_update(Progress *p, int64_t done, const char *extra);
/* The bar at its end, and a line end on a terminal. */
void progress_end(Progress *p, const char *extra);

/* Seconds of a clock that never goes back; only differences mean something. */
double progress_seconds(void);

#endif
