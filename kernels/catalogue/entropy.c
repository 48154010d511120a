/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy of the softmax over the catalogue, on the CPU. */
#include "catalogue/entropy.h"

#include "base/bf16.h"
#include "base/vecmath.h"
#include "catalogue/catalogue.h"
#include "catalogue/tiles.h"

typedef struct {
    const float *u, *weight, *logsumexp, *mean; /* of a block */
    float *did, *dbias;                         /* dbias may be NULL */
    int64_t rows;
} Block;

/* Scores of a tile become their gradient, in place. */
static void tile_gradient(const Block *b, float *z, int64_t width)
{
    for (int64_t i = 0; i < b->rows; i++, z += TILE) {
        const float weight = b->weight[i], logsumexp = b->logsumexp[i], mean = b->mean[i];
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
            z[j] = weight * vec_expf(z[j] - logsumexp) * (mean - z[j]);
    }
}

static void group_backward(const Tiles *t, const Block *b, int64_t group, float *du)
{
    for (int64_t tile = tiles_group_begin(t, group); tile < tiles_group_begin(t, group + 1);
         tile++) {
        float *g = tiles_scores(t, tile, b->u, b->rows, 1);
        tile_gradient(b, g, tiles_width(t, tile));
        tiles_backward(t, group, tile, g, b->u, b->rows, du, b->did, b->dbias);
    }
}

static void run_gradients(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor u,
                          const ItemTable *table, Tensor bias, Tensor weight, Tensor logsumexp,
                          Tensor mean)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    const Tiles t = tiles_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    float *partial = f32(SCRATCH(dev, F32, t.groups, t.block, dim));
    if (!device_runs(dev)) return;
    for (int64_t first = 0; first < rows; first += t.block) {
        const Block b = {
            .u = f32(queries) + first * dim,
            .weight = f32(weight) + first,
            .logsumexp = f32(logsumexp) + first,
            .mean = f32(mean) + first,
            .did = f32(did),
            .dbias = bias.data ? f32(dbias) : NULL,
            .rows = rows - first < t.block ? rows - first : t.block,
        };
#pragma omp parallel for schedule(dynamic, 1) num_threads(dev->threads)
        for (int64_t g = 0; g < t.groups; g++)
            group_backward(&t, &b, g, partial + g * t.block * dim);
        tiles_add_groups(&t, f32(du) + first * dim, partial, b.rows);
    }
}

void catalogue_entropy_given(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                             Tensor u, const ItemTable *table, Tensor bias, Tensor weight,
                             Tensor logsumexp, Tensor mean)
{
    const int64_t rows = u.dim[0], items = table->id.dim[0], dim = table->id.dim[1];
    EXPECT(u, activation_dtype(u), rows, dim);
    EXPECT(du, du.dtype == F32 ? F32 : u.dtype, rows, dim);
    EXPECT(did, F32, items, dim);
    EXPECT(loss, F32, rows);
    EXPECT(weight, F32, rows);
    EXPECT(logsumexp, F32, rows);
    EXPECT(mean, F32, rows);
    if (bias.data) EXPECT(dbias, F32, items);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev)) {
        catalogue_entropy_cuda(dev, loss, du, did, dbias, u, table, bias, weight, logsumexp, mean);
    } else {
        const Tensor to = bf16_wide_like(dev, du);
        run_gradients(dev, to, did, dbias, u, table, bias, weight, logsumexp, mean);
        bf16_round_into(dev, du, to);
        for (int64_t i = 0; device_runs(dev) && i < rows; i++)
            f32(loss)[i] = f32(weight)[i] * (f32(logsumexp)[i] - f32(mean)[i]);
    }
    scratch_release(dev, mark);
}

void catalogue_entropy(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias, Tensor u,
                       const ItemTable *table, Tensor bias, Tensor weight)
{
    const size_t mark = scratch_mark(dev);
    const Tensor logsumexp = SCRATCH(dev, F32, u.dim[0]), mean = SCRATCH(dev, F32, u.dim[0]);
    catalogue_stats(dev, (CatalogueStats){.logsumexp = logsumexp, .expectation = mean}, u, table,
                    bias, 1.0f);
    catalogue_entropy_given(dev, loss, du, did, dbias, u, table, bias, weight, logsumexp, mean);
    scratch_release(dev, mark);
}
