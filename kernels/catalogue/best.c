/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/best.h"

#include <float.h>
#include <math.h>
#include <omp.h>

#include "base/bf16.h"
#include "catalogue/tiles.h"

/* BYTES is the size of the processor's widest vectors. ROWS is so large that the vector registers
 * are just filled: with ROWS x 2 vectors of sums, the two vectors of the panel and one element of a
 * row. There are 32 registers where vectors have 64 bytes, else 16. */
enum { BYTES = __BIGGEST_ALIGNMENT__, LANES = BYTES / 4, ROWS = BYTES == 64 ? 12 : 6 };
enum { PANEL = 2 * LANES, PANELS = TILE / PANEL, BLOCK = 1024 };
typedef float Lanes __attribute__((vector_size(BYTES)));
typedef int32_t Numbers __attribute__((vector_size(BYTES)));

/* The best score of a row in each lane, and the vector in which it was: lane l of vector v belongs
 * to the table's row v LANES + l. */
typedef struct {
    Lanes score;
    Numbers vector;
} Best;

static inline void keep_better(Best *best, Lanes score, int32_t vector)
{
    const Numbers better = score > best->score;
    best->score = (Lanes)((better & (Numbers)score) | (~better & (Numbers)best->score));
    best->vector = (better & vector) | (~better & best->vector);
}

/* Scores of ROWS rows u [dim][ROWS] and a panel e [dim][PANEL] with bias [PANEL], whose first
 * vector has the number `vector`; the better ones go to best [ROWS]. */
static void panel_best(Best *best, const float *u, const Lanes *e, const Lanes *bias, int64_t dim,
                       int32_t vector)
{
    Lanes z[ROWS][2] = {0};
    for (int64_t k = 0; k < dim; k++, u += ROWS, e += 2) {
#pragma GCC unroll 12
        for (int i = 0; i < ROWS; i++) {
            z[i][0] += u[i] * e[0];
            z[i][1] += u[i] * e[1];
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < ROWS; i++) {
        keep_better(&best[i], z[i][0] + bias[0], vector);
        keep_better(&best[i], z[i][1] + bias[1], vector + 1);
    }
}

/* Copy from [count, dim] to [ceil(count / wide)][dim][wide], with zeros where `from` ends. */
static void pack(float *to, const float *from, int64_t count, int64_t dim, int64_t wide)
{
    for (int64_t first = 0; first < count; first += wide, to += dim * wide)
        for (int64_t j = 0; j < wide; j++)
            for (int64_t k = 0; k < dim; k++)
                to[k * wide + j] = first + j < count ? from[(first + j) * dim + k] : 0.0f;
}

/* Memory for a block of rows (packed u, and the best of each group of tiles) and for each thread
 * (the rows' best in each lane, and a tile's packed vectors and biases). */
typedef struct {
    Tiles tiles;
    int64_t rows;   /* the most rows of a block, a multiple of ROWS */
    Tensor u;       /* [rows, dim] packed */
    Tensor stats;   /* [groups, rows] RowStats */
    Tensor best;    /* [threads, rows] Best */
    Tensor vectors; /* [threads, TILE, dim] packed */
    Tensor bias;    /* [threads, TILE] */
} Search;

static Search search_plan(Device *dev, const ItemTable *table, Tensor bias, int64_t rows,
                          Dtype queries)
{
    Search s = {.tiles = tiles_walk(dev, table, bias, queries)};
    const int64_t blocks = (rows + BLOCK - 1) / BLOCK, each = (rows + blocks - 1) / blocks;
    const int64_t threads = dev->threads, dim = s.tiles.dim;
    s.rows = (each + ROWS - 1) / ROWS * ROWS;
    s.u = SCRATCH(dev, F32, s.rows, dim);
    s.stats = SCRATCH(dev, U8, s.tiles.groups, s.rows, (int64_t)sizeof(RowStats));
    s.best = SCRATCH(dev, U8, threads, s.rows, (int64_t)sizeof(Best));
    s.vectors = SCRATCH(dev, F32, threads, TILE, dim);
    s.bias = SCRATCH(dev, F32, threads, TILE);
    return s;
}

/* Items past the last get the bias -inf: their score is never better than another. */
static void tile_best(const Search *s, int64_t tile, Best *best, int64_t rows)
{
    const Tiles *t = &s->tiles;
    const int64_t thread = omp_get_thread_num(), dim = t->dim;
    const int64_t first = tiles_first(t, tile), width = tiles_width(t, tile);
    float *vectors = f32(s->vectors) + thread * TILE * dim, *bias = f32(s->bias) + thread * TILE;
    pack(vectors, tiles_vectors(t, tile), width, dim, PANEL);
    for (int64_t j = 0; j < TILE; j++)
        bias[j] = j >= width ? -INFINITY : t->bias ? t->bias[first + j] : 0.0f;
    for (int64_t i = 0; i < rows; i += ROWS)
        for (int64_t j = 0; j < width; j += PANEL)
            panel_best(best + i, f32(s->u) + i * dim, (const Lanes *)(vectors + j * dim),
                       (const Lanes *)(bias + j), dim, (int32_t)((first + j) / LANES));
}

static void group_best(const Search *s, int64_t group, int64_t rows)
{
    const int64_t begin = tiles_group_begin(&s->tiles, group),
                  end = tiles_group_begin(&s->tiles, group + 1);
    const int32_t first = (int32_t)(tiles_first(&s->tiles, begin) / LANES);
    RowStats *to = (RowStats *)s->stats.data + group * s->rows;
    Best *best = (Best *)s->best.data + omp_get_thread_num() * s->rows;
    for (int64_t i = 0; i < s->rows; i++)
        best[i] = (Best){(Lanes){0} - FLT_MAX, (Numbers){0} + first};
    for (int64_t tile = begin; tile < end; tile++) tile_best(s, tile, best, rows);
    for (int64_t i = 0; i < rows; i++) {
        float max = best[i].score[0];
        int32_t item = best[i].vector[0] * LANES;
        for (int32_t l = 1; l < LANES; l++) {
            const int32_t other = best[i].vector[l] * LANES + l;
            if (best[i].score[l] < max || (best[i].score[l] == max && other > item)) continue;
            max = best[i].score[l];
            item = other;
        }
        to[i] = (RowStats){.max = max, .argmax = (int32_t)s->tiles.table->first + item};
    }
}

/* The best item of row i: that of the group with the highest score; where groups have equal scores,
 * that of the first. */
static RowStats best_group(const Search *s, int64_t i)
{
    const RowStats *group = s->stats.data;
    RowStats best = group[i];
    for (int64_t at = i; at < s->tiles.groups * s->rows; at += s->rows)
        if (group[at].max > best.max) best = group[at];
    return best;
}

void catalogue_best(Device *dev, Tensor part, Tensor u, const ItemTable *table, Tensor bias)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    const size_t mark = scratch_mark(dev);
    const Search s = search_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    if (!scratch_ready(dev, mark)) return;
    for (int64_t first = 0; first < rows; first += s.rows) {
        const int64_t count = rows - first < s.rows ? rows - first : s.rows;
        pack(f32(s.u), f32(queries) + first * dim, count, dim, ROWS);
#pragma omp parallel for schedule(dynamic, 1) num_threads(dev->threads)
        for (int64_t g = 0; g < s.tiles.groups; g++) group_best(&s, g, count);
        for (int64_t i = 0; i < count; i++) ((RowStats *)part.data)[first + i] = best_group(&s, i);
    }
    scratch_release(dev, mark);
}
