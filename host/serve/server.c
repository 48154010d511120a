/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/server.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "serve/http.h"

static void wait_for(Http *h, double seconds)
{
    const struct timespec step = {0, 10 * 1000 * 1000};
    for (double waited = 0.0; waited < seconds && h->metrics.waiting > 0; waited += 0.01)
        nanosleep(&step, NULL);
}

static void say(const char *text) { fprintf(stderr, "souk serve: %s\n", text); }

/* Says what failed, and what the server goes on with. */
static void warn(const char *what)
{
    fprintf(stderr, "souk serve: warning: %s: %s\n", what, status_message());
    status_clear();
}

static void tell(Listener *self, const char *text)
{
    (void)self;
    fprintf(stderr, "souk serve: warning: %s\n", text);
}

static Listener listener = {.warn = tell};

static void reload(Http *h, const ServerOptions *o)
{
    Models *next;
    if (journal_reopen(&h->journal) != OK) warn("the log stays the file before");
    if (models_open(&next, o->model, o->models, o->device, o->threads, &listener) != OK) {
        h->metrics.failed_reloads++;
        warn("the models before go on");
        return;
    }
    models_replace(&h->models, next);
    h->metrics.reloads++;
    say("the models were opened anew");
}

/* Until SIGINT or SIGTERM. */
static void follow_signals(Http *h, const ServerOptions *o, const sigset_t *signals)
{
    for (;;) {
        int got = 0;
        if (sigwait(signals, &got) != 0) continue;
        if (got == SIGINT || got == SIGTERM) return;
        if (got == SIGHUP) reload(h, o);
    }
}

static void announce(const Http *h, const ServerOptions *o)
{
    const bool v6 = strchr(o->address, ':');
    fprintf(stderr, "souk serve: http://%s%s%s:%d/ answers with", v6 ? "[" : "", o->address,
            v6 ? "]" : "", http_port(h));
    for (int i = 0; i < h->models.now->count; i++)
        fprintf(stderr, "%s %s (version %s, %g %% of the users)", i ? "," : "",
                h->models.now->served[i].name, h->models.now->served[i].version,
                100.0 * h->models.now->served[i].share);
    fputc('\n', stderr);
    if (!o->log) say("warning: no log is written (--log FILE), so nothing can be learned from it");
}

Status server_run(const ServerOptions *o)
{
    Http h = {.options = o};
    sigset_t signals;
    Status st;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all threads, which are made from now on */
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&h.models.lock, NULL);
    TRY_OR_FAIL(st, journal_open(&h.journal, o->log));
    TRY_OR_FAIL(st,
                models_open(&h.models.now, o->model, o->models, o->device, o->threads, &listener));
    TRY_OR_FAIL(st, batcher_start(&h.batcher, o->batch, o->epsilon, &h.metrics));
    st = http_open(&h);
    if (st == OK) {
        announce(&h, o);
        follow_signals(&h, o, &signals);
        http_refuse(&h);
        wait_for(&h, 10.0);
    }
    batcher_stop(&h.batcher); /* answers all that it has */
    wait_for(&h, 10.0);       /* until clients have read them */
    http_close(&h);
    if (st == OK) say("stopped");
fail:
    models_release(h.models.now);
    journal_close(&h.journal);
    pthread_mutex_destroy(&h.models.lock);
    return st;
}
