/* SPDX-License-Identifier: Apache-2.0 */
/* P = (D + X'X)^-1 for a sparse matrix X of zeros and ones and a diagonal matrix D > 0.
 *
 * With n columns and u rows there are two ways, and gram_invert takes the one with fewer
 * operations:
 *
 *   by columns   Cholesky's method on D + X'X: n^3 multiplications and additions
 *   by rows      P = D^-1 - D^-1 X' (I + X D^-1 X')^-1 X D^-1 (Sherman, Morrison and Woodbury;
 *                Golub and Van Loan 2013, 2.1.4): u^3, and (u + n) for each one in X
 *
 * All is computed in double. The subtraction of the second way cancels at most as many digits as D
 * is smaller than the diagonal of D + X'X, some three of the sixteen. The results have the same
 * bits for any number of threads.
 */
#ifndef SOUK_BARS_GRAM_H
#define SOUK_BARS_GRAM_H

#include <stdint.h>

#include "base/status.h"

typedef struct {
    int32_t rows, columns;
    /* Row r has ones in the columns one[first[r]] .. one[first[r+1]-1], all different. */
    const int64_t *first; /* [rows+1] */
    const int32_t *one;
    const double *diagonal; /* [columns] D */
} Gram;

/* inverse [columns, columns] gets P rounded to f32, and diagonal [columns] the diagonal of P, not
 * rounded. */
Status gram_invert(float *inverse, double *diagonal, const Gram *g, int threads);

/* Bytes that gram_invert takes beside its arguments; g->one and g->diagonal are not read. */
int64_t gram_scratch(const Gram *g, int threads);

#endif
