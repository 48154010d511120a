/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spectral/eigen.h"

#include <inttypes.h>
#include <lapacke.h>

Status eigen_symmetric(double *a, double *value, int64_t n)
{
    const lapack_int size = (lapack_int)n;
    /* LAPACK's columns are our rows. */
    const lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', size, a, size, value);
    if (info == 0) return OK;
    if (info == LAPACK_WORK_MEMORY_ERROR)
        return FAIL(ERR_MEMORY, "no memory for the eigenvectors of %" PRId64 " numbers", n);
    return FAIL(ERR_FORMAT, "LAPACK finds no eigenvectors of a matrix of %" PRId64 " rows: info %d",
                n, (int)info);
}
