/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: JSON for programs, in a file or on standard output; and the fields of JSON that users
 * write. */
#ifndef SOUK_BASE_REPORT_H
#define SOUK_BASE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "base/config.h"

/* The layouts of reports, which are flags of jansson: how far nested values are indented, and the
 * digits of numbers. */
#define REPORT_WIDE     JSON_INDENT(2)
#define REPORT_NARROW   JSON_INDENT(1)
#define REPORT_9DIGITS  (JSON_INDENT(1) | JSON_REAL_PRECISION(9))
#define REPORT_17DIGITS (JSON_INDENT(1) | JSON_REAL_PRECISION(17))
/* Of reports that have always ended without a newline. */
#define REPORT_UNENDED ((size_t)1 << 30)

/* Write `root` to `path`, whole or not at all; a pipe or a device, such as /dev/stdout, is written
 * in place. Takes `root`, also on failure. NULL, as json_pack() returns it for a text that is not
 * UTF-8, is ERR_FORMAT. */
Status report_write(const char *path, json_t *root, size_t layout);
/* The same to `out`, e.g. standard output, which it flushes. */
Status report_print(FILE *out, json_t *root, size_t layout);

/* A text as JSON, "" for NULL; a byte that is not UTF-8 becomes its escape, such as \xe9. */
json_t *report_string(const char *text);
/* A text for a terminal, into `out` [REPORT_LINE_MAX], and cut there; returns `out`. Control
 * characters become escapes too. */
enum { REPORT_LINE_MAX = 4 * 1024 + 1 };
const char *report_line(char out[REPORT_LINE_MAX], const char *text);
/* A number as JSON: null for NaN and infinity, which JSON does not have. */
json_t *report_number(double value);
/* {"model.dim": "64", …}: the settings of `set`, as text. */
json_t *report_settings(const Config *c, ConfigSet set);

/* Of JSON that users write: ERR_FORMAT where an object has a field that is none of `known`, a list
 * that ends with NULL: there is no field "acton" in an event, want item, action, time. `what` is
 * "an event" there. What is no object has no fields. */
Status report_fields(const json_t *object, const char *const *known, const char *what);

#endif
