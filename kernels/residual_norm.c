/* SPDX-License-Identifier: Apache-2.0 */
#include "residual_norm.h"

#include "rmsnorm.h"

void residual_norm(Device *dev, Tensor n, Tensor rstd, Tensor x, Tensor y, Tensor residual,
                   Tensor w, float eps, Dropout d)
{
    const int64_t rows = x.dim[0], dim = x.dim[1];
    const Dtype dtype = activation_dtype(x);
    EXPECT(n, dtype, rows, dim);
    EXPECT(x, dtype, rows, dim);
    EXPECT(y, dtype, rows, dim);
    if (residual.data) EXPECT(residual, dtype, rows, dim);
    EXPECT(w, F32, dim);
    EXPECT(rstd, F32, rows);
    dropout_expect(&d);
    if (ON_CUDA(dev)) {
        residual_norm_cuda(dev, n, rstd, x, y, residual, w, eps, d);
        return;
    }
    dropout_add(dev, x, y, residual, d);
    rmsnorm_forward(dev, n, rstd, x, w, eps);
}
