/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of what followed what in the histories of the log: one row an item, with the neighbours y
 * of item x that keep the most weight F(x, y) + B(x, y) / 2, ascending by item.
 *
 * Pairs are counted in the order of a user's counted events; y = x counts too. A pair with g - 1
 * events between the two weighs 1/g, and less where time passes (pair.h). Sums of weights are made
 * exactly, in integers (multiples of 1/COUNT_UNITS), and rounded once to f32.
 */
#ifndef SOUK_COUNTS_TABLE_H
#define SOUK_COUNTS_TABLE_H

#include "base/tensor.h"

typedef struct {
    Tensor item;       /* i32 [items, width] ascending; unused places, at the end, are -1 */
    Tensor next;       /* f32 [items, width] n1(x, y): how often y came directly after x */
    Tensor after;      /* f32 [items, width] F(x, y): sum of the weights of the pairs with y at
                          g <= COUNT_GAP events after x */
    Tensor before;     /* f32 [items, width] B(x, y) = F(y, x) */
    Tensor popularity; /* f32 [items] counted events of x */
    Tensor weight;     /* f32 [items] sum over ALL y of F(x, y) + B(x, y) / 2 (not only the kept
                          ones) */
} CountTable;

/* The largest gap g of a pair, and the least common multiple of all gaps. */
enum { COUNT_GAP = 20, COUNT_UNITS = 232792560 };
/* How many of its last events a state looks up in the table, and how many it may repeat. */
enum { COUNT_HISTORY = 20, COUNT_REPEATS = 50 };

#endif
