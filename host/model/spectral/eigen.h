/* SPDX-License-Identifier: Apache-2.0 */
/* Eigenvectors of a symmetric matrix, by LAPACK. */
#ifndef SOUK_EIGEN_H
#define SOUK_EIGEN_H

#include <stdint.h>

#include "base/status.h"

/* a [n, n] symmetric: the upper triangle of the row-major matrix is read. On return row i of `a` is
 * the unit eigenvector of value[i]; the values ascend. */
Status eigen_symmetric(double *a, double *value, int64_t n);

#endif
