/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each column of a log. */
#ifndef SOUK_DETECT_USES_H
#define SOUK_DETECT_USES_H

#include "data/rawlog/format/format.h"

typedef struct {
    char name[NAME_MAX_BYTES];
    char use[160];  /* "user", "items.price, events.price"; "": not used */
    char why[120];  /* why not, where its name is a common one; else "" */
    bool detected;  /* by its name: the mapping does not name it */
    bool is_mapped; /* the mapping named it before anything was detected */
} ColumnUse;

typedef struct {
    int count;
    ColumnUse column[LOG_COLUMNS_MAX];
} ColumnUses;

/* The columns of the first file, and which of them the mapping names. */
void uses_begin(ColumnUses *uses, const Mapping *m, const LogColumns *columns);
/* What the mapping takes from each column, once it is complete. */
void uses_finish(ColumnUses *uses, const Mapping *m);
/* Columns of another file of the log that are not among those of the first one. */
void uses_add(ColumnUses *uses, const LogColumns *columns);

/* The columns that were detected, and those that are not used, in a line of `out` [size]. */
void uses_describe(const ColumnUses *uses, char *out, size_t size);

#endif
