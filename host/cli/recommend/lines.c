/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recommend/lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 1 << 16, LINE_BYTES_MAX = 64 << 20 };

Status recommend_lines_open(RecommendLines *l, const char *path)
{
    *l = (RecommendLines){.path = path};
    return input_open(&l->input, path);
}

void recommend_lines_close(RecommendLines *l)
{
    input_close(l->input);
    free(l->text);
    *l = (RecommendLines){0};
}

/* Read more behind the part of a line that is there. One byte is kept for a zero. */
static Status read_more(RecommendLines *l)
{
    size_t got;
    const size_t have = l->end - l->begin;
    if (have > LINE_BYTES_MAX)
        return FAIL(ERR_FORMAT, "%s: line %" PRId64 " is longer than %d bytes", l->path,
                    l->number + 1, LINE_BYTES_MAX);
    if (have > 0) memmove(l->text, l->text + l->begin, have);
    l->begin = 0;
    l->end = have;
    if (l->capacity < have + READ_BYTES + 1) {
        const size_t capacity = 2 * have + READ_BYTES + 1;
        char *more = realloc(l->text, capacity);
        if (!more) return FAIL(ERR_MEMORY, "%s: no memory for a line", l->path);
        l->text = more;
        l->capacity = capacity;
    }
    TRY(input_read(l->input, l->text + have, READ_BYTES, &got));
    l->ended = got == 0;
    l->end += got;
    return OK;
}

/* The next line, also an empty one. */
static Status next(RecommendLines *l, char **line, size_t *length)
{
    size_t searched = 0;
    char *newline = NULL;
    while (true) {
        const size_t have = l->end - l->begin;
        if (have > searched) newline = memchr(l->text + l->begin + searched, '\n', have - searched);
        if (newline || l->ended) break;
        searched = have;
        TRY(read_more(l));
    }
    if (!newline && l->begin == l->end) return *line = NULL, OK;
    *line = l->text + l->begin;
    *length = (newline ? (size_t)(newline - l->text) : l->end) - l->begin;
    l->begin += *length + (newline != NULL);
    if (*length > 0 && (*line)[*length - 1] == '\r') --*length;
    (*line)[*length] = '\0';
    l->number++;
    return OK;
}

Status recommend_lines_next(RecommendLines *l, char **line)
{
    size_t length = 0;
    do TRY(next(l, line, &length));
    while (*line && length == 0);
    if (!*line || strlen(*line) == length) return OK;
    return FAIL(ERR_FORMAT, "%s: line %" PRId64 " has a zero byte", l->path, l->number);
}
