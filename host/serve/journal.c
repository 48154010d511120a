/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/report.h"
#include "data/rawlog/text.h"

/* ---- The file -------------------------------------------------------------------------------- */

static Status open_file(const char *path, int *file)
{
    *file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (*file < 0) return FAIL(ERR_IO, "%s: %s", path, strerror(errno));
    if (flock(*file, LOCK_EX | LOCK_NB) == 0) return OK;
    close(*file);
    *file = -1;
    return FAIL(ERR_IO, "%s is the log of another server that runs", path);
}

Status journal_open(Journal *j, const char *path)
{
    *j = (Journal){.file = -1};
    pthread_mutex_init(&j->lock, NULL);
    if (!path) return OK;
    j->path = strdup(path);
    return j->path ? open_file(path, &j->file) : FAIL(ERR_MEMORY, "no memory for a path");
}

Status journal_reopen(Journal *j)
{
    struct stat now, open;
    int file;
    if (!j->path) return OK;
    if (stat(j->path, &now) == 0 && fstat(j->file, &open) == 0 && now.st_dev == open.st_dev &&
        now.st_ino == open.st_ino)
        return OK;
    TRY(open_file(j->path, &file));
    pthread_mutex_lock(&j->lock);
    close(j->file);
    j->file = file;
    pthread_mutex_unlock(&j->lock);
    return OK;
}

void journal_close(Journal *j)
{
    if (j->file >= 0) close(j->file);
    free(j->path);
    pthread_mutex_destroy(&j->lock);
    *j = (Journal){.file = -1};
}

/* Appends all or nothing: what a full disk cut is taken back. Under the lock. */
static Status append_locked(const Journal *j, const char *text, size_t bytes)
{
    struct stat before;
    size_t done = 0;
    if (fstat(j->file, &before) != 0) return FAIL(ERR_IO, "%s: %s", j->path, strerror(errno));
    while (done < bytes) {
        const ssize_t got = write(j->file, text + done, bytes - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            const int cause = got < 0 ? errno : ENOSPC;
            if (done > 0 && ftruncate(j->file, before.st_size) != 0)
                return FAIL(ERR_IO, "%s: %s, and its last line is cut", j->path, strerror(cause));
            return FAIL(ERR_IO, "%s: %s", j->path, strerror(cause));
        }
        done += (size_t)got;
    }
    return OK;
}

static Status append(Journal *j, const char *text, size_t bytes)
{
    pthread_mutex_lock(&j->lock);
    const Status st = append_locked(j, text, bytes);
    pthread_mutex_unlock(&j->lock);
    return st;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

typedef struct {
    FILE *out;
    char *text;
    size_t bytes;
    int64_t count;
} Lines;

static Status lines_open(Lines *l)
{
    *l = (Lines){0};
    l->out = open_memstream(&l->text, &l->bytes);
    return l->out ? OK : FAIL(ERR_MEMORY, "no memory for lines of the log");
}

/* Takes `line`. */
static Status add_line(Lines *l, json_t *line)
{
    const int failed = !line || json_dumpf(line, l->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(line);
    l->count++;
    return failed || fputc('\n', l->out) == EOF
               ? FAIL(ERR_MEMORY, "no memory for a line of the log")
               : OK;
}

/* Appends the lines, unless `st` is a failure, and frees them. */
static Status lines_close(Lines *l, Journal *j, Status st)
{
    if (fclose(l->out) != 0 && st == OK) st = FAIL(ERR_MEMORY, "no memory for lines of the log");
    if (st == OK && l->count > 0) st = append(j, l->text, l->bytes);
    free(l->text);
    return st;
}

static Status add_shown(Lines *l, const Ask *ask, int64_t time_ms)
{
    for (int64_t i = 0; i < ask->found; i++) {
        json_t *line = json_pack(
            "{s:I, s:o, s:o, s:s, s:f, s:I}", "time", (json_int_t)time_ms, "user",
            report_string(ask->user), "item", report_string(ask->best[i].key), "action",
            "impression", "propensity", i == 0 ? ask->propensity : 1.0, "position", (json_int_t)i);
        if (line && ask->id) json_object_set_new(line, "request", report_string(ask->id));
        if (line) json_object_set_new(line, "model", report_string(ask->served->name));
        if (line) json_object_set_new(line, "version", report_string(ask->served->version));
        TRY(add_line(l, line));
    }
    return OK;
}

Status journal_shown(Journal *j, const Asks *asks, int64_t time_ms, int64_t *lines)
{
    Lines l;
    Status st = OK;
    *lines = 0;
    if (j->file < 0) return OK;
    TRY(lines_open(&l));
    for (int64_t i = 0; i < asks->count && st == OK; i++)
        if (asks->ask[i].status == SOUK_OK && asks->ask[i].user)
            st = add_shown(&l, &asks->ask[i], time_ms);
    st = lines_close(&l, j, st);
    *lines = st == OK ? l.count : 0;
    return st;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static Status add_event(Lines *l, const json_t *event, int64_t i, int64_t time_ms,
                        const souk_model *model)
{
    static const char *const wanted[] = {"user", "item", "action", "time", NULL};
    const char *text[3];
    TRY(report_fields(event, wanted, "an event"));
    for (int f = 0; f < 3; f++) {
        text[f] = json_string_value(json_object_get(event, wanted[f]));
        char what[64];
        if (!text[f])
            return FAIL(ERR_USAGE, "events[%" PRId64 "] has no text \"%s\"", i, wanted[f]);
        snprintf(what, sizeof what, "events[%" PRId64 "].%s", i, wanted[f]);
        TRY(asks_check_key(text[f], what));
    }
    if (souk_model_find_action(model, text[2]) < 0)
        return FAIL(ERR_USAGE,
                    "events[%" PRId64 "]: the model has no action \"%.64s\"; GET /v1/models lists "
                    "those that it has",
                    i, text[2]);
    const json_t *time = json_object_get(event, "time");
    const json_int_t at = time ? json_integer_value(time) : (json_int_t)time_ms;
    if (time && (!json_is_integer(time) || at < TIME_PLAUSIBLE_FROM || at >= TIME_PLAUSIBLE_TO))
        return FAIL(ERR_USAGE,
                    "events[%" PRId64 "].time is no whole number of milliseconds since 1970, of a "
                    "time from 1990 to 2099",
                    i);
    return add_line(l, json_pack("{s:I, s:o, s:o, s:o, s:f}", "time", at, "user",
                                 report_string(text[0]), "item", report_string(text[1]), "action",
                                 report_string(text[2]), "propensity", 1.0));
}

Status journal_events(Journal *j, const char *body, size_t bytes, int64_t time_ms, int64_t most,
                      const souk_model *model, int64_t *lines)
{
    json_error_t error;
    Lines l;
    static const char *const known[] = {"events", NULL};
    *lines = 0;
    if (j->file < 0) return FAIL(ERR_USAGE, "this server has no log (souk serve --log FILE)");
    json_t *root = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root) return FAIL(ERR_FORMAT, "the body is not JSON: line %d: %s", error.line, error.text);
    const json_t *events = json_object_get(root, "events");
    const int64_t count = (int64_t)json_array_size(events);
    Status st = report_fields(root, known, "the body");
    if (st == OK && (count < 1 || count > most))
        st = FAIL(ERR_USAGE, "want \"events\": a list of 1 to %" PRId64 " events", most);
    if (st == OK) st = lines_open(&l);
    if (st == OK) {
        for (int64_t i = 0; i < count && st == OK; i++)
            st = add_event(&l, json_array_get(events, (size_t)i), i, time_ms, model);
        st = lines_close(&l, j, st);
        *lines = st == OK ? l.count : 0;
    }
    json_decref(root);
    return st;
}
