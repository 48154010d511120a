/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that users write: values of settings and options. */
#ifndef SOUK_NUMBER_H
#define SOUK_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    bool whole; /* 1e6 is a whole number, 1.5 is not */
    double low, high;
    bool automatic; /* the word "auto" may stand in place of a number; the caller reads it */
} NumberRange;

/* Read a number of the range: into *real and, where it is whole, into *count, without loss of
 * digits. ERR_USAGE, which calls the number `name`, for anything else. */
Status number_parse(const char *name, const char *text, const NumberRange *r, double *real,
                    int64_t *count);

/* "2 to 16384"; "0 or 1"; "0 or more" where the upper end is above 1e18; each with ", or auto"
 * behind it where the range says so. */
void number_range(const NumberRange *r, char *text, size_t size);

#endif
