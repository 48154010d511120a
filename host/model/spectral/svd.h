/* SPDX-License-Identifier: Apache-2.0 */
/* The largest singular values of a sparse square matrix A ~ U S V^T and the left vectors, by a
 * randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4):
 *
 *     Y = orth(A G), G [rows, rank + 8] standard normal;  twice: X = orth(A^T Y), Y = orth(A X)
 *     B = A^T Y;   the eigenvectors W of B^T B give U = Y W and S^2
 *
 * Vectors are orthogonalised through the eigenvectors of their inner products, which are summed in
 * double; directions that rounding would make up are set to 0. So where A has fewer than `rank`
 * singular values above 1e-5 of the largest, the rest are 0.
 *
 * Memory: two arrays [rows, rank + 8] of floats. The same bits for any number of threads: each
 * number is a sum of one thread in a fixed order.
 */
#ifndef SOUK_SVD_H
#define SOUK_SVD_H

#include "base/progress.h"
#include "model/spectral/pmi.h"

enum { SVD_MORE = 8, SVD_PASSES = 6 };

/* U sqrt(S) into *vectors [rows, rank], which is allocated here, and S into value [rank],
 * descending. The function reports to `progress` after each of its SVD_PASSES products, and stops
 * where progress says so. */
Status svd_scaled(float **vectors, float *value, const SparseRows *a, int64_t rank, uint64_t seed,
                  int threads, Progress *progress);

#endif
