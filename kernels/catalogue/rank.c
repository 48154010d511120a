/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks and best items on the CPU. */
#include "catalogue/rank.h"

#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "catalogue/merge.h"
#include "catalogue/tiles.h"

/* A block of rows, and what the passes over its scores leave. */
typedef struct {
    int64_t rows, best; /* best: k of the k best, 0 for none */
    const float *u;
    const int32_t *target; /* NULL: no ranks */
    Exclusion exclusion;
    float *target_score;    /* [rows] */
    int32_t *above, *equal; /* [groups, block] */
    int32_t *best_item;     /* [groups, block, best] */
    float *best_score;
} Ranking;

/* Insert after equal scores: items arrive in rising order, so ties stay in that order. */
static void insert(float *score, int32_t *item, int64_t count, float z, int32_t which)
{
    int64_t at = count - 1;
    for (; at > 0 && score[at - 1] < z; at--) {
        score[at] = score[at - 1];
        item[at] = item[at - 1];
    }
    score[at] = z;
    item[at] = which;
}

static void keep_best(float *score, int32_t *item, int64_t count, const float *z, int64_t first,
                      int64_t width)
{
    if (!(tiles_row_max(z, width) > score[count - 1])) return;
    for (int64_t j = 0; j < width; j++)
        if (z[j] > score[count - 1]) insert(score, item, count, z[j], (int32_t)(first + j));
}

static int32_t target_of(const Ranking *r, int64_t i) { return r->target ? r->target[i] : -1; }

static void first_pass(const Tiles *t, const Ranking *r, int64_t g)
{
    float *score = r->best_score + g * t->block * r->best;
    int32_t *item = r->best_item + g * t->block * r->best;
    for (int64_t i = 0; i < r->rows * r->best; i++) {
        score[i] = -INFINITY;
        item[i] = -1;
    }
    for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
        const int64_t first = tiles_item(t, tile), width = tiles_width(t, tile);
        float *z = tiles_scores(t, tile, r->u, r->rows, 1);
        for (int64_t i = 0; i < r->rows; i++) {
            tiles_exclude(&r->exclusion, i, z + i * TILE, first, width, target_of(r, i));
            const int64_t hit = target_of(r, i) - first;
            if (hit >= 0 && hit < width) r->target_score[i] = z[i * TILE + hit];
            if (r->best)
                keep_best(score + i * r->best, item + i * r->best, r->best, z + i * TILE, first,
                          width);
        }
    }
}

/* With pass = 2, scores that were kept are those of the first pass, which has set the excluded ones
 * to -inf already. */
static void second_pass(const Tiles *t, const Ranking *r, int64_t g, int pass)
{
    int32_t *above = r->above + g * t->block, *equal = r->equal + g * t->block;
    memset(above, 0, (size_t)r->rows * sizeof *above);
    memset(equal, 0, (size_t)r->rows * sizeof *equal);
    for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
        const int64_t first = tiles_item(t, tile), width = tiles_width(t, tile);
        float *z = tiles_scores(t, tile, r->u, r->rows, pass);
        for (int64_t i = 0; i < r->rows; i++) {
            float *row = z + i * TILE;
            if (pass == 1 || !t->keep)
                tiles_exclude(&r->exclusion, i, row, first, width, target_of(r, i));
            const float score = r->target_score[i];
            int32_t greater = 0, same = 0;
#pragma omp simd reduction(+ : greater, same)
            for (int64_t j = 0; j < width; j++) {
                greater += row[j] > score;
                same += row[j] == score;
            }
            above[i] += greater;
            equal[i] += same;
        }
    }
}

static void merge_best(const Tiles *t, const Ranking *r, int64_t i, float *score, int32_t *item)
{
    for (int64_t k = 0; k < r->best; k++) {
        score[k] = -INFINITY;
        item[k] = -1;
    }
    for (int64_t g = 0; g < t->groups; g++) {
        const int64_t at = (g * t->block + i) * r->best;
        for (int64_t k = 0; k < r->best && r->best_score[at + k] > score[r->best - 1]; k++)
            insert(score, item, r->best, r->best_score[at + k], r->best_item[at + k]);
    }
}

/* Write the results of the rows of a block that begins at `first`. */
static void write_block(const Tiles *t, const Ranking *r, int64_t first, const CatalogueRanks *to)
{
    for (int64_t i = 0; i < r->rows; i++) {
        if (r->best)
            merge_best(t, r, i, f32(to->best_score) + (first + i) * r->best,
                       i32(to->best_item) + (first + i) * r->best);
        if (!to->above.data) continue;
        int32_t greater = 0, same = 0;
        for (int64_t g = 0; g < t->groups; g++) {
            greater += r->above[g * t->block + i];
            same += r->equal[g * t->block + i];
        }
        i32(to->above)[first + i] = greater;
        i32(to->equal)[first + i] = same;
    }
}

static Ranking plan(Device *dev, const Tiles *t, const CatalogueRanks *to)
{
    Ranking r = {.best = to->best_item.data ? to->best_item.dim[1] : 0};
    if (to->above.data) {
        r.above = i32(SCRATCH(dev, I32, t->groups, t->block));
        r.equal = i32(SCRATCH(dev, I32, t->groups, t->block));
    }
    r.best_item = i32(SCRATCH(dev, I32, t->groups, t->block, r.best));
    r.best_score = f32(SCRATCH(dev, F32, t->groups, t->block, r.best));
    return r;
}

/* Run the first pass, the second, or both. Both run over one block of rows before the next block,
 * so that its scores need not be computed twice. */
typedef struct {
    bool first, second;
} Passes;

static void run(Device *dev, const CatalogueRanks *to, Tensor u, const ItemTable *table,
                Tensor bias, Tensor target, Exclusion exclusion, Passes passes)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    const size_t mark = scratch_mark(dev);
    const Tiles t = tiles_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    Ranking r = plan(dev, &t, to);
    if (!scratch_ready(dev, mark)) return;
    for (int64_t first = 0; first < rows; first += t.block) {
        r.rows = rows - first < t.block ? rows - first : t.block;
        r.u = f32(queries) + first * dim;
        r.target = to->target_score.data ? i32(target) + first : NULL;
        r.target_score = to->target_score.data ? f32(to->target_score) + first : NULL;
        r.exclusion = tiles_exclusion_after(exclusion, first);
        if (passes.first) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(t.threads)
            for (int64_t g = 0; g < t.groups; g++) first_pass(&t, &r, g);
        }
        if (passes.second) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(t.threads)
            for (int64_t g = 0; g < t.groups; g++) second_pass(&t, &r, g, passes.first ? 2 : 1);
        }
        write_block(&t, &r, first, to);
    }
    scratch_release(dev, mark);
}

static void check(const CatalogueRanks *to, Tensor u, const ItemTable *table, Tensor target)
{
    const int64_t rows = u.dim[0];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    if (to->above.data) {
        EXPECT(to->above, I32, rows);
        EXPECT(to->equal, I32, rows);
    }
    if (to->target_score.data) {
        EXPECT(to->target_score, F32, rows);
        EXPECT(target, I32, rows);
    }
    if (!to->best_item.data) return;
    EXPECT(to->best_item, I32, rows, to->best_item.dim[1]);
    EXPECT(to->best_score, F32, rows, to->best_item.dim[1]);
}

void catalogue_rank_best(Device *dev, Tensor best_item, Tensor best_score, Tensor target_score,
                         Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                         Exclusion exclusion)
{
    const CatalogueRanks to = {best_item, best_score, target_score, {0}, {0}};
    check(&to, u, table, target);
    if (u.dim[0] == 0) return;
    if (ON_CUDA(dev)) {
        catalogue_rank_best_cuda(dev, to, u, table, bias, target, exclusion, 0.0f);
        return;
    }
    if (target_score.data && device_runs(dev))
        memset(target_score.data, 0, tensor_bytes(target_score));
    run(dev, &to, u, table, bias, target, exclusion, (Passes){.first = true});
}

void catalogue_rank_counts(Device *dev, Tensor above, Tensor equal, Tensor target_score, Tensor u,
                           const ItemTable *table, Tensor bias, Tensor target, Exclusion exclusion)
{
    const CatalogueRanks to = {{0}, {0}, target_score, above, equal};
    check(&to, u, table, target);
    if (u.dim[0] == 0) return;
    if (ON_CUDA(dev))
        catalogue_rank_counts_cuda(dev, to, u, table, bias, target, exclusion);
    else
        run(dev, &to, u, table, bias, target, exclusion, (Passes){.second = true});
}

void catalogue_rank(Device *dev, Tensor above, Tensor ties, Tensor best_item, Tensor best_score,
                    Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                    Exclusion exclusion)
{
    const int64_t rows = u.dim[0];
    const bool ranks = above.data;
    const size_t mark = scratch_mark(dev);
    CatalogueRanks to = {best_item, best_score, {0}, above, ties};
    if (ranks) to.target_score = SCRATCH(dev, F32, rows);
    ITEMS_REQUIRE_ALL(table);
    check(&to, u, table, target);
    if (rows > 0 && ON_CUDA(dev)) {
        catalogue_rank_best_cuda(dev, to, u, table, bias, target, exclusion, NAN);
        if (ranks) catalogue_rank_counts_cuda(dev, to, u, table, bias, target, exclusion);
    } else if (rows > 0) {
        run(dev, &to, u, table, bias, target, exclusion, (Passes){true, ranks});
    }
    if (rows > 0 && ranks)
        catalogue_merge_ranks(dev, above, ties, TENSOR(above.data, I32, 1, rows),
                              TENSOR(ties.data, I32, 1, rows), items_total(table));
    scratch_release(dev, mark);
}
