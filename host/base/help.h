/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of help texts: lines of at most 80 columns, in sections that begin with a title of
 * their own line, which ends with a colon:
 *
 *     Options:
 *       -d, --data FILE      behaviour file to read
 *           --k N            how many items
 */
#ifndef SOUK_HELP_H
#define SOUK_HELP_H

#include <stdio.h>

enum {
    HELP_WIDTH = 80,
    HELP_COLUMN = 28, /* where the second column begins */
};

/* An empty line, then `title` and a colon. */
void help_section(FILE *out, const char *title);
/* Two spaces and `name`, and beside it `text`, in lines that begin at `column`. A name that is too
 * long has a line of its own. */
void help_row(FILE *out, int column, const char *name, const char *text);
/* Paragraphs, which a '\n' ends. A line that begins with a space stays as it is. */
void help_text(FILE *out, const char *text);

#endif
