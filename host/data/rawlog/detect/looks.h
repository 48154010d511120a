/* SPDX-License-Identifier: Apache-2.0 */
/* What the values of a column look like, whatever its name. */
#ifndef SOUK_DETECT_LOOKS_H
#define SOUK_DETECT_LOOKS_H

#include "data/rawlog/detect/sample.h"

typedef enum {
    LOOKS_EMPTY,
    LOOKS_TIME,   /* ISO times, or numbers that are times of the years 1990 to 2099 */
    LOOKS_ACTION, /* texts, few of them, and one at least is a common name of an action */
    LOOKS_RATING, /* few different numbers from 0 to 100 */
    LOOKS_WHOLE,  /* whole numbers */
    LOOKS_NUMBER, /* numbers, not all whole */
    LOOKS_TEXT,
} Looks;

Looks looks_of(const LogSample *sample, int column);
const char *looks_name(Looks looks);

#endif
