/* Rows of JSON lines and of sequence files. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "data/rawlog/rows.h"

/* ---- JSON lines: one object a line, through jansson -------------------------------------------
 */

/* A scalar as text; the empty text for null, absent or nested values. */
static Status scalar_text(Rows *rows, const json_t *value, Text *out)
{
    *out = (Text){"", 0};
    if (!value || json_is_null(value) || json_is_object(value) || json_is_array(value)) return OK;
    if (json_is_boolean(value)) {
        *out = text_of(json_is_true(value) ? "1" : "0");
        return OK;
    }
    const size_t size = json_is_string(value) ? json_string_length(value) : 40;
    /* A key beyond its limit stays beyond it, so that it is refused rather than cut. */
    const size_t kept = size > KEY_MAX + 1 ? KEY_MAX + 1 : size;
    char *at = rows_text(rows, kept + 1);
    if (!at) return FAIL(ERR_MEMORY, "no memory for JSON texts");
    if (json_is_string(value))
        memcpy(at, json_string_value(value), kept);
    else if (json_is_integer(value))
        out->length = (uint32_t)snprintf(at, size, "%lld", (long long)json_integer_value(value));
    else
        out->length = (uint32_t)snprintf(at, size, "%.17g", json_real_value(value));
    if (json_is_string(value)) out->length = (uint32_t)kept;
    out->at = at;
    return OK;
}

static Status add_object(Rows *rows, const Mapping *m, const Layout *l, const Piece *piece,
                         const json_t *object, uint32_t hash, int64_t line)
{
    for (int r = 0; r < ROLES; r++)
        if (l->role[r] >= 0)
            TRY(scalar_text(rows, json_object_get(object, m->role[r]), &rows->field[r]));
    for (int c = 0; c < m->cells; c++)
        TRY(scalar_text(rows, json_object_get(object, m->cell[c].column), &rows->field[ROLES + c]));
    return rows_add(rows, m, l, piece, rows->field, hash, line);
}

Status formats_parse_json(Rows *rows, const Mapping *m, const Layout *l, const Piece *piece)
{
    char *at = piece->text, *line, *end;
    int64_t number = piece->first_line;
    for (; rows_next_line(&at, piece->text + piece->length, &line, &end); number++) {
        json_error_t error;
        const Text text = text_trim((Text){line, (uint32_t)(end - line)});
        if (text.length == 0) continue;
        rows->seen++;
        json_t *object = json_loadb(text.at, text.length, JSON_ALLOW_NUL, &error);
        Status st = OK;
        if (json_is_object(object))
            st = add_object(rows, m, l, piece, object, (uint32_t)text_hash(text), number);
        else
            rows_bad(rows, BAD_JSON, number, "%.120s, expected one JSON object a line",
                     object ? "another JSON value" : error.text);
        json_decref(object);
        TRY(st);
    }
    return OK;
}

/* ---- Sequences: `user item item ...` or, without users, `item item ...` ------------------------
 */

static bool next_word(char **at, const char *end, Text *word)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == ',')) (*at)++;
    char *start = *at;
    while (*at < end && **at != ' ' && **at != '\t' && **at != ',') (*at)++;
    *word = (Text){start, (uint32_t)(*at - start)};
    return word->length > 0;
}

/* A line's items. A word "|" begins the next basket: items of one basket share their time. */
static Status add_items(Rows *rows, const Mapping *m, const Piece *piece, const Layout *l,
                        Text user, char *at, const char *end, int64_t line)
{
    Text field[2] = {user};
    const int64_t first = rows->count;
    const bool baskets = memchr(at, '|', (size_t)(end - at)) != NULL;
    while (next_word(&at, end, &field[1])) {
        if (field[1].length == 1 && *field[1].at == '|') {
            if (rows->count > first) rows->row[rows->count - 1].time = m->step_ms;
            continue;
        }
        rows->seen++;
        const int64_t before = rows->count;
        TRY(rows_add(rows, m, l, piece, field, 0, line));
        if (baskets && rows->count > before) rows->row[before].time = 0;
    }
    if (rows->count > first) rows->row[rows->count - 1].time = m->step_ms;
    return OK;
}

Status formats_parse_sequence(Rows *rows, const Mapping *m, const Piece *piece)
{
    const bool users = m->format == FORMAT_SEQUENCE;
    Layout l = {.fields = 2, .role = {0, 1}};
    for (int r = ROLE_ACTION; r < ROLES; r++) l.role[r] = -1;
    char *at = piece->text, *line, *end;
    int64_t number = piece->first_line;
    for (; rows_next_line(&at, piece->text + piece->length, &line, &end); number++) {
        Text user = {line, 0};
        if (text_trim((Text){line, (uint32_t)(end - line)}).length == 0) continue;
        if (users)
            next_word(&line, end, &user);
        else
            TRY(rows_line_key(rows, piece, number, &user));
        const int64_t before = rows->seen;
        TRY(add_items(rows, m, piece, &l, user, line, end, number));
        if (rows->seen == before) {
            rows->seen++;
            rows_bad(rows, BAD_SEQUENCE, number, "user \"%.*s\" has no items",
                     user.length > 80 ? 80 : (int)user.length, user.at);
        }
    }
    return OK;
}
