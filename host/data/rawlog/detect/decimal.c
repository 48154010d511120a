/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/decimal.h"

#include <inttypes.h>
#include <string.h>

/* What one number says. */
typedef enum { SAYS_NOTHING, SAYS_POINT, SAYS_COMMA, SAYS_EITHER } Sign;

static Sign sign_of(Text t)
{
    const char *point = t.length ? memrchr(t.at, '.', t.length) : NULL;
    const char *comma = t.length ? memrchr(t.at, ',', t.length) : NULL;
    double value;
    if (!point && !comma) return SAYS_NOTHING;
    const bool as_point = text_decimal(t, '.', true, &value);
    const bool as_comma = text_decimal(t, ',', true, &value);
    if (as_point && as_comma) return comma ? SAYS_EITHER : SAYS_NOTHING; /* 1.234: mostly a point */
    return as_point ? SAYS_POINT : as_comma ? SAYS_COMMA : SAYS_NOTHING;
}

/* The first number of each kind. */
typedef struct {
    Text text[SAYS_EITHER + 1];
    int64_t line[SAYS_EITHER + 1];
} Found;

static void look_at(Found *f, const LogSample *sample, int column)
{
    for (int r = 0; r < sample->rows; r++) {
        const Text value = sample_value(sample, r, column);
        const Sign sign = sign_of(value);
        if (f->text[sign].length) continue;
        f->text[sign] = value;
        f->line[sign] = sample->line[r];
    }
}

static bool is_read(const Mapping *m, Text name)
{
    for (int c = 0; c < m->cells; c++)
        if (!m->cell[c].category && text_equal(name, text_of(m->cell[c].column))) return true;
    return m->role[ROLE_GAP][0] && text_equal(name, text_of(m->role[ROLE_GAP]));
}

Status decimal_settle(Mapping *m, const char *path, const LogColumns *columns,
                      const LogSample *sample)
{
    Found f = {0};
    if (m->decimal) return OK;
    for (int c = 0; c < columns->count; c++)
        if (is_read(m, columns->name[c])) look_at(&f, sample, c);
    const Text point = f.text[SAYS_POINT], comma = f.text[SAYS_COMMA], either = f.text[SAYS_EITHER];
    if (point.length && comma.length)
        return FAIL(ERR_FORMAT,
                    "%s: line %" PRId64 " has the number \"%.*s\" and line %" PRId64
                    " has \"%.*s\"; "
                    "say which sign begins the decimals by [input] decimal = point or comma",
                    path, f.line[SAYS_POINT], (int)point.length, point.at, f.line[SAYS_COMMA],
                    (int)comma.length, comma.at);
    if (either.length && !point.length && !comma.length)
        return FAIL(ERR_FORMAT,
                    "%s:%" PRId64
                    ": \"%.*s\" may be a number with decimals or one in groups of three "
                    "digits; want [input] decimal = comma or point",
                    path, f.line[SAYS_EITHER], (int)either.length, either.at);
    if (comma.length) m->decimal = ',';
    if (point.length) m->decimal = '.';
    m->grouped = m->decimal != '\0';
    return OK;
}
