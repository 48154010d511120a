/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/rows.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = ROW_TEXT_MAX };

const char *const rows_bad_name[BAD_KINDS] = {
    [BAD_LONG] = "line too long",
    [BAD_FIELDS] = "wrong number of fields",
    [BAD_QUOTE] = "broken quote",
    [BAD_JSON] = "no JSON object",
    [BAD_SEQUENCE] = "no items",
    [BAD_NO_USER] = "missing user",
    [BAD_NO_ITEM] = "missing item",
    [BAD_USER] = "bad user key",
    [BAD_ITEM] = "bad item key",
    [BAD_TIME] = "bad time",
    [BAD_UNIT] = "time of another unit",
    [BAD_ACTION] = "unknown action",
    [BAD_END] = "bad end flag",
    [BAD_NUMBER] = "bad number",
    [BAD_LIST] = "bad list",
};

/* ---- LogRows --------------------------------------------------------------------------------- */

Status rows_begin(LogRows *rows)
{
    rows->count = rows->seen = rows->outside_time = rows->outside_limits = 0;
    rows->blocks_used = 0;
    memset(rows->bad, 0, sizeof rows->bad);
    rows->unknown = (UnknownActions){0};
    if (!rows->field) rows->field = calloc(ROW_FIELDS_MAX, sizeof *rows->field);
    return rows->field ? OK : FAIL(ERR_MEMORY, "no memory for fields");
}

void rows_close(LogRows *rows)
{
    for (int i = 0; i < rows->blocks; i++) free(rows->block[i]);
    free(rows->block);
    free(rows->buffer);
    free(rows->row);
    free(rows->cell);
    free(rows->field);
    *rows = (LogRows){0};
}

char *rows_text(LogRows *rows, size_t size)
{
    if (size > BLOCK) size = BLOCK; /* never the case: keys and numbers are much shorter */
    if (rows->blocks_used == 0 || rows->block_used + size > BLOCK) {
        if (rows->blocks_used == rows->blocks) {
            char **list = realloc(rows->block, (size_t)(rows->blocks + 1) * sizeof *list);
            if (!list) return NULL;
            rows->block = list;
            if (!(list[rows->blocks] = malloc(BLOCK))) return NULL;
            rows->blocks++;
        }
        rows->blocks_used++;
        rows->block_used = 0;
    }
    char *at = rows->block[rows->blocks_used - 1] + rows->block_used;
    rows->block_used += size;
    return at;
}

void rows_text_end(LogRows *rows, const char *end)
{
    rows->block_used = (size_t)(end - rows->block[rows->blocks_used - 1]);
}

char *rows_buffer(LogRows *rows, size_t size)
{
    if (size <= rows->buffer_size) return rows->buffer;
    free(rows->buffer);
    rows->buffer = malloc(size);
    rows->buffer_size = rows->buffer ? size : 0;
    return rows->buffer;
}

void rows_bad(LogRows *rows, BadKind kind, int64_t line, const char *format, ...)
{
    BadRow *bad = &rows->bad[kind];
    if (bad->count++) return;
    va_list args;
    va_start(args, format);
    vsnprintf(bad->why, sizeof bad->why, format, args);
    va_end(args);
    for (char *at = bad->why; *at; at++) /* reports and messages go to terminals */
        if ((unsigned char)*at < 0x20 || *at == 0x7F) *at = '?';
    bad->line = line;
}

static Status grow(LogRows *rows, int cells)
{
    if (rows->count < rows->capacity) return OK;
    const int64_t capacity = rows->capacity ? rows->capacity * 2 : 1024;
    LogRow *row = realloc(rows->row, (size_t)capacity * sizeof *row);
    if (row) rows->row = row;
    LogCell *cell = realloc(rows->cell, ((size_t)capacity * (size_t)cells + 1) * sizeof *cell);
    if (cell) rows->cell = cell;
    if (!row || !cell) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " rows", capacity);
    rows->capacity = capacity;
    return OK;
}

static int shown(Text t) { return t.length > 80 ? 80 : (int)t.length; }

/* Out of the way of good keys, as nearly all are. */
__attribute__((noinline, cold)) static void bad_key(LogRows *rows, bool user, bool missing,
                                                    Text key, int64_t line)
{
    const char *const what = user ? "the user" : "the item";
    const BadKind kind = user ? BAD_USER : BAD_ITEM, none = user ? BAD_NO_USER : BAD_NO_ITEM;
    if (missing && !key.length)
        rows_bad(rows, none, line, "%s is empty, expected a key", what);
    else if (missing)
        rows_bad(rows, none, line,
                 "%s is \"%.*s\", which stands for a missing value ([input] missing)", what,
                 shown(key), key.at);
    else if (key.length > KEY_MAX)
        rows_bad(rows, kind, line, "%s has %u bytes, expected at most %d", what, key.length,
                 KEY_MAX);
    else
        rows_bad(rows, kind, line, "%s holds a NUL byte", what);
}

static inline bool good_key(LogRows *rows, const Mapping *m, bool user, Text key, int64_t line)
{
    const bool missing = mapping_is_missing(m, key);
    if (!missing && key.length <= KEY_MAX && !memchr(key.at, 0, key.length)) return true;
    bad_key(rows, user, missing, key, line);
    return false;
}

/* Adds the milliseconds that the log has apart from the time. */
static bool add_offset(LogRows *rows, const Mapping *m, Text t, LogRow *row, int64_t line)
{
    double ms = 0.0;
    if (!mapping_is_missing(m, t) && (!text_number(t, &ms) || fabs(ms) > 1e14)) {
        rows_bad(rows, BAD_TIME, line, "%s is \"%.*s\", expected milliseconds",
                 m->role[ROLE_OFFSET], shown(t), t.at);
        return false;
    }
    row->time += (int64_t)floor(ms);
    return true;
}

/* A text that is no time, or one of a year that no shop's log has, though most of this one are of
 * others. */
__attribute__((noinline, cold)) static void bad_time(LogRows *rows, const Mapping *m, Text t,
                                                     bool good, int64_t line)
{
    const bool checked = m->plausible_from < m->plausible_to && m->plausible_to != INT64_MAX;
    const TimeFormat other = {.unit = checked ? text_plausible_unit(t) : TIME_AUTO};
    if (other.unit != TIME_AUTO && other.unit != m->time.unit && m->time.origin_ms == 0)
        rows_bad(rows, BAD_UNIT, line, "%s is \"%.*s\", %s, expected %s as in most rows",
                 m->role[ROLE_TIME], shown(t), t.at, text_time_form(&other),
                 text_time_form(&m->time));
    else if (good)
        rows_bad(rows, BAD_TIME, line, "%s is \"%.*s\", expected a time of the years 1990 to 2099",
                 m->role[ROLE_TIME], shown(t), t.at);
    else
        rows_bad(rows, BAD_TIME, line, "%s is \"%.*s\", expected %s", m->role[ROLE_TIME], shown(t),
                 t.at, text_time_form(&m->time));
}

static bool read_when(LogRows *rows, const Mapping *m, const LogLayout *l, const Text *field,
                      LogRow *row, int64_t line)
{
    row->time = m->step_ms;
    if (l->role[ROLE_TIME] >= 0) {
        const Text t = text_trim(field[l->role[ROLE_TIME]]);
        const bool good = text_time(t, &m->time, &row->time);
        if (good && row->time >= m->plausible_from && row->time < m->plausible_to)
            return l->role[ROLE_OFFSET] < 0 ||
                   add_offset(rows, m, text_trim(field[l->role[ROLE_OFFSET]]), row, line);
        bad_time(rows, m, t, good, line);
        return false;
    }
    if (l->role[ROLE_GAP] < 0) return true;
    const Text t = text_trim(field[l->role[ROLE_GAP]]);
    double gap = 0.0;
    if (!mapping_is_missing(m, t) &&
        (!text_decimal(t, m->decimal, m->grouped, &gap) || gap < 0.0 || gap > 1e11)) {
        rows_bad(rows, BAD_TIME, line, "%s is \"%.*s\", expected seconds, 0 or more",
                 m->role[ROLE_GAP], shown(t), t.at);
        return false;
    }
    row->time = (int64_t)floor(gap * 1000.0 + 0.5);
    return true;
}

static void count_unknown(UnknownActions *u, const char *text, int64_t count)
{
    int t = 0;
    u->rows += count;
    while (t < u->texts && strcmp(u->text[t].text, text)) t++;
    if (t == UNKNOWN_MAX) return;
    if (t == u->texts) {
        snprintf(u->text[t].text, sizeof u->text[t].text, "%s", text);
        u->texts++;
    }
    u->text[t].rows += count;
}

void rows_add_unknown(UnknownActions *to, const UnknownActions *from)
{
    int64_t rest = from->rows;
    for (int t = 0; t < from->texts; t++) {
        count_unknown(to, from->text[t].text, from->text[t].rows);
        rest -= from->text[t].rows;
    }
    to->rows += rest;
}

static void note_unknown(LogRows *rows, Text t)
{
    char text[sizeof rows->unknown.text[0].text];
    snprintf(text, sizeof text, "%.*s", shown(t), t.at);
    count_unknown(&rows->unknown, text, 1);
}

static bool in_range(const Mapping *m, Text t, uint8_t *action)
{
    double value;
    if (!text_decimal(t, m->decimal, m->grouped, &value)) return false;
    for (int r = 0; r < m->ranges; r++) {
        if (value < m->range[r].low || value > m->range[r].high) continue;
        *action = (uint8_t)m->range[r].action;
        return true;
    }
    return false;
}

static bool read_action(LogRows *rows, const Mapping *m, const LogLayout *l, const Text *field,
                        LogRow *row, int64_t line)
{
    row->action = 0;
    if (l->role[ROLE_ACTION] < 0) return true;
    const Text t = text_trim(field[l->role[ROLE_ACTION]]);
    const int64_t value = keys_find(&m->action_value, t, text_hash(t));
    if (value >= 0) {
        row->action = (uint8_t)m->value_action[value];
        return true;
    }
    if (m->ranges && in_range(m, t, &row->action)) return true;
    note_unknown(rows, t);
    if (m->unknown_at >= 0) {
        row->action = (uint8_t)m->unknown_at;
        return true;
    }
    char known[120] = "";
    for (int64_t i = 0; i < m->action_value.count && strlen(known) < sizeof known - 2; i++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", m->action_value.key[i]);
    }
    rows_bad(rows, BAD_ACTION, line, "%s is \"%.*s\", expected one of: %s", m->role[ROLE_ACTION],
             shown(t), t.at, known);
    return false;
}

/* The action of an item that a list shows: an impression, unless it was taken. */
static bool read_taken(LogRows *rows, const Mapping *m, const LogLayout *l, const Text *field,
                       LogRow *row, int64_t line)
{
    bool taken = false;
    for (int t = 0; t < rows->takens; t++) {
        if (!text_equal(rows->taken[t], row->item)) continue;
        taken = rows->met[t] = true;
    }
    row->action = (uint8_t)(taken ? m->taken_action : m->shown_action);
    return !taken || l->role[ROLE_ACTION] < 0 || read_action(rows, m, l, field, row, line);
}

static bool read_end(LogRows *rows, const LogLayout *l, const Text *field, LogRow *row,
                     int64_t line)
{
    row->end = END_UNKNOWN;
    if (l->role[ROLE_END] < 0) return true;
    const Text t = text_trim(field[l->role[ROLE_END]]);
    if (t.length == 1 && *t.at >= '0' && *t.at <= '2') {
        row->end = (uint8_t)(*t.at - '0');
        return true;
    }
    rows_bad(rows, BAD_END, line, "the end flag is \"%.*s\", expected 0, 1 or 2", shown(t), t.at);
    return false;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* text_trim, for texts that rarely have blanks around them. */
static inline Text trimmed(Text t)
{
    return t.length && (is_blank(t.at[0]) || is_blank(t.at[t.length - 1])) ? text_trim(t) : t;
}

typedef enum { ROW_GOOD, ROW_BAD, ROW_OUTSIDE } Verdict;

static Verdict read_number(LogRows *rows, const Mapping *m, int c, Text t, LogCell *out,
                           int64_t line)
{
    const CellSpec *spec = &m->cell[c];
    const bool propensity = c == m->propensity_cell;
    double value;
    out->number = NAN;
    if (!propensity && mapping_is_missing(m, t)) return ROW_GOOD;
    if (!text_decimal(t, m->decimal, m->grouped, &value) || fabs(value) > FLT_MAX ||
        (propensity && !((float)value > 0.0f && value <= 1.0))) {
        rows_bad(rows, BAD_NUMBER, line, "%s is \"%.*s\", expected %s", spec->column, shown(t),
                 t.at, propensity ? "a probability above 0 and at most 1" : "a number or nothing");
        return ROW_BAD;
    }
    const bool inside = value >= spec->low && value <= spec->high;
    if (!inside && spec->outside_is_missing) return ROW_GOOD;
    out->number = (float)value;
    return inside ? ROW_GOOD : ROW_OUTSIDE;
}

static Verdict read_cells(LogRows *rows, const Mapping *m, const LogLayout *l, const Text *field,
                          int64_t line)
{
    LogCell *out = rows->cell + rows->count * m->cells;
    Verdict verdict = ROW_GOOD;
    for (int c = 0; c < m->cells; c++) {
        const Text t = trimmed(field[l->cell[c]]);
        if (m->cell[c].category) {
            out[c].category = mapping_is_missing(m, t) ? (Text){t.at, 0} : t;
            if (t.length > KEY_MAX) out[c].category.length = KEY_MAX;
            continue;
        }
        const Verdict one = read_number(rows, m, c, t, &out[c], line);
        if (one == ROW_BAD) return ROW_BAD;
        if (one == ROW_OUTSIDE) verdict = ROW_OUTSIDE;
    }
    return verdict;
}

Status rows_line_key(LogRows *rows, const LogPiece *piece, int64_t line, Text *key)
{
    char *at = rows_text(rows, 32);
    if (!at) return FAIL(ERR_MEMORY, "no memory for row keys");
    const int length = piece->files > 1 ? snprintf(at, 32, "%d:%" PRId64, piece->file, line)
                                        : snprintf(at, 32, "%" PRId64, line);
    *key = (Text){at, (uint32_t)length};
    return OK;
}

static uint32_t session_of(const Mapping *m, Text field)
{
    const Text t = trimmed(field);
    if (mapping_is_missing(m, t)) return 0;
    const uint32_t hash = (uint32_t)text_hash(t);
    return hash ? hash : 1;
}

Status rows_add(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece,
                const Text *field, uint32_t hash, int64_t line)
{
    TRY(grow(rows, m->cells));
    LogRow *row = &rows->row[rows->count];
    row->hash = hash;
    row->part = (uint8_t)piece->file;
    row->item = trimmed(field[l->role[ROLE_ITEM]]);
    if (l->role[ROLE_USER] >= 0)
        row->user = trimmed(field[l->role[ROLE_USER]]);
    else
        TRY(rows_line_key(rows, piece, line, &row->user));
    if (!good_key(rows, m, true, row->user, line) || !good_key(rows, m, false, row->item, line) ||
        !read_when(rows, m, l, field, row, line) ||
        !(*m->taken ? read_taken : read_action)(rows, m, l, field, row, line) ||
        !read_end(rows, l, field, row, line))
        return OK;
    const Verdict verdict = read_cells(rows, m, l, field, line);
    if (verdict == ROW_BAD) return OK;
    if (*m->taken && m->reward_cell >= 0 && m->action_impression[row->action])
        rows->cell[rows->count * m->cells + m->reward_cell].number = NAN; /* of what was taken */
    if (mapping_has_clock(m) && (row->time < m->from_ms || row->time >= m->to_ms)) {
        rows->outside_time++;
        return OK;
    }
    if (verdict == ROW_OUTSIDE) {
        rows->outside_limits++;
        return OK;
    }
    row->user_hash = text_hash(row->user);
    row->item_hash = text_hash(row->item);
    row->session = l->role[ROLE_SESSION] < 0 ? 0 : session_of(m, field[l->role[ROLE_SESSION]]);
    rows->count++;
    return OK;
}
