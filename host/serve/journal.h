/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a server: what was shown, with its propensity, and what happened then. One JSON object
 * a line, which `souk ingest` reads without a map:
 *
 *     {"time":1719830000123,"user":"u7","item":"1004","action":"impression","propensity":0.95,
 *      "position":0,"request":"r1","model":"run","version":"0123456789abcdef"}
 *     {"time":1719830004567,"user":"u7","item":"1004","action":"purchase","propensity":1}
 *
 * The propensity of an item is the probability with which it was put at its position, given the
 * items before it; that of an event is 1, as the server did not choose it. The lines of one answer
 * are appended by one write() before the answer leaves. So a server that is killed has logged each
 * answer that a client got; a crash of the system may lose the lines of its last seconds.
 */
#ifndef SOUK_SERVE_JOURNAL_H
#define SOUK_SERVE_JOURNAL_H

#include <pthread.h>

#include "serve/asks.h"

typedef struct {
    char *path;
    int file; /* -1: there is no log */
    pthread_mutex_t lock;
} Journal;

/* Opens the log for appending; `path` NULL: none is written. Fails where another server writes
 * it. */
Status journal_open(Journal *j, const char *path);
/* Opens the path again, after the file was moved away. */
Status journal_reopen(Journal *j);
void journal_close(Journal *j);

/* Appends what the answers show to users that have a key. *lines: how many items that are. Where it
 * fails the log is as before. */
Status journal_shown(Journal *j, const Asks *asks, int64_t time_ms, int64_t *lines);

/* Appends {"events": [{"user", "item", "action", "time"}, ...]}; without a time an event has
 * time_ms. `model` says which actions exist. Events are appended all or not at all. */
Status journal_events(Journal *j, const char *body, size_t bytes, int64_t time_ms, int64_t most,
                      const souk_model *model, int64_t *lines);

#endif
