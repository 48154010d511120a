#include "data/rawlog/rows.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

const char *const rows_bad_name[BAD_KINDS] = {
    [BAD_FIELDS] = "wrong number of fields",
    [BAD_QUOTE] = "broken quote",
    [BAD_JSON] = "no JSON object",
    [BAD_SEQUENCE] = "no items",
    [BAD_USER] = "bad user key",
    [BAD_ITEM] = "bad item key",
    [BAD_TIME] = "bad time",
    [BAD_ACTION] = "unknown action",
    [BAD_END] = "bad end flag",
    [BAD_NUMBER] = "bad number",
};

/* ---- Records ----------------------------------------------------------------------------------
 */

/* After the closing quote of the field whose opening quote is at `at`; NULL: not before `end`. */
static const char *quoted_end(const char *at, const char *end)
{
    for (at++;; at += 2) {
        at = memchr(at, '"', (size_t)(end - at));
        if (!at) return NULL;
        if (at + 1 == end || at[1] != '"') return at + 1;
    }
}

static const char *line_after(const char *at, const char *end, bool last)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline + 1 : last ? end : NULL;
}

const char *rows_record_end(const char *at, const char *end, const Mapping *m, char delimiter,
                            bool last)
{
    const char *const first = line_after(at, end, last);
    if (m->format != FORMAT_CSV || !first || !memchr(at, '"', (size_t)(first - at))) return first;
    const char *stop = end - at > RECORD_BYTES_MAX ? at + RECORD_BYTES_MAX : end;
    const bool whole = last || stop < end; /* no more text can close an open quote */
    for (const char *p = at; p < stop; p++) {
        if (*p == '"' && (p == at || p[-1] == delimiter)) {
            p = quoted_end(p, stop);
            if (!p || (p == stop && !whole)) return whole ? first : NULL;
            p--;
        } else if (*p == '\n') {
            return p + 1;
        }
    }
    return whole ? (stop == end ? end : first) : NULL;
}

/* Doubled quotes become one, in place. */
static Text unquote(char *at, const char *end)
{
    char *to = at;
    for (char *from = at; from < end; from++) {
        *to++ = *from;
        if (*from == '"') from++;
    }
    return (Text){at, (uint32_t)(to - at)};
}

int rows_split_record(char *at, char *end, char delimiter, Text *field, int room)
{
    int fields = 0;
    for (char *start = at;; start = at + 1, at = start) {
        Text text;
        if (at < end && *at == '"') {
            at = (char *)quoted_end(at, end);
            if (!at || (at < end && *at != delimiter)) return -1;
            text = unquote(start + 1, at - 1);
        } else {
            while (at < end && *at != delimiter) at++;
            text = (Text){start, (uint32_t)(at - start)};
        }
        if (fields < room) field[fields] = text;
        fields++;
        if (at == end) return fields;
    }
}

bool rows_next_line(char **at, char *piece_end, char **line, char **line_end)
{
    if (*at >= piece_end) return false;
    char *newline = memchr(*at, '\n', (size_t)(piece_end - *at));
    *line = *at;
    *line_end = newline ? newline : piece_end;
    *at = newline ? newline + 1 : piece_end;
    if (*line_end > *line && (*line_end)[-1] == '\r') (*line_end)--;
    return true;
}

/* ---- Layout -----------------------------------------------------------------------------------
 */

static int field_named(const Text *name, int names, const char *wanted)
{
    for (int i = 0; i < names; i++)
        if (text_equal(name[i], text_of(wanted))) return i;
    return -1;
}

static Status missing_column(const char *path, const char *wanted, const Text *name, int names)
{
    char have[400] = "";
    for (int i = 0; i < names; i++) {
        const size_t used = strlen(have);
        snprintf(have + used, sizeof have - used, "%s%.*s", i ? ", " : "", (int)name[i].length,
                 name[i].at);
    }
    return FAIL(ERR_FORMAT, "%s: no column \"%s\"; the columns are: %s", path, wanted, have);
}

Status rows_layout_find(Layout *l, const Mapping *m, const char *path, const Text *name, int names)
{
    l->fields = names;
    for (int r = 0; r < ROLES; r++) {
        l->role[r] = m->role[r][0] ? field_named(name, names, m->role[r]) : -1;
        const bool row = r == ROLE_USER && strcmp(m->role[r], COLUMN_ROW) == 0;
        if (m->role[r][0] && l->role[r] < 0 && !row)
            return missing_column(path, m->role[r], name, names);
    }
    for (int c = 0; c < m->cells; c++)
        if ((l->cell[c] = field_named(name, names, m->cell[c].column)) < 0)
            return missing_column(path, m->cell[c].column, name, names);
    return OK;
}

void rows_layout_of_json(Layout *l, const Mapping *m)
{
    l->fields = ROLES + m->cells;
    for (int r = 0; r < ROLES; r++) l->role[r] = m->role[r][0] ? r : -1;
    if (strcmp(m->role[ROLE_USER], COLUMN_ROW) == 0) l->role[ROLE_USER] = -1;
    for (int c = 0; c < m->cells; c++) l->cell[c] = ROLES + c;
}

/* ---- Rows -------------------------------------------------------------------------------------
 */

void rows_close(Rows *rows)
{
    for (int i = 0; i < rows->blocks; i++) free(rows->block[i]);
    free(rows->block);
    free(rows->row);
    free(rows->cell);
    free(rows->field);
    *rows = (Rows){0};
}

char *rows_text(Rows *rows, size_t size)
{
    if (size > BLOCK) size = BLOCK; /* callers ask for keys and numbers: far below */
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

void rows_bad(Rows *rows, BadKind kind, int64_t line, const char *format, ...)
{
    BadRow *bad = &rows->bad[kind];
    if (bad->count++) return;
    va_list args;
    va_start(args, format);
    vsnprintf(bad->why, sizeof bad->why, format, args);
    va_end(args);
    bad->line = line;
}

static Status grow(Rows *rows, int cells)
{
    if (rows->count < rows->room) return OK;
    const int64_t room = rows->room ? rows->room * 2 : 1024;
    Row *row = realloc(rows->row, (size_t)room * sizeof *row);
    if (row) rows->row = row;
    RowCell *cell = realloc(rows->cell, ((size_t)room * (size_t)cells + 1) * sizeof *cell);
    if (cell) rows->cell = cell;
    if (!row || !cell) return FAIL(ERR_MEMORY, "no memory for %lld rows", (long long)room);
    rows->room = room;
    return OK;
}

static int shown(Text t) { return t.length > 80 ? 80 : (int)t.length; }

static bool good_key(Rows *rows, BadKind kind, const char *what, Text key, int64_t line)
{
    if (key.length && key.length <= KEY_MAX && !memchr(key.at, 0, key.length)) return true;
    if (!key.length)
        rows_bad(rows, kind, line, "%s is empty, expected a key", what);
    else if (key.length > KEY_MAX)
        rows_bad(rows, kind, line, "%s has %u bytes, expected at most %d", what, key.length,
                 KEY_MAX);
    else
        rows_bad(rows, kind, line, "%s holds a NUL byte", what);
    return false;
}

static bool read_when(Rows *rows, const Mapping *m, const Layout *l, const Text *field, Row *row,
                      int64_t line)
{
    row->time = m->step_ms;
    if (l->role[ROLE_TIME] >= 0) {
        const Text t = text_trim(field[l->role[ROLE_TIME]]);
        if (text_time(t, &m->time, &row->time)) return true;
        rows_bad(rows, BAD_TIME, line, "%s is \"%.*s\", expected %s", m->role[ROLE_TIME], shown(t),
                 t.at, text_time_expected(&m->time));
        return false;
    }
    if (l->role[ROLE_GAP] < 0) return true;
    const Text t = text_trim(field[l->role[ROLE_GAP]]);
    double gap = 0.0;
    if (t.length && (!text_number(t, &gap) || gap < 0.0 || gap > 1e11)) {
        rows_bad(rows, BAD_TIME, line, "%s is \"%.*s\", expected seconds, 0 or more",
                 m->role[ROLE_GAP], shown(t), t.at);
        return false;
    }
    row->time = (int64_t)floor(gap * 1000.0 + 0.5);
    return true;
}

static bool read_action(Rows *rows, const Mapping *m, const Layout *l, const Text *field, Row *row,
                        int64_t line)
{
    row->action = 0;
    if (l->role[ROLE_ACTION] < 0) return true;
    const Text t = text_trim(field[l->role[ROLE_ACTION]]);
    const int64_t value = keys_find(&m->action_value, t, text_hash(t));
    if (value >= 0) {
        row->action = (uint8_t)m->value_action[value];
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

static bool read_end(Rows *rows, const Layout *l, const Text *field, Row *row, int64_t line)
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

typedef enum { ROW_GOOD, ROW_BAD, ROW_OUTSIDE } Verdict;

static Verdict read_number(Rows *rows, const Mapping *m, int c, Text t, RowCell *out, int64_t line)
{
    const CellSpec *spec = &m->cell[c];
    const bool propensity = c == m->propensity_cell;
    double value;
    t = text_trim(t);
    out->number = NAN;
    if (t.length == 0 && !propensity) return ROW_GOOD;
    if (!text_number(t, &value) || fabs(value) > FLT_MAX ||
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

static Verdict read_cells(Rows *rows, const Mapping *m, const Layout *l, const Text *field,
                          int64_t line)
{
    RowCell *out = rows->cell + rows->count * m->cells;
    Verdict verdict = ROW_GOOD;
    for (int c = 0; c < m->cells; c++) {
        const Text t = field[l->cell[c]];
        if (m->cell[c].category) {
            out[c].category = t.length > KEY_MAX ? (Text){t.at, KEY_MAX} : t;
            continue;
        }
        const Verdict one = read_number(rows, m, c, t, &out[c], line);
        if (one == ROW_BAD) return ROW_BAD;
        if (one == ROW_OUTSIDE) verdict = ROW_OUTSIDE;
    }
    return verdict;
}

/* "@row": file and line make the key. */
Status rows_line_key(Rows *rows, const Piece *piece, int64_t line, Text *key)
{
    char *at = rows_text(rows, 32);
    if (!at) return FAIL(ERR_MEMORY, "no memory for row keys");
    const int length = piece->files > 1 ? snprintf(at, 32, "%d:%lld", piece->file, (long long)line)
                                        : snprintf(at, 32, "%lld", (long long)line);
    *key = (Text){at, (uint32_t)length};
    return OK;
}

Status rows_add(Rows *rows, const Mapping *m, const Layout *l, const Piece *piece,
                const Text *field, uint32_t hash, int64_t line)
{
    TRY(grow(rows, m->cells));
    Row *row = &rows->row[rows->count];
    row->hash = hash;
    row->part = (uint8_t)piece->file;
    row->item = field[l->role[ROLE_ITEM]];
    if (l->role[ROLE_USER] >= 0)
        row->user = field[l->role[ROLE_USER]];
    else
        TRY(rows_line_key(rows, piece, line, &row->user));
    if (!good_key(rows, BAD_USER, "the user", row->user, line) ||
        !good_key(rows, BAD_ITEM, "the item", row->item, line) ||
        !read_when(rows, m, l, field, row, line) || !read_action(rows, m, l, field, row, line) ||
        !read_end(rows, l, field, row, line))
        return OK;
    const Verdict verdict = read_cells(rows, m, l, field, line);
    if (verdict == ROW_BAD) return OK;
    if (map_has_clock(m) && (row->time < m->from_ms || row->time >= m->to_ms)) {
        rows->outside_time++;
        return OK;
    }
    if (verdict == ROW_OUTSIDE) {
        rows->outside_limits++;
        return OK;
    }
    row->user_hash = text_hash(row->user);
    row->item_hash = text_hash(row->item);
    row->session = 0;
    if (l->role[ROLE_SESSION] >= 0)
        row->session = (uint32_t)text_hash(field[l->role[ROLE_SESSION]]);
    rows->count++;
    return OK;
}

static Status parse_csv(Rows *rows, const Mapping *m, const Layout *l, const Piece *piece)
{
    char *at = piece->text, *const end = piece->text + piece->length;
    int64_t line = piece->first_line;
    const bool quotes = memchr(at, '"', piece->length) != NULL;
    while (at < end) {
        const int64_t here = line;
        char *record, *stop;
        if (!quotes) {
            rows_next_line(&at, end, &record, &stop);
            line++;
        } else {
            record = at;
            stop = at = (char *)rows_record_end(record, end, m, l->delimiter, true);
            for (const char *p = record; (p = memchr(p, '\n', (size_t)(at - p))); p++) line++;
            if (stop > record && stop[-1] == '\n') stop--;
            if (stop > record && stop[-1] == '\r') stop--;
        }
        if (stop == record) continue;
        rows->seen++;
        const uint32_t hash = (uint32_t)text_hash((Text){record, (uint32_t)(stop - record)});
        const int fields = rows_split_record(record, stop, l->delimiter, rows->field, l->fields);
        if (fields < 0)
            rows_bad(rows, BAD_QUOTE, here, "a quote is not closed, or text follows it");
        else if (fields != l->fields)
            rows_bad(rows, BAD_FIELDS, here, "%d fields, expected %d", fields, l->fields);
        else
            TRY(rows_add(rows, m, l, piece, rows->field, hash, here));
    }
    return OK;
}

Status rows_parse(Rows *rows, const Mapping *m, const Layout *l, const Piece *piece)
{
    rows->count = rows->seen = rows->outside_time = rows->outside_limits = 0;
    rows->blocks_used = 0;
    memset(rows->bad, 0, sizeof rows->bad);
    if (!rows->field) rows->field = calloc(LOG_COLUMNS_MAX, sizeof *rows->field);
    if (!rows->field) return FAIL(ERR_MEMORY, "no memory for fields");
    if (m->format == FORMAT_JSONL) return formats_parse_json(rows, m, l, piece);
    if (m->format == FORMAT_CSV) return parse_csv(rows, m, l, piece);
    return formats_parse_sequence(rows, m, piece);
}
