/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT = 32 };

/* 1e+09 is written 1e9, 1e-06 1e-6, and numbers below a million with all their digits. */
static void write_number(double x, char text[NUMBER_TEXT])
{
    if (x == floor(x) && fabs(x) < 1e6) {
        snprintf(text, NUMBER_TEXT, "%.0f", x);
        return;
    }
    snprintf(text, NUMBER_TEXT, "%g", x);
    char *exponent = strchr(text, 'e');
    if (!exponent) return;
    char *to = exponent + (exponent[1] == '-' ? 2 : 1), *digits = exponent + 2;
    digits += strspn(digits, "0");
    memmove(to, digits, strlen(digits) + 1);
}

void number_range(const NumberRange *r, char *text, size_t size)
{
    char low[NUMBER_TEXT], high[NUMBER_TEXT];
    write_number(r->low, low);
    write_number(r->high, high);
    const char *more = r->automatic ? ", or auto" : "";
    if (r->high > 1e18)
        snprintf(text, size, "%s or more%s", low, more);
    else
        snprintf(text, size, "%s %s %s%s", low, r->whole && r->high == r->low + 1.0 ? "or" : "to",
                 high, more);
}

Status number_parse(const char *name, const char *text, const NumberRange *r, double *real,
                    int64_t *count)
{
    char *end, range[2 * NUMBER_TEXT + 20];
    errno = 0;
    *real = strtod(text, &end);
    bool good = end != text && !*end && !errno && *real >= r->low && *real <= r->high;
    if (good && r->whole) {
        /* A double holds 15 digits of the 19 that a count may have. */
        const bool digits = strspn(text, "0123456789") == strlen(text);
        *count = digits ? strtoll(text, NULL, 10) : *real < 0x1p63 ? (int64_t)*real : 0;
        good = !errno && (digits || (double)*count == *real);
    }
    if (good) return OK;
    number_range(r, range, sizeof range);
    return FAIL(ERR_USAGE, "%s = \"%s\", want a %snumber, %s", name, text, r->whole ? "whole " : "",
                range);
}
