/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/dialect.h"

#include <stdio.h>
#include <string.h>

enum { LINES = 10 };

/* The delimiters of a line; those between quotes do not count, but tab-separated logs rarely
 * quote. */
static int count_in(const char *at, const char *end, const char *delimiter)
{
    const size_t size = strlen(delimiter);
    const bool quotes = *delimiter != '\t';
    bool quoted = false;
    int count = 0;
    while ((size_t)(end - at) >= size) {
        if (quotes && *at == '"') quoted = !quoted;
        if (!quoted && memcmp(at, delimiter, size) == 0) {
            count++;
            at += size;
        } else {
            at++;
        }
    }
    return count;
}

/* How often a delimiter is in the first line, and how often at least in each of the first lines.
 * Blank lines, and a last line that the text cuts, say nothing. */
static void count_lines(const char *at, size_t length, const char *delimiter, int *first,
                        int *least)
{
    const char *const end = at + length;
    *first = *least = 0;
    for (int line = 0; line < LINES && at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        if (line && !newline) break;
        if (stop - at > 1) {
            const int count = count_in(at, stop, delimiter);
            if (line == 0) *first = *least = count;
            if (count < *least) *least = count;
        }
        at = newline ? newline + 1 : end;
    }
}

static const char *guess_delimiter(const char *at, size_t length)
{
    static const char *const candidates[] = {",", "\t", ";", "|", "::"};
    const char *by_first = " ", *by_least = NULL;
    int most_first = 0, most_least = 0;
    for (size_t c = 0; c < sizeof candidates / sizeof *candidates; c++) {
        int first, least;
        count_lines(at, length, candidates[c], &first, &least);
        if (first > most_first) most_first = first, by_first = candidates[c];
        if (least > most_least) most_least = least, by_least = candidates[c];
    }
    return by_least ? by_least : by_first;
}

Dialect dialect_of(const Mapping *m, const char *at, size_t length)
{
    Dialect d = {.quoted = m->quote != CHOICE_NO};
    const char *newline = memchr(at, '\n', length);
    const size_t first = newline ? (size_t)(newline - at) : length;
    snprintf(d.delimiter, sizeof d.delimiter, "%s",
             m->delimiter[0] ? m->delimiter : guess_delimiter(at, length));
    if (m->quote == CHOICE_AUTO && d.delimiter[0] == '\t' && !memchr(at, '"', first))
        d.quoted = false;
    return d;
}
