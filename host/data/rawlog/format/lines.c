/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/lines.h"

#include <string.h>

bool lines_next(char **at, char *end, char **line, char **line_end)
{
    if (*at >= end) return false;
    char *newline = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *line_end = newline ? newline : end;
    *at = newline ? newline + 1 : end;
    if (*line_end > *line && (*line_end)[-1] == '\r') (*line_end)--;
    return true;
}

const char *lines_record_end(const char *at, const char *end, const LogLayout *layout, bool last)
{
    (void)layout;
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline + 1 : last ? end : NULL;
}
