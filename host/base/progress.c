#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24 };

double progress_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(Progress *p, const char *label, int64_t total, bool quiet)
{
    *p = (Progress){.total = total, .started = progress_seconds(), .tenth = -1, .quiet = quiet};
    p->terminal = isatty(STDERR_FILENO);
    snprintf(p->label, sizeof p->label, "%s", label);
}

static void draw(const Progress *p, int64_t done, const char *extra, double now)
{
    const double elapsed = now - p->started;
    if (p->terminal) fputs("\r\033[K", stderr);
    fprintf(stderr, "%s ", p->label);
    if (p->total > 0) {
        const double share = (double)done / (double)p->total;
        fprintf(stderr, "%3.0f%% [", 100.0 * share);
        for (int i = 0; i < BAR; i++) fputc(i < (int)(share * BAR) ? '#' : '.', stderr);
        fputc(']', stderr);
    } else {
        fprintf(stderr, "%" PRId64, done);
    }
    if (extra) fprintf(stderr, " %s", extra);
    if (p->total > 0 && done > 0 && done < p->total) {
        const int left = (int)(elapsed * (double)(p->total - done) / (double)done + 0.5);
        fprintf(stderr, "  %02d:%02d left", left / 60, left % 60);
    } else {
        fprintf(stderr, "  %.1f s", elapsed);
    }
    if (!p->terminal) fputc('\n', stderr);
    fflush(stderr);
}

void progress_update(Progress *p, int64_t done, const char *extra)
{
    if (p->quiet) return;
    const double now = progress_seconds();
    if (now - (p->drawn > 0.0 ? p->drawn : p->started) < (p->terminal ? 0.1 : 2.0)) return;
    if (!p->terminal) {
        const int tenth =
            p->total > 0 ? (int)(done * 10 / p->total) : (int)((now - p->started) / 10);
        if (tenth == p->tenth) return;
        p->tenth = tenth;
    }
    p->drawn = now;
    draw(p, done, extra, now);
}

void progress_end(Progress *p, const char *extra)
{
    if (p->quiet) return;
    draw(p, p->total, extra, progress_seconds());
    if (p->terminal) fputc('\n', stderr);
}
