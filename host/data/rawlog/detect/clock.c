/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/rawlog/format/list.h"

typedef struct {
    int values;                 /* that are not missing */
    int plausible;              /* in the mapping's unit */
    int in_unit[TIME_UNITS];    /* plausible in each unit */
    Text first, of[TIME_UNITS]; /* the first value, and the first one that is plausible in a unit */
    TimeUnit best, by_size;     /* TIME_AUTO: none */
} Times;

static Times look_at(const Mapping *m, const LogSample *sample, int column)
{
    Times t = {.first = {"", 0}};
    for (int r = 0; r < sample->rows; r++) {
        const Text value = sample_value(sample, r, column);
        int64_t ms;
        if (!value.length) continue;
        const TimeUnit unit = text_plausible_unit(value);
        if (t.values++ == 0) t.first = value;
        if (t.in_unit[unit]++ == 0) t.of[unit] = value;
        if (t.by_size == TIME_AUTO) t.by_size = text_time_unit(value);
        t.plausible += m->time.unit != TIME_AUTO && text_time(value, &m->time, &ms) &&
                       ms >= TIME_PLAUSIBLE_FROM && ms < TIME_PLAUSIBLE_TO;
    }
    for (TimeUnit u = TIME_AUTO + 1; u < TIME_UNITS; u++)
        if (t.in_unit[u] > t.in_unit[t.best] || (t.best == TIME_AUTO && t.in_unit[u])) t.best = u;
    if (2 * t.in_unit[t.best] < t.values) t.best = TIME_AUTO;
    return t;
}

static Status no_time(const Mapping *m, const char *path, const LogSample *sample, Text first)
{
    return FAIL(ERR_FORMAT,
                "%s: %s is \"%.*s\", no number and no ISO time, in each of the first %d rows; set "
                "time_unit, for instance to a pattern such as %%d/%%m/%%Y",
                path, m->role[ROLE_TIME], first.length > 80 ? 80 : (int)first.length, first.at,
                sample->rows);
}

static Status wrong_unit(const Mapping *m, const char *path, const Times *t)
{
    char as_set[TIME_TEXT], as_other[TIME_TEXT];
    const Text value = t->of[t->best];
    const TimeFormat other = {.unit = t->best, .zone_ms = m->time.zone_ms};
    int64_t ms = 0;
    const bool good = text_time(value, &m->time, &ms);
    if (good) text_from_time(as_set, ms);
    text_time(value, &other, &ms);
    return FAIL(ERR_FORMAT,
                "%s: %s is \"%.*s\", which is %s as %s, and %s as %s; want that time_unit, or "
                "[columns] time_check = no where it is right",
                path, m->role[ROLE_TIME], (int)value.length, value.at, good ? as_set : "no time",
                text_time_form(&m->time), text_from_time(as_other, ms), text_time_form(&other));
}

Status clock_settle(Mapping *m, const char *path, const LogColumns *columns,
                    const LogSample *sample)
{
    int c = 0;
    const char *inside;
    if (!mapping_has_clock(m) || sample->rows == 0) return OK;
    if (list_of(&m->list, m->role[ROLE_TIME], &inside) >= 0) {
        if (m->time.unit != TIME_AUTO) return OK;
        return FAIL(ERR_FORMAT, "%s: %s is in a list; set time_unit", path, m->role[ROLE_TIME]);
    }
    while (c < columns->count && !text_equal(columns->name[c], text_of(m->role[ROLE_TIME]))) c++;
    if (c == columns->count)
        return m->time.unit != TIME_AUTO ? OK : no_time(m, path, sample, text_of(""));
    Times t = look_at(m, sample, c);
    const bool open = m->time.unit == TIME_AUTO;
    if (open) {
        m->time.unit = t.best != TIME_AUTO ? t.best : t.by_size;
        if (m->time.unit == TIME_AUTO) return no_time(m, path, sample, t.first);
        t = look_at(m, sample, c);
    }
    if (!m->time_check) return OK;
    if (t.plausible && 2 * t.plausible >= t.values) {
        m->plausible_from = TIME_PLAUSIBLE_FROM;
        m->plausible_to = TIME_PLAUSIBLE_TO;
    } else if (!open && t.best != TIME_AUTO && t.best != m->time.unit && m->time.origin_ms == 0) {
        return wrong_unit(m, path, &t);
    }
    return OK;
}
