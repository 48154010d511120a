/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/log.h"
#include "data/behaviour/columns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool ope_log_is_sequential(const Behaviour *file)
{
    for (int64_t u = 0; u < file->users; u++)
        if (file->offset[u + 1] - file->offset[u] > 1) return true;
    return false;
}

/* The decisions of a user are the events first .. end-1. From event `stated` on the policy has a
 * history to read; before the events first .. stated-1 there is none. */
typedef struct {
    int64_t first, end, stated;
    int64_t openings, no_history; /* events of the split that are left out */
} Range;

/* Whether the first events of a user, `count` of one time, were all shown with probability 1. */
static Status were_no_choice(const Behaviour *b, int64_t event, int64_t count, bool *answer)
{
    *answer = true;
    for (int64_t e = event; e < event + count && *answer; e++) {
        float propensity;
        TRY(columns_read(b, COLUMN_PROPENSITY, e, 1, &propensity));
        *answer = propensity == 1.0f;
    }
    return OK;
}

static Status range_of(const Behaviour *b, const OpeLogOptions *o, bool opened, int64_t user,
                       Range *r)
{
    const bool all = o->split == SPLITS;
    const int64_t start = b->offset[user];
    *r = (Range){.first = all ? start : b->split[o->split][user][0],
                 .end = all ? b->offset[user + 1] : b->split[o->split][user][1]};
    const int64_t second = schema_next_time(b->tie, start, r->end);
    r->stated = r->first;
    if (second <= r->first) return OK;
    bool opening = false;
    if (opened) TRY(were_no_choice(b, start, second - start, &opening));
    if (opening) r->openings = second - r->first;
    if (!opening && o->history && !o->sequential) r->no_history = second - r->first;
    r->first += r->openings + r->no_history;
    r->stated = o->history ? second : r->first;
    return OK;
}

static Status allocate(OpeLog *log)
{
    const size_t count = (size_t)log->count + 1, users = (size_t)log->users + 1;
    log->user = malloc(users * sizeof *log->user);
    log->first = malloc(users * sizeof *log->first);
    log->stated = malloc(users * sizeof *log->stated);
    log->episode = malloc(count * sizeof *log->episode);
    log->event = malloc(count * sizeof *log->event);
    log->item = malloc(count * sizeof *log->item);
    log->reward = malloc(count * sizeof *log->reward);
    log->propensity = malloc(count * sizeof *log->propensity);
    log->action = malloc(count);
    log->end = malloc(count);
    log->slot = calloc(count, 1);
    if (!log->user || !log->first || !log->stated || !log->episode || !log->event || !log->item ||
        !log->reward || !log->propensity || !log->action || !log->end || !log->slot)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " decisions", log->count);
    return OK;
}

static Status no_decision(const OpeLog *log, const char *path)
{
    const char *why = "";
    if (log->openings)
        why = "; every event of the split opens its user's history, with propensity 1, and is no "
              "choice";
    if (log->no_history)
        why = "; every event of the split is of its user's first time, and the policy needs one "
              "before";
    return FAIL(ERR_FORMAT, "%s: no event to evaluate on, want at least one (--split)%s", path,
                why);
}

static Status choose(OpeLog *log, const Behaviour *b, const OpeLogOptions *o)
{
    const bool opened = ope_log_is_sequential(b);
    Range r;
    for (int64_t u = 0; u < b->users; u++) {
        TRY(range_of(b, o, opened, u, &r));
        log->openings += r.openings;
        log->no_history += r.no_history;
        log->as_logged += r.stated - r.first;
        log->count += r.end - r.first;
        log->users += r.end > r.first;
    }
    if (!log->count) return no_decision(log, b->path);
    TRY(allocate(log));
    int64_t n = 0, k = 0;
    for (int64_t u = 0; u < b->users; u++) {
        TRY(range_of(b, o, opened, u, &r));
        if (r.first == r.end) continue;
        log->user[k] = u;
        log->stated[k] = n + (r.stated - r.first);
        log->first[k++] = n;
        for (int64_t e = r.first; e < r.end; e++) log->event[n++] = e;
    }
    log->first[k] = n;
    return OK;
}

/* Reads out[i] = the column at event[i]; the decisions of a user are consecutive events. */
static Status gather(const OpeLog *log, Column column, size_t size, void *out)
{
    for (int64_t u = 0; u < log->users; u++) {
        const int64_t i = log->first[u], n = log->first[u + 1] - i;
        TRY(columns_read(log->file, column, log->event[i], n, (char *)out + (size_t)i * size));
    }
    return OK;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Numbers the distinct values of the position, ascending. */
static Status number_slots(OpeLog *log, const float *value, const char *name)
{
    log->slots = 0;
    for (int64_t i = 0; i < log->count; i++) {
        int s = 0;
        while (s < log->slots && log->slot_value[s] != value[i]) s++;
        if (s < log->slots) continue;
        if (log->slots == OPE_SLOTS_MAX)
            return FAIL(ERR_USAGE, "--position %s has more than %d distinct values, want slots",
                        name, OPE_SLOTS_MAX);
        log->slot_value[log->slots++] = value[i];
    }
    qsort(log->slot_value, (size_t)log->slots, sizeof *log->slot_value, by_value);
    for (int64_t i = 0; i < log->count; i++)
        while (log->slot_value[log->slot[i]] != value[i]) log->slot[i]++;
    return OK;
}

static Status read_slots(OpeLog *log, const char *name)
{
    const FeatureSet *f = &log->file->event_features;
    int k = 0;
    log->slots = 1;
    if (!name) return OK;
    while (k < f->numbers && strcmp(f->number_name[k], name)) k++;
    if (k == f->numbers)
        return FAIL(ERR_USAGE, "--position %s: %s has no event feature of this name", name,
                    log->file->path);
    float *value = malloc((size_t)log->count * sizeof *value);
    if (!value) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " positions", log->count);
    Status st;
    TRY_OR_FAIL(st, gather(log, COLUMN_FEATURE + (Column)k, sizeof *value, value));
    TRY_OR_FAIL(st, number_slots(log, value, name));
    for (int s = 0; s < log->slots; s++)
        log->slot_value[s] = log->slot_value[s] * f->std[k] + f->mean[k];
fail:
    free(value);
    return st;
}

static void cut_episodes(OpeLog *log)
{
    for (int64_t u = 0; u < log->users; u++) {
        bool begins = true;
        for (int64_t i = log->first[u]; i < log->first[u + 1]; i++) {
            if (begins) log->episode[log->episodes++] = i;
            begins = !log->sequential || log->end[i] != END_GOES_ON;
        }
    }
    log->episode[log->episodes] = log->count;
}

Status ope_log_open(OpeLog *log, const Behaviour *file, const OpeLogOptions *options)
{
    Status st;
    const OpeCatalogue *c = options->catalogue;
    *log = (OpeLog){.file = file,
                    .sequential = options->sequential,
                    .items = (int32_t)file->items,
                    .choices = c ? c->choices : file->items,
                    .listed = c ? c->listed : NULL};
    if (!file->has_propensity)
        return FAIL(ERR_FORMAT,
                    "%s has no /events/propensity: off-policy evaluation wants the probability "
                    "with which each item was shown",
                    file->path);
    TRY_OR_FAIL(st, choose(log, file, options));
    TRY_OR_FAIL(st, gather(log, COLUMN_ITEM, sizeof *log->item, log->item));
    TRY_OR_FAIL(st, gather(log, COLUMN_REWARD, sizeof *log->reward, log->reward));
    TRY_OR_FAIL(st, gather(log, COLUMN_PROPENSITY, sizeof *log->propensity, log->propensity));
    TRY_OR_FAIL(st, gather(log, COLUMN_ACTION, sizeof *log->action, log->action));
    TRY_OR_FAIL(st, gather(log, COLUMN_END, sizeof *log->end, log->end));
    TRY_OR_FAIL(st, read_slots(log, options->position));
    cut_episodes(log);
    return OK;
fail:
    ope_log_close(log);
    return st;
}

void ope_log_close(OpeLog *log)
{
    free(log->user);
    free(log->first);
    free(log->stated);
    free(log->episode);
    free(log->event);
    free(log->item);
    free(log->reward);
    free(log->propensity);
    free(log->action);
    free(log->end);
    free(log->slot);
    *log = (OpeLog){0};
}
