/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24 };

typedef struct {
    Listener listener; /* first, so that a listener is its terminal */
    FILE *remarks;
    bool quiet, redraws; /* redraws: standard error is a terminal */
    double drawn;        /* seconds of the stage, at the last line; 0 before the first */
    int tenth;           /* of the last line that was printed, where it does not redraw */
} Terminal;

/* The signals have no handler, but are blocked and asked for. The system writes the frame of a
 * handler below the stack pointer, which points into the heap in oneDNN's products of long rows. */
static sigset_t caught;  /* the signals that terminal_catch_signals blocked */
static bool interrupted; /* one of them has come */

static void draw(const Terminal *t, const StageReport *r)
{
    if (t->redraws) fputs("\r\033[K", stderr);
    fprintf(stderr, "%s ", r->stage);
    if (r->total > 0) {
        const double share = (double)r->done / (double)r->total;
        fprintf(stderr, "%3.0f%% [", 100.0 * share);
        for (int i = 0; i < BAR; i++) fputc(i < (int)(share * BAR) ? '#' : '.', stderr);
        fputc(']', stderr);
    } else {
        fprintf(stderr, "%" PRId64, r->done);
    }
    if (r->extra) fprintf(stderr, " %s", r->extra);
    if (r->total > 0 && r->done > 0 && r->done < r->total) {
        const double rate = r->seconds / (double)r->done;
        const int left = (int)(rate * (double)(r->total - r->done) + 0.5);
        fprintf(stderr, "  %02d:%02d left", left / 60, left % 60);
    } else {
        fprintf(stderr, "  %.1f s", r->seconds);
    }
    if (!t->redraws || r->phase == STAGE_ENDED) fputc('\n', stderr);
    fflush(stderr);
}

static void begin(Terminal *t)
{
    t->drawn = 0.0;
    t->tenth = -1;
    t->redraws = isatty(STDERR_FILENO);
}

/* Whether it is time to show a running stage again. */
static bool is_due(Terminal *t, const StageReport *r)
{
    if (r->seconds - t->drawn < (t->redraws ? 0.1 : 2.0)) return false;
    const int tenth = r->total > 0 ? (int)(r->done * 10 / r->total) : (int)(r->seconds / 10);
    if (!t->redraws && tenth == t->tenth) return false;
    t->tenth = tenth;
    t->drawn = r->seconds;
    return true;
}

static void report(Listener *self, const StageReport *r)
{
    Terminal *t = (Terminal *)self;
    if (t->quiet) return;
    if (r->phase == STAGE_BEGUN) begin(t);
    if (r->phase == STAGE_ENDED || (r->phase == STAGE_RUNNING && is_due(t, r))) draw(t, r);
}

static void remark(Listener *self, const char *text)
{
    const Terminal *t = (Terminal *)self;
    if (t->quiet) return;
    if (t->redraws) fputs("\r\033[K", stderr); /* the bar is drawn again below the remark */
    fprintf(t->remarks, "%s\n", text);
    fflush(t->remarks);
}

static void warn(Listener *self, const char *text)
{
    const Terminal *t = (Terminal *)self;
    if (t->redraws) fputs("\r\033[K", stderr);
    fprintf(stderr, "souk: warning: %s\n", text);
    fflush(stderr);
}

static bool stop(Listener *self)
{
    static const struct timespec now;
    (void)self;
    if (sigtimedwait(&caught, NULL, &now) > 0) interrupted = true;
    return interrupted;
}

Listener *terminal_listener(FILE *remarks, bool quiet)
{
    static Terminal terminal;
    terminal = (Terminal){{report, remark, stop, warn}, .remarks = remarks, .quiet = quiet};
    return &terminal.listener;
}

void terminal_catch_signals(void)
{
    sigaddset(&caught, SIGINT);
    sigaddset(&caught, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &caught, NULL);
}
