/* SPDX-License-Identifier: Apache-2.0 */
#include "api/lines.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024 };

static const char space[] = " \t\r";

/* Without the space at both ends; in place. */
static char *trimmed(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1])) text[--length] = '\0';
    return text + strspn(text, space);
}

static Status take_line(char *line, int number, Status (*assign)(void *context, const char *line),
                        void *context)
{
    char clean[LINE_MAX_BYTES];
    line = trimmed(line);
    if (!*line || *line == '#') return OK;
    char *equal = strchr(line, '=');
    if (equal) *equal = '\0';
    snprintf(clean, sizeof clean, "%s%s%s", trimmed(line), equal ? "=" : "",
             equal ? trimmed(equal + 1) : "");
    const Status st = assign(context, clean);
    if (st == OK) return OK;
    char cause[1024];
    snprintf(cause, sizeof cause, "%s", status_message());
    status_clear();
    return FAIL(st, "settings, line %d: %s", number, cause);
}

Status lines_each(const char *text, Status (*assign)(void *context, const char *line),
                  void *context)
{
    for (int number = 1; text && *text; number++) {
        char line[LINE_MAX_BYTES];
        const size_t length = strcspn(text, "\n");
        if (length >= sizeof line)
            return FAIL(ERR_USAGE, "settings, line %d has %zu bytes, want at most %zu", number,
                        length, sizeof line - 1);
        memcpy(line, text, length);
        line[length] = '\0';
        TRY(take_line(line, number, assign, context));
        text += length + (text[length] == '\n');
    }
    return OK;
}
