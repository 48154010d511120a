/* SPDX-License-Identifier: Apache-2.0 */
/* The inverse of a symmetric positive definite matrix of some ten thousand rows.
 *
 * A = L L' by Cholesky's method, in tiles of INVERSE_TILE rows. Then each block of columns of the
 * inverse is solved for by itself, L Y = E and L' X = Y, from its diagonal downwards: together n^3
 * multiplications and additions, as LAPACK's potrf and potri take. The products are OpenBLAS's, on
 * one thread each; the tiles and columns are shared among the threads. Every product has the same
 * shape and operands for any number of threads, so the result has the same bits.
 */
#ifndef SOUK_BARS_INVERSE_H
#define SOUK_BARS_INVERSE_H

#include <stdint.h>

#include "base/status.h"

enum { INVERSE_TILE = 256 };

/* a [n, n]: the lower triangle is that of A; it becomes L, and the upper one stays as it is.
 * inverse [n, n] gets both triangles, rounded to f32, and diagonal [n] its diagonal, not rounded.
 * Fails with ERR_FORMAT where A is not positive definite. */
Status inverse_of_spd(float *inverse, double *diagonal, double *a, int32_t n, int threads);

/* The same with inverse [n, n] in double. */
Status inverse_of_spd_f64(double *inverse, double *a, int32_t n, int threads);

/* The bytes that `threads` threads take beside the arguments. */
int64_t inverse_scratch(int32_t n, int threads);

#endif
