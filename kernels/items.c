/* SPDX-License-Identifier: Apache-2.0 */
/* The item encoder on the CPU. */
#include "items.h"

#include <inttypes.h>
#include <string.h>

#include "base/bf16.h"
#include "embedding.h"
#include "gemm.h"

static void check(const ItemTable *table)
{
    const int64_t items = table->id.dim[0], dim = table->id.dim[1];
    EXPECT(table->id, F32, items, dim);
    if (table->text.data) EXPECT(table->text, F32, items, dim);
    if (table->category.data) {
        EXPECT(table->category, I32, items, table->category.dim[1]);
        EXPECT(table->category_table, F32, table->category_table.dim[0], dim);
    }
    if (table->kept.data) {
        EXPECT(table->kept, F32, items);
        REQUIRE(!items_are_ids(table), "ids are left out of %" PRId64 " items without features",
                items);
    }
    if (table->numeric.data) {
        EXPECT(table->numeric, F32, items, table->numeric.dim[1]);
        EXPECT(table->numeric_weight, F32, table->numeric.dim[1], dim);
    }
}

static void encode(float *restrict y, const ItemTable *table, int64_t item)
{
    const int64_t dim = table->id.dim[1];
    if (table->kept.data && f32(table->kept)[item] == 0.0f)
        memset(y, 0, (size_t)dim * sizeof *y);
    else
        memcpy(y, f32(table->id) + item * dim, (size_t)dim * sizeof *y);
    if (table->text.data) {
        const float *restrict t = f32(table->text) + item * dim;
        for (int64_t d = 0; d < dim; d++) y[d] += t[d];
    }
    const int64_t kinds = table->category.data ? table->category.dim[1] : 0;
    for (int64_t k = 0; k < kinds; k++) {
        const int64_t row = i32(table->category)[item * kinds + k];
        const float *restrict c = f32(table->category_table) + row * dim;
        for (int64_t d = 0; d < dim; d++) y[d] += c[d];
    }
    const int64_t features = table->numeric.data ? table->numeric.dim[1] : 0;
    for (int64_t f = 0; f < features; f++) {
        const float value = f32(table->numeric)[item * features + f];
        const float *restrict w = f32(table->numeric_weight) + f * dim;
        for (int64_t d = 0; d < dim; d++) y[d] += value * w[d];
    }
}

/* ---- Shards ---------------------------------------------------------------------------------- */

static int32_t row_of(const ItemTable *table, int32_t id)
{
    REQUIRE(id < items_total(table), "item %d, want one below %" PRId64, id, items_total(table));
    const int64_t row = id - table->first;
    return id < 0 || row < 0 || row >= table->id.dim[0] ? -1 : (int32_t)row;
}

Tensor items_rows(Device *dev, const ItemTable *table, Tensor ids)
{
    EXPECT(ids, I32, ids.dim[0]);
    if (items_are_all(table)) return ids;
    const Tensor row = SCRATCH(dev, I32, ids.dim[0]);
    if (ON_CUDA(dev))
        items_rows_cuda(dev, row, table, ids);
    else
        for (int64_t i = 0; device_runs(dev) && i < ids.dim[0]; i++)
            i32(row)[i] = row_of(table, i32(ids)[i]);
    return row;
}

void items_mask(Device *dev, Tensor x, const ItemTable *table, Tensor ids)
{
    EXPECT(ids, I32, ids.dim[0]);
    EXPECT(x, F32, ids.dim[0]);
    if (items_are_all(table)) return;
    if (ON_CUDA(dev))
        items_mask_cuda(dev, x, table, ids);
    else
        for (int64_t i = 0; device_runs(dev) && i < ids.dim[0]; i++)
            if (i32(ids)[i] >= 0 && row_of(table, i32(ids)[i]) < 0) f32(x)[i] = 0.0f;
}

/* ---- Vectors --------------------------------------------------------------------------------- */

void items_gather(Device *dev, Tensor y, const ItemTable *table, Tensor ids)
{
    const int64_t rows = ids.dim[0], dim = table->id.dim[1];
    check(table);
    EXPECT(y, activation_dtype(y), rows, dim);
    const size_t mark = scratch_mark(dev);
    const Tensor row = items_rows(dev, table, ids);
    if (ON_CUDA(dev)) {
        items_gather_cuda(dev, y, table, row);
        scratch_release(dev, mark);
        return;
    }
    const Tensor to = bf16_wide_like(dev, y);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++)
        if (i32(row)[i] >= 0)
            encode(f32(to) + i * dim, table, i32(row)[i]);
        else
            memset(f32(to) + i * dim, 0, (size_t)dim * sizeof(float));
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

Tensor items_range(const ItemTable *table, int64_t first, int64_t rows, Tensor space)
{
    if (items_are_ids(table)) return tensor_rows(table->id, first, rows);
    const int64_t dim = table->id.dim[1];
    for (int64_t i = 0; i < rows; i++) encode(f32(space) + i * dim, table, first + i);
    return tensor_rows(space, 0, rows);
}

void items_gather_backward(Device *dev, Tensor did, Tensor dy, const ItemTable *table, Tensor ids)
{
    const size_t mark = scratch_mark(dev);
    embedding_backward(dev, did, dy, items_rows(dev, table, ids));
    scratch_release(dev, mark);
}

static void category_backward(Device *dev, Tensor dtable, Tensor did, Tensor category)
{
    const int64_t items = category.dim[0], kinds = category.dim[1];
    const size_t mark = scratch_mark(dev);
    Tensor rows = SCRATCH(dev, I32, items);
    for (int64_t k = 0; k < kinds; k++) {
        if (ON_CUDA(dev))
            items_column_cuda(dev, rows, category, k);
        else
            for (int64_t i = 0; device_runs(dev) && i < items; i++)
                i32(rows)[i] = i32(category)[i * kinds + k];
        embedding_backward(dev, dtable, did, rows);
    }
    scratch_release(dev, mark);
}

void items_features_backward(Device *dev, Tensor dcategory_table, Tensor dnumeric_weight,
                             Tensor did, const ItemTable *table)
{
    check(table);
    EXPECT(did, F32, table->id.dim[0], table->id.dim[1]);
    if (table->category.data) category_backward(dev, dcategory_table, did, table->category);
    if (table->numeric.data) gemm(dev, dnumeric_weight, table->numeric, did, GEMM_ADD_TN);
}
