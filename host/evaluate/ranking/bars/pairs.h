/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted counts of pairs of items inside histories, sparse.
 *
 *   w[x][y] = ( sum of forward[g] over the occurrences of x with y g events later
 *             + sum of backward[g] over the occurrences of x with y g events EARLIER ) / divisor
 *
 * with 1 <= g <= window, both events in the same train history.
 *
 * The weights are integers, so sums below 2^53 are exact in any order; the division is the only
 * rounding. A pair of an item with itself (x == y) counts as any other.
 *
 * Rows are compressed; within a row items ascend. There are at most 2 window entries per train
 * event, 12 bytes each, and far fewer in real logs, where pairs repeat. Counting needs another 16
 * bytes per train event, and 12 bytes per item and thread. The same bits for any number of threads.
 */
#ifndef SOUK_PAIRS_H
#define SOUK_PAIRS_H

#include "evaluate/ranking/histories.h"

enum { PAIR_WINDOW_MAX = 20 };

typedef struct {
    int window; /* 1 .. PAIR_WINDOW_MAX */
    /* [gap], >= 0; entry 0 is unused. */
    int64_t forward[PAIR_WINDOW_MAX + 1], backward[PAIR_WINDOW_MAX + 1];
    double divisor;
} PairWeights;

typedef struct {
    int32_t items;
    int64_t *offset; /* [items+1] */
    int32_t *item;   /* [entries] y */
    double *weight;  /* [entries] w[x][y] > 0 */
} PairTable;

Status pairs_count(PairTable *t, const Histories *h, const PairWeights *weights, int threads);
void pairs_close(PairTable *t); /* safe on {0} */

#endif
