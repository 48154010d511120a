/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local char message[1024];
static _Thread_local char place[128];

void status_record(const char *file, int line, const char *format, ...)
{
    if (message[0]) return;
    snprintf(place, sizeof place, "%s:%d", file, line);
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
}

const char *status_message(void) { return message; }
const char *status_place(void) { return place; }
void status_clear(void) { message[0] = place[0] = '\0'; }

void status_adopt(const char *from_message, const char *from_place)
{
    if (message[0]) return;
    snprintf(message, sizeof message, "%s", from_message);
    snprintf(place, sizeof place, "%s", from_place);
}

void status_abort(const char *file, int line, const char *format, ...)
{
    fprintf(stderr, "%s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
