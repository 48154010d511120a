/* SPDX-License-Identifier: Apache-2.0 */
/* How much more often two items occur near each other than by chance: positive pointwise mutual
 * information of the pairs of a count table (Church and Hanks 1990; Levy, Goldberg and Dagan 2015).
 *
 *     M(x, y)   = F(x, y) + B(x, y)                        of the neighbours that the table keeps
 *     m(x)      = 4/3 weight(x)                            about the sum of M(x, y) over ALL y
 *     a[x, y]   = max(0, log( M(x, y) / m(x) / q(y) )) discount
 *     q(y)      = m(y)^power / sum over z of m(z)^power,   power = 0.75, which tempers what rare
 *                                                          items have in common
 *     discount  = M / (M + 1)  l / (l + 1),  l = min(m(x), m(y))     (Pantel and Lin 2002)
 *
 * weight(x) sums F + B / 2; the sums of F and of B over all neighbours are nearly the same, so 4/3
 * of it is about the sum of F + B.
 */
#ifndef SOUK_PMI_H
#define SOUK_PMI_H

#include "counts/table.h"

/* A square matrix in rows of a fixed number of places. */
typedef struct {
    int64_t rows, width;
    const int32_t *column; /* [rows, width] ascending; -1 behind the last */
    float *value;          /* [rows, width] */
} SparseRows;

/* `table` is in memory of the host; its `item` is the matrix's `column`, and must outlive it. The
 * same bits for any number of threads. */
Status pmi_open(SparseRows *a, const CountTable *table, int threads);
void pmi_close(SparseRows *a); /* safe on {0} */

#endif
