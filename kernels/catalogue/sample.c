/* SPDX-License-Identifier: Apache-2.0 */
/* A draw from the softmax over the catalogue, on the CPU. */
#include "catalogue/sample.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/bf16.h"
#include "base/rng.h"
#include "base/vecmath.h"
#include "catalogue/merge.h"
#include "catalogue/tiles.h"

enum { WORDS = 4, CHUNK = 64 };

static RowDraw no_draw(int64_t first)
{
    return (RowDraw){.max = -FLT_MAX, .key = -INFINITY, .score = -FLT_MAX, .item = (int32_t)first};
}

/* -log(1 - v), accurate for v near 0 too (Kahan): log(w) v / (1 - w), with w = 1 - v as it is
 * rounded. */
static inline float exponential(uint32_t word)
{
    const float most = 1.0f - 0x1p-24f, uniform = ((float)word + 0.5f) * 0x1p-32f;
    const float v = uniform < most ? uniform : most;
    const float w = 1.0f - v, below = 1.0f - w;
    return below > 0.0f ? -vec_logf(w) * (v / below) : v;
}

typedef struct {
    uint64_t seed, stream, step;
    float scale;
} Noise;

static float key_of(const Noise *n, float z, uint32_t word)
{
    return z * n->scale - vec_logf(exponential(word));
}

float catalogue_sample_key(const SampleOptions *o, int64_t stream, int32_t item, float z)
{
    const Noise noise = {o->seed, (uint64_t)stream, (uint64_t)o->step, 1.0f / o->temperature};
    const Philox p = philox(noise.seed, noise.stream, (noise.step << 32) + (uint64_t)item / WORDS);
    return key_of(&noise, z, p.word[item % WORDS]);
}

/* A key above `key` needs v < exp(z scale - key), as -log(-log(1 - v)) < -log v: so the logarithms
 * are computed for a few items only. With share = exp((z - max) scale), which the softmax needs
 * anyway, the condition is v / share < exp(max scale - key). most_of is that bound, with a margin
 * for the rounding of keys to f32. */
static float most_of(const RowDraw *d, float scale)
{
    const double top = (double)d->max * scale, margin = 0x1p-10 + 0x1p-20 * fabs(top);
    return (float)exp(fmin(top - (double)d->key + margin, 80.0));
}

/* The best key of items first .. first + width - 1, at most CHUNK of them. */
static void add_keys(RowDraw *d, const Noise *n, const float *z, const float *share, int64_t first,
                     int64_t width)
{
    uint32_t word[CHUNK];
    const uint64_t counter = (n->step << 32) + (uint64_t)first / WORDS;
    const float most = most_of(d, n->scale) * 0x1p32f;
    if (!(tiles_row_max(share, width) * most > 0.5f)) return;
    for (int64_t q = 0; q < (width + WORDS - 1) / WORDS; q++) {
        const Philox p = philox(n->seed, n->stream, counter + (uint64_t)q);
        for (int k = 0; k < WORDS; k++) word[q * WORDS + k] = p.word[k];
    }
    int32_t near = 0;
#pragma omp simd reduction(+ : near)
    for (int64_t j = 0; j < width; j++) near += (float)word[j] + 0.5f < share[j] * most;
    for (int64_t j = 0; near > 0 && j < width; j++) {
        if (!((float)word[j] + 0.5f < share[j] * most)) continue;
        const float key = key_of(n, z[j], word[j]);
        near--;
        if (!(key > d->key)) continue;
        d->key = key;
        d->score = z[j];
        d->item = (int32_t)(first + j);
    }
}

static void add_tile(RowDraw *d, const Noise *n, const float *z, int64_t first, int64_t width)
{
    const float max = tiles_row_max(z, width), scale = n->scale;
    float share[TILE];
    if (max > d->max) {
        d->sum *= exp((double)(d->max - max) * scale);
        d->max = max;
    }
    float sum = 0.0f;
    const float top = d->max;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < width; j++) sum += share[j] = vec_expf((z[j] - top) * scale);
    d->sum += sum;
    for (int64_t j = 0; j < width; j += CHUNK)
        add_keys(d, n, z + j, share + j, first + j, width - j < CHUNK ? width - j : CHUNK);
}

typedef struct {
    const Tiles *tiles;
    const float *u;        /* of the block */
    const int64_t *stream; /* of the block; NULL: first_row + i */
    int64_t first_row, rows;
    Exclusion exclusion;
    uint64_t seed, step;
    float scale;
} Block;

/* Draws of a block: draw [groups, block]. */
static void block_draws(const Block *b, RowDraw *draw)
{
    const Tiles *t = b->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        RowDraw *d = draw + g * t->block;
        for (int64_t i = 0; i < b->rows; i++)
            d[i] = no_draw(tiles_item(t, tiles_group_begin(t, g)));
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const int64_t first = tiles_item(t, tile), width = tiles_width(t, tile);
            float *z = tiles_scores(t, tile, b->u, b->rows, 1);
            for (int64_t i = 0; i < b->rows; i++, z += TILE) {
                const int64_t stream = b->stream ? b->stream[i] : b->first_row + i;
                tiles_exclude(&b->exclusion, i, z, first, width, -1);
                const Noise noise = {b->seed, (uint64_t)stream, b->step, b->scale};
                add_tile(&d[i], &noise, z, first, width);
            }
        }
    }
}

/* Combine the groups of row i, in order. */
static RowDraw merge_groups(const Tiles *t, const RowDraw *draw, int64_t i, float scale)
{
    RowDraw all = draw[i];
    for (int64_t g = 1; g < t->groups; g++) {
        const RowDraw *d = &draw[g * t->block + i];
        if (d->key > all.key) {
            all.key = d->key;
            all.score = d->score;
            all.item = d->item;
        }
        const float max = d->max > all.max ? d->max : all.max;
        all.sum = all.sum * exp((double)(all.max - max) * scale) +
                  d->sum * exp((double)(d->max - max) * scale);
        all.max = max;
    }
    return all;
}

static void run(Device *dev, RowDraw *to, Tensor u, const ItemTable *table, Tensor bias,
                const SampleOptions *o)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    const Tiles t = tiles_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    RowDraw *draw = SCRATCH(dev, U8, t.groups, t.block, (int64_t)sizeof(RowDraw)).data;
    if (!device_runs(dev)) return;
    Block b = {
        .tiles = &t, .seed = o->seed, .step = (uint64_t)o->step, .scale = 1.0f / o->temperature};
    for (b.first_row = 0; b.first_row < rows; b.first_row += t.block) {
        b.rows = rows - b.first_row < t.block ? rows - b.first_row : t.block;
        b.u = f32(queries) + b.first_row * dim;
        b.stream = o->stream.data ? (const int64_t *)o->stream.data + b.first_row : NULL;
        b.exclusion = tiles_exclusion_after(o->exclusion, b.first_row);
        block_draws(&b, draw);
        for (int64_t i = 0; i < b.rows; i++)
            to[b.first_row + i] = merge_groups(&t, draw, i, b.scale);
    }
}

void catalogue_sample_partial(Device *dev, Tensor part, Tensor u, const ItemTable *table,
                              Tensor bias, SampleOptions o)
{
    const int64_t rows = u.dim[0];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    EXPECT(part, U8, rows, (int64_t)sizeof(RowDraw));
    if (o.stream.data) EXPECT(o.stream, I64, rows);
    REQUIRE(o.temperature > 0.0f, "temperature is %g, want > 0", (double)o.temperature);
    REQUIRE(o.step >= 0 && o.step >> 32 == 0, "step %" PRId64 ", want 0 to 2^32-1", o.step);
    REQUIRE(table->first % WORDS == 0,
            "a shard that begins at item %" PRId64 ", want a multiple of %d", table->first, WORDS);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev))
        catalogue_sample_cuda(dev, part, u, table, bias, o);
    else
        run(dev, part.data, u, table, bias, &o);
    scratch_release(dev, mark);
}

void catalogue_sample(Device *dev, Tensor item, Tensor log_probability, Tensor u,
                      const ItemTable *table, Tensor bias, SampleOptions o)
{
    const int64_t rows = u.dim[0], size = sizeof(RowDraw);
    const size_t mark = scratch_mark(dev);
    const Tensor part = SCRATCH(dev, U8, 1, rows, size);
    ITEMS_REQUIRE_ALL(table);
    catalogue_sample_partial(dev, TENSOR(part.data, U8, rows, size), u, table, bias, o);
    catalogue_merge_draws(dev, item, log_probability, part, o.temperature);
    scratch_release(dev, mark);
}
