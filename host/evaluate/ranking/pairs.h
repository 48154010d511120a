/* Weighted counts of pairs of items inside histories, sparse.
 *
 *   w[x][y] = ( sum over occurrences of x, then y g events later in one train history, g <= window,
 *               of forward[g]
 *             + the same with y g events EARLIER, of backward[g] ) / divisor
 *
 * The weights are integers, so sums are exact below 2^53 in any order; the one rounding is the
 * division. A pair with itself (x == y) counts as any other.
 *
 * Rows are compressed; within a row items ascend. Entries: at most 2 window
 * a train event, 12 bytes each, and in real logs far fewer, since pairs repeat; while building 16
 * bytes a train event and 12 bytes an item and thread. The same bits for any number of threads.
 */
#ifndef SOUK_PAIRS_H
#define SOUK_PAIRS_H

#include "evaluate/ranking/histories.h"

enum { PAIR_WINDOW_MAX = 20 };

typedef struct {
    int window; /* 1 .. PAIR_WINDOW_MAX */
    int64_t forward[PAIR_WINDOW_MAX + 1],
        backward[PAIR_WINDOW_MAX + 1]; /* [gap], >= 0; [0] unused */
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
