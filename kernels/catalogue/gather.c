/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/gather.h"

#include <omp.h>

#include "base/bf16.h"
#include "embedding.h"

/* The vectors of a table's rows. `space`: dim elements for each thread, where the items have
 * features. */
typedef struct {
    const ItemTable *table;
    Tensor space;
} Vectors;

static Vectors vectors_of(Device *dev, const ItemTable *table)
{
    Vectors v = {.table = table};
    if (!items_are_ids(table)) v.space = SCRATCH(dev, F32, dev->threads, 1, table->id.dim[1]);
    return v;
}

/* Valid in this thread until its next call. */
static const float *vector_at(const Vectors *v, int32_t row)
{
    const int64_t dim = v->table->id.dim[1];
    if (!v->space.data) return f32(v->table->id) + row * dim;
    float *own = f32(v->space) + omp_get_thread_num() * dim;
    return f32(items_range(v->table, row, 1, TENSOR(own, F32, 1, dim)));
}

/* The rows of the table, [rows, k], and -1 where there is no such item. */
static Tensor rows_of(Device *dev, const ItemTable *table, Tensor ids)
{
    const Tensor row = items_rows(dev, table, TENSOR(ids.data, I32, tensor_count(ids)));
    return TENSOR(row.data, I32, ids.dim[0], ids.dim[1]);
}

static int32_t checked_row(const ItemTable *table, Tensor row, int64_t i, int64_t j)
{
    const int32_t at = i32(row)[i * row.dim[1] + j];
    REQUIRE(at < table->id.dim[0],
            "gather: ids[%" PRId64 ", %" PRId64 "] = %d, want below %" PRId64 " items", i, j, at,
            table->id.dim[0]);
    return at;
}

static float dot(const float *restrict a, const float *restrict b, int64_t count)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < count; c++) sum += a[c] * b[c];
    return sum;
}

static void add_scaled(float *restrict to, float scale, const float *restrict x, int64_t count)
{
#pragma omp simd
    for (int64_t c = 0; c < count; c++) to[c] += scale * x[c];
}

void catalogue_gather(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                      Tensor ids)
{
    const int64_t rows = u.dim[0], dim = table->id.dim[1], k = score.dim[1];
    EXPECT(u, activation_dtype(u), rows, dim);
    EXPECT(ids, I32, rows, k);
    EXPECT(score, F32, rows, k);
    if (bias.data) EXPECT(bias, F32, table->id.dim[0]);
    const size_t mark = scratch_mark(dev);
    const Tensor row = rows_of(dev, table, ids);
    if (ON_CUDA(dev)) {
        catalogue_gather_cuda(dev, score, u, table, bias, row);
        scratch_release(dev, mark);
        return;
    }
    const Vectors vectors = vectors_of(dev, table);
    const Tensor queries = bf16_widen(dev, u);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < k; j++) {
            const int32_t at = checked_row(table, row, i, j);
            float z = 0.0f;
            if (at >= 0) z = dot(f32(queries) + i * dim, vector_at(&vectors, at), dim);
            if (at >= 0 && bias.data) z += f32(bias)[at];
            f32(score)[i * k + j] = z;
        }
    scratch_release(dev, mark);
}

static void add_du(Device *dev, Tensor du, Tensor g, const ItemTable *table, Tensor row)
{
    const int64_t rows = row.dim[0], k = row.dim[1], dim = table->id.dim[1];
    const size_t mark = scratch_mark(dev);
    const Vectors vectors = vectors_of(dev, table);
    const Tensor to = bf16_widen(dev, du);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < k; j++) {
            const int32_t at = checked_row(table, row, i, j);
            if (at >= 0)
                add_scaled(f32(to) + i * dim, f32(g)[i * k + j], vector_at(&vectors, at), dim);
        }
    bf16_round_into(dev, du, to);
    scratch_release(dev, mark);
}

void catalogue_gather_backward(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g, Tensor u,
                               const ItemTable *table, Tensor ids)
{
    const int64_t rows = u.dim[0], items = table->id.dim[0], dim = table->id.dim[1], k = g.dim[1];
    EXPECT(u, activation_dtype(u), rows, dim);
    EXPECT(du, du.dtype == F32 ? F32 : u.dtype, rows, dim);
    if (did.data) EXPECT(did, F32, items, dim);
    EXPECT(ids, I32, rows, k);
    EXPECT(g, F32, rows, k);
    const size_t mark = scratch_mark(dev);
    const Tensor row = rows_of(dev, table, ids);
    if (ON_CUDA(dev))
        catalogue_gather_du_cuda(dev, du, g, table, row);
    else
        add_du(dev, du, g, table, row);
    if (did.data)
        embedding_scatter(dev, did, dbias, u, g, row);
    else if (dbias.data)
        embedding_backward(dev, TENSOR(dbias.data, F32, items, 1), TENSOR(g.data, F32, rows * k, 1),
                           TENSOR(row.data, I32, rows * k));
    scratch_release(dev, mark);
}
