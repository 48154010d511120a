/* SPDX-License-Identifier: Apache-2.0 */
#include "bag.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/scratch.h"

static void check(Tensor y, Tensor table, const Bags *bags)
{
    const int64_t rows = table.dim[0], dim = table.dim[1], entries = bags->row.dim[0];
    EXPECT(table, F32, rows, dim);
    EXPECT(y, F32, y.dim[0], dim);
    EXPECT(bags->offset, I64, y.dim[0] + 1);
    EXPECT(bags->row, I32, entries);
    EXPECT(bags->at, I64, rows + 1);
    EXPECT(bags->bag, I32, entries);
}

static const int64_t *i64_of(Tensor t) { return t.data; }

static void forward_bag(float *restrict y, const float *table, const Bags *bags, int64_t b,
                        int64_t rows, int64_t dim)
{
    const int64_t first = i64_of(bags->offset)[b], end = i64_of(bags->offset)[b + 1];
    memset(y, 0, (size_t)dim * sizeof *y);
    for (int64_t j = first; j < end; j++) {
        const int32_t row = i32(bags->row)[j];
        REQUIRE(row >= 0 && row < rows, "bag %" PRId64 " has row %d, want one below %" PRId64, b,
                row, rows);
        const float *restrict from = table + row * dim;
        for (int64_t c = 0; c < dim; c++) y[c] += from[c];
    }
    const float scale = end > first ? 1.0f / sqrtf((float)(end - first)) : 0.0f;
    for (int64_t c = 0; c < dim; c++) y[c] *= scale;
}

void bag_forward(Device *dev, Tensor y, Tensor table, const Bags *bags)
{
    const int64_t rows = table.dim[0], dim = table.dim[1];
    check(y, table, bags);
    if (ON_CUDA(dev)) {
        bag_forward_cuda(dev, y, table, bags);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(dynamic, 256) num_threads(dev->threads)
    for (int64_t b = 0; b < y.dim[0]; b++)
        forward_bag(f32(y) + b * dim, f32(table), bags, b, rows, dim);
}

static void backward_row(float *restrict dtable, double *restrict sum, const float *dy,
                         const Bags *bags, int64_t r, int64_t dim)
{
    const int64_t *offset = i64_of(bags->offset), *at = i64_of(bags->at);
    memset(sum, 0, (size_t)dim * sizeof *sum);
    for (int64_t j = at[r]; j < at[r + 1]; j++) {
        const int32_t b = i32(bags->bag)[j];
        const float *restrict from = dy + b * dim;
        const double scale = 1.0 / sqrt((double)(offset[b + 1] - offset[b]));
        for (int64_t c = 0; c < dim; c++) sum[c] += scale * from[c];
    }
    for (int64_t c = 0; c < dim; c++) dtable[r * dim + c] += (float)sum[c];
}

void bag_backward(Device *dev, Tensor dtable, Tensor dy, const Bags *bags)
{
    const int64_t rows = dtable.dim[0], dim = dtable.dim[1];
    check(dy, dtable, bags);
    if (ON_CUDA(dev)) {
        bag_backward_cuda(dev, dtable, dy, bags);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor sums = SCRATCH(dev, F64, dev->threads, dim);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for schedule(dynamic, 256) num_threads(dev->threads)
    for (int64_t r = 0; r < rows; r++)
        backward_row(f32(dtable), (double *)sums.data + omp_get_thread_num() * dim, f32(dy), bags,
                     r, dim);
    scratch_release(dev, mark);
}
