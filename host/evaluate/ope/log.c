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

/* The events of a user that are decisions: range[0] .. range[1]-1. Returns how many events of the
 * split are left out. */
static int64_t range_of(const Behaviour *b, const OpeLogOptions *o, int64_t user, int64_t range[2])
{
    range[0] = o->split == SPLITS ? b->offset[user] : b->split[o->split][user][0];
    range[1] = o->split == SPLITS ? b->offset[user + 1] : b->split[o->split][user][1];
    if (!o->history && !o->sequential) return 0;
    const int64_t first = range[0], second = schema_next_time(b->tie, b->offset[user], range[1]);
    if (second > range[0]) range[0] = second;
    return range[0] - first;
}

static Status allocate(OpeLog *log)
{
    const size_t count = (size_t)log->count + 1, users = (size_t)log->users + 1;
    log->user = malloc(users * sizeof *log->user);
    log->first = malloc(users * sizeof *log->first);
    log->episode = malloc(count * sizeof *log->episode);
    log->event = malloc(count * sizeof *log->event);
    log->item = malloc(count * sizeof *log->item);
    log->reward = malloc(count * sizeof *log->reward);
    log->propensity = malloc(count * sizeof *log->propensity);
    log->action = malloc(count);
    log->end = malloc(count);
    log->slot = calloc(count, 1);
    if (!log->user || !log->first || !log->episode || !log->event || !log->item || !log->reward ||
        !log->propensity || !log->action || !log->end || !log->slot)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " decisions", log->count);
    return OK;
}

static Status choose(OpeLog *log, const Behaviour *b, const OpeLogOptions *o)
{
    int64_t range[2];
    for (int64_t u = 0; u < b->users; u++) {
        log->no_history += range_of(b, o, u, range);
        log->count += range[1] - range[0];
        log->users += range[1] > range[0];
    }
    if (!log->count)
        return FAIL(ERR_FORMAT, "%s: no event to evaluate on, want at least one (--split)%s",
                    b->path,
                    log->no_history ? "; every event of the split is of its user's first time, and "
                                      "the policy or a sequential log needs one before"
                                    : "");
    TRY(allocate(log));
    int64_t n = 0, k = 0;
    for (int64_t u = 0; u < b->users; u++) {
        range_of(b, o, u, range);
        if (range[0] == range[1]) continue;
        log->user[k] = u;
        log->first[k++] = n;
        for (int64_t e = range[0]; e < range[1]; e++) log->event[n++] = e;
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
    *log = (OpeLog){.file = file, .sequential = options->sequential, .items = (int32_t)file->items};
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
