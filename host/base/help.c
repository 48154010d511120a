/* SPDX-License-Identifier: Apache-2.0 */
#include "base/help.h"

#include <stdbool.h>
#include <string.h>

void help_section(FILE *out, const char *title) { fprintf(out, "\n%s:\n", title); }

/* The first `length` letters of `text`, word by word, in lines that begin at `indent`. `at` is the
 * column that is reached. */
static void wrap(FILE *out, int indent, int at, const char *text, size_t length)
{
    const char *end = text + length;
    bool first = true;
    while (text < end) {
        const char *blank = memchr(text, ' ', (size_t)(end - text));
        const int word = (int)((blank ? blank : end) - text);
        if (!first && at + 1 + word > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", word, text);
        at += word + !first;
        first = false;
        text += word;
        while (text < end && *text == ' ') text++;
    }
    fputc('\n', out);
}

void help_row(FILE *out, int column, const char *name, const char *text)
{
    const int width = column - 4;
    if ((int)strlen(name) > width)
        fprintf(out, "  %s\n%*s", name, column, "");
    else
        fprintf(out, "  %-*s  ", width, name);
    wrap(out, column, column, text, strlen(text));
}

void help_text(FILE *out, const char *text)
{
    while (*text) {
        const size_t length = strcspn(text, "\n");
        if (*text == ' ')
            fprintf(out, "%.*s\n", (int)length, text);
        else
            wrap(out, 0, 0, text, length);
        text += length + (text[length] == '\n');
    }
}
