/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/tiles.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/bf16.h"
#include "gemm.h"

enum { BLOCK = 256, BLOCK_MIN = 128 };

/* Rows of the largest block whose scores fit TILES_KEEP_BYTES; 0 where that is below BLOCK_MIN:
 * then nothing is kept, and blocks have BLOCK rows. */
static int64_t kept_block(int64_t tiles)
{
    const int64_t fits = TILES_KEEP_BYTES / (tiles * TILE * (int64_t)sizeof(float));
    if (fits < BLOCK_MIN) return 0;
    return fits < BLOCK ? fits / 64 * 64 : BLOCK;
}

Tiles tiles_walk(Device *dev, const ItemTable *table, Tensor bias, Dtype queries)
{
    Tiles t = {.table = table,
               .items = table->id.dim[0],
               .dim = table->id.dim[1],
               .threads = dev->threads};
    REQUIRE(t.items > 0, "the catalogue is empty");
    if (bias.data) {
        EXPECT(bias, F32, t.items);
        t.bias = f32(bias);
    }
    t.tiles = (t.items + TILE - 1) / TILE;
    t.groups = t.tiles < GROUPS ? t.tiles : GROUPS;
    t.rounds = queries == BF16;
    if (!items_are_ids(table) || t.rounds) t.vectors = SCRATCH(dev, F32, t.threads, TILE, t.dim);
    return t;
}

Tiles tiles_plan(Device *dev, const ItemTable *table, Tensor bias, int64_t rows, Dtype queries)
{
    Tiles t = tiles_walk(dev, table, bias, queries);
    const int64_t kept = kept_block(t.tiles);
    t.keep = kept > 0;
    t.block = t.keep ? kept : BLOCK;
    if (t.block > rows) t.block = rows;
    t.scores = SCRATCH(dev, F32, t.keep ? t.tiles : t.threads, t.block, TILE);
    return t;
}

const float *tiles_vectors(const Tiles *t, int64_t tile)
{
    Tensor space = {0};
    if (t->vectors.data)
        space = TENSOR(f32(t->vectors) + omp_get_thread_num() * TILE * t->dim, F32, TILE, t->dim);
    const Tensor rows = items_range(t->table, tiles_first(t, tile), tiles_width(t, tile), space);
    if (!t->rounds) return f32(rows);
    const int64_t count = tensor_count(rows);
#pragma omp simd
    for (int64_t i = 0; i < count; i++) f32(space)[i] = bf16_rounded(f32(rows)[i]);
    return f32(space);
}

float *tiles_scores(const Tiles *t, int64_t tile, const float *u, int64_t rows, int pass)
{
    const int64_t slot = t->keep ? tile : omp_get_thread_num(), width = tiles_width(t, tile);
    float *z = f32(t->scores) + slot * t->block * TILE;
    if (pass == 2 && t->keep) return z;
    gemm_tile(z, TILE, u, t->dim, tiles_vectors(t, tile), t->dim, rows, width, t->dim, GEMM_NT);
    if (!t->bias) return z;
    const float *restrict bias = t->bias + tiles_first(t, tile);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++) z[i * TILE + j] += bias[j];
    return z;
}

void tiles_exclude(const Exclusion *exclusion, int64_t row, float *z, int64_t item, int64_t width,
                   int32_t spared)
{
    if (!exclusion->offset) return;
    const int64_t end = exclusion->offset[row + 1];
    for (int64_t k = exclusion_from(exclusion, row, item); k < end; k++) {
        const int32_t excluded = exclusion->item[k];
        if (excluded >= item + width) break;
        if (excluded != spared) z[excluded - item] = -INFINITY;
    }
}

float tiles_row_max(const float *z, int64_t width)
{
    float max = -INFINITY;
#pragma omp simd reduction(max : max)
    for (int64_t j = 0; j < width; j++) max = z[j] > max ? z[j] : max;
    return max;
}

static void round_tile(float *g, int64_t rows, int64_t width)
{
    for (int64_t i = 0; i < rows; i++)
#pragma omp simd
        for (int64_t j = 0; j < width; j++) g[i * TILE + j] = bf16_rounded(g[i * TILE + j]);
}

static void add_columns(float *restrict dbias, const float *g, int64_t rows, int64_t width)
{
    float sum[TILE] = {0};
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < width; j++) sum[j] += g[i * TILE + j];
    for (int64_t j = 0; j < width; j++) dbias[j] += sum[j];
}

void tiles_backward(const Tiles *t, int64_t group, int64_t tile, float *g, const float *u,
                    int64_t rows, float *du, float *did, float *dbias)
{
    const int64_t dim = t->dim, first = tiles_first(t, tile), width = tiles_width(t, tile);
    if (t->rounds) round_tile(g, rows, width);
    if (dbias) add_columns(dbias + first, g, rows, width);
    if (did) gemm_tile(did + first * dim, dim, g, TILE, u, dim, width, dim, rows, GEMM_ADD_TN);
    gemm_tile(du, dim, g, TILE, tiles_vectors(t, tile), dim, rows, dim, width,
              (GemmOptions){.accumulate = tile > tiles_group_begin(t, group)});
}

void tiles_add_groups(const Tiles *t, float *du, const float *groups, int64_t rows)
{
    const int64_t size = t->block * t->dim;
#pragma omp parallel for schedule(static) num_threads(t->threads)
    for (int64_t i = 0; i < rows; i++) {
        float *restrict to = du + i * t->dim;
        memcpy(to, groups + i * t->dim, (size_t)t->dim * sizeof *to);
        for (int64_t g = 1; g < t->groups; g++) {
            const float *restrict p = groups + g * size + i * t->dim;
            for (int64_t c = 0; c < t->dim; c++) to[c] += p[c];
        }
    }
}
