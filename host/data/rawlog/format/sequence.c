/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/sequence.h"

#include <string.h>

#include "data/rawlog/format/lines.h"

static bool next_word(char **at, const char *end, Text *word)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == ',')) (*at)++;
    char *start = *at;
    while (*at < end && **at != ' ' && **at != '\t' && **at != ',') (*at)++;
    *word = (Text){start, (uint32_t)(*at - start)};
    return word->length > 0;
}

/* What a line is. */
typedef struct {
    bool user;    /* its first word is the user; else it is a session without one */
    bool baskets; /* all of its items are of baskets; else only where it has a "|" */
} LineKind;

/* A line's items. The word "|" begins the next basket: the items of one basket have the same
 * time. */
static Status add_items(LogRows *rows, const Mapping *m, const LogPiece *piece, const LogLayout *l,
                        Text user, char *at, const char *end, bool all_baskets, int64_t line)
{
    Text field[2] = {user};
    const int64_t first = rows->count;
    const bool baskets = all_baskets || memchr(at, '|', (size_t)(end - at)) != NULL;
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

static Status parse_lines(LogRows *rows, const Mapping *m, const LogPiece *piece, LineKind kind)
{
    LogLayout l = {.fields = 2, .role = {[ROLE_USER] = 0, [ROLE_ITEM] = 1}};
    for (int r = ROLE_ACTION; r < ROLES; r++) l.role[r] = -1;
    char *at = piece->text, *line, *end;
    int64_t number = piece->first_line;
    for (; lines_next(&at, piece->text + piece->length, &line, &end); number++) {
        Text user = {line, 0};
        if (text_trim((Text){line, (uint32_t)(end - line)}).length == 0) continue;
        if (kind.user)
            next_word(&line, end, &user);
        else
            TRY(rows_line_key(rows, piece, number, &user));
        const int64_t before = rows->seen;
        TRY(add_items(rows, m, piece, &l, user, line, end, kind.baskets, number));
        if (rows->seen == before) {
            rows->seen++;
            rows_bad(rows, BAD_SEQUENCE, number, "user \"%.*s\" has no items",
                     user.length > 80 ? 80 : (int)user.length, user.at);
        }
    }
    return OK;
}

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *layout, const LogPiece *piece)
{
    (void)layout;
    return parse_lines(rows, m, piece, (LineKind){.user = true});
}

static Status parse_sessions(LogRows *rows, const Mapping *m, const LogLayout *layout,
                             const LogPiece *piece)
{
    (void)layout;
    return parse_lines(rows, m, piece, (LineKind){0});
}

static Status parse_baskets(LogRows *rows, const Mapping *m, const LogLayout *layout,
                            const LogPiece *piece)
{
    (void)layout;
    return parse_lines(rows, m, piece, (LineKind){.user = true, .baskets = true});
}

const Format sequence_format = {.name = "sequence", .record_end = lines_record_end, .parse = parse};
const Format sequence_sessions_format = {
    .name = "sessions", .record_end = lines_record_end, .parse = parse_sessions};
const Format sequence_baskets_format = {
    .name = "baskets", .record_end = lines_record_end, .parse = parse_baskets};
