/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/rawlog/detect/looks.h"
#include "data/rawlog/detect/names.h"

enum { SHOWN = 10 }; /* columns that a message describes */

static bool named_by(const Mapping *m, Text name)
{
    for (int r = 0; r < ROLES; r++)
        if (m->role[r][0] && text_equal(name, text_of(m->role[r]))) return true;
    for (int c = 0; c < m->cells; c++)
        if (text_equal(name, text_of(m->cell[c].column))) return true;
    return false;
}

bool header_is(const Mapping *m, const LogColumns *first)
{
    int values = 0;
    for (int i = 0; i < first->count; i++) {
        const Text name = text_trim(first->name[i]);
        double number;
        if (names_known(name) || named_by(m, name)) return true;
        values += text_number(name, &number) || text_plausible_unit(name) != TIME_AUTO;
    }
    return values == 0;
}

/* Lines of different lengths without a delimiter but blanks: histories, one a line. */
static bool is_sequence(const LogSample *s, const LogLayout *layout, const LogHead *head)
{
    int least = INT32_MAX, most = 0;
    const char *at = head->at, *const end = at + head->length;
    if (strcmp(layout->dialect.delimiter, " ") != 0) return false;
    for (int r = 0; r < s->rows && at < end; r++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        int words = 0;
        for (const char *stop = newline ? newline : end; at < stop; at++)
            words += *at != ' ' && (at + 1 == stop || at[1] == ' ');
        if (words < least) least = words;
        if (words > most) most = words;
        at = newline ? newline + 1 : end;
    }
    return least < most;
}

/* A name for a column to begin with. `used`: which of them are taken. */
static void suggest(char *out, size_t size, Looks looks, int column, bool used[5])
{
    static const char *const names[] = {"user", "item", "event_type", "rating", "timestamp"};
    int name = -1;
    if (looks == LOOKS_TIME) name = 4;
    if (looks == LOOKS_RATING) name = 3;
    if (looks == LOOKS_ACTION) name = 2;
    if (looks == LOOKS_WHOLE || looks == LOOKS_TEXT) name = used[0];
    if (name >= 0 && !used[name])
        used[name] = true, snprintf(out, size, "%s", names[name]);
    else
        snprintf(out, size, "column_%d", column + 1);
}

static Status describe(const LogHead *head, const LogSample *s)
{
    char what[640] = "", names[320] = "", name[32];
    bool used[5] = {false};
    for (int c = 0; c < s->columns; c++) {
        const Looks looks = looks_of(s, c);
        const Text first = sample_value(s, 0, c);
        const size_t at = strlen(what), end = strlen(names);
        suggest(name, sizeof name, looks, c, used);
        snprintf(names + end, sizeof names - end, "%s%s", c ? "," : "", name);
        if (c < SHOWN)
            snprintf(what + at, sizeof what - at, "%scolumn %d (\"%.*s\") %s", c ? ", " : "", c + 1,
                     first.length > 20 ? 20 : (int)first.length, first.at, looks_name(looks));
        else if (c == SHOWN)
            snprintf(what + at, sizeof what - at, ", and so on");
    }
    return FAIL(ERR_FORMAT,
                "%s: the first line has values where a header has names: %s. Name the columns, for "
                "instance --set input.columns=%s",
                head->path, what, names);
}

Status header_refuse(const Format *format, const Mapping *m, const LogHead *head,
                     const LogLayout *layout, const LogColumns *first)
{
    LogSample sample = {0};
    Status st = sample_read(&sample, format, m, head, 1, layout, first);
    if (st == OK && sample.rows == 0)
        st = FAIL(ERR_FORMAT, "%s: a log without header needs [input] columns", head->path);
    else if (st == OK && is_sequence(&sample, layout, head))
        st = FAIL(ERR_FORMAT,
                  "%s: the lines have no header and different numbers of words, as histories have; "
                  "want --set input.format=sequence where the first word of a line is its user, or "
                  "input.format=sessions where all words are items",
                  head->path);
    else if (st == OK)
        st = describe(head, &sample);
    sample_close(&sample);
    return st;
}
