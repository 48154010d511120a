/* SPDX-License-Identifier: Apache-2.0 */
/* How a CSV log separates and quotes its fields, seen from its first lines. */
#ifndef SOUK_DETECT_DIALECT_H
#define SOUK_DETECT_DIALECT_H

#include "data/rawlog/rows.h"

/* The delimiter is the mapping's, or the one of comma, tab, ; | and :: of which each of the first
 * ten lines has most; where none is in all of them, the one of which the first line has most; a
 * blank where the line has none of them. Fields are quoted as the mapping says, else everywhere but
 * in a tab-separated log without quotes in its first line. */
Dialect dialect_of(const Mapping *m, const char *at, size_t length);

#endif
