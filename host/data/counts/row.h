/* SPDX-License-Identifier: Apache-2.0 */
/* One row of a count table under construction: exact sums for every neighbour, and the choice of
 * the neighbours that are kept. */
#ifndef SOUK_COUNTS_ROW_H
#define SOUK_COUNTS_ROW_H

#include "base/status.h"
#include "counts/pair.h"

/* Sums in units of 1/COUNT_UNITS; `next` is a number of pairs. */
typedef struct {
    int64_t after, before, next;
} PairSums;

typedef struct {
    PairSums *sum;   /* [items]; 0 for all but those of `met` */
    int32_t *met;    /* [items] the neighbours, as they were met first; */
    int64_t count;   /*    so many */
    int64_t *weight; /* [width] while choosing: 2 F + B of those that are kept so far, a heap */
    int32_t *kept;   /* [width] and their items */
    int32_t width;
} CountRow;

/* The bytes that a row takes. */
size_t row_bytes(int64_t items, int64_t width);
Status row_open(CountRow *r, int64_t items, int64_t width);
void row_close(CountRow *r); /* safe on {0} */

/* Adds the pairs of one occurrence of the row's item with the events around it, up to COUNT_GAP
 * away: at[1], at[2], ... and at[-1], at[-2], ..., each up to the first whose item is -1. */
void row_add(CountRow *r, const PairUnits *units, const PairEvent *at);

/* Writes row `x` of the table (of the host), but for its popularity, and empties the row. Kept are
 * the `width` neighbours with the largest F + B / 2, of equal ones the lower items. The numbers are
 * the exact sums, rounded once. */
void row_write(CountRow *r, const CountTable *table, int64_t x);

#endif
