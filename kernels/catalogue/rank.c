/* The catalogue head on the CPU: where a target ranks, and the best items. */
#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "catalogue/tiles.h"

typedef struct {
    int64_t rows, best; /* rows of the block; best: k of the top-k, 0 for none */
    const float *u;
    const int32_t *target; /* NULL without ranks */
    Exclusion exclusion;
    float *target_score;   /* [rows] */
    int32_t *above, *ties; /* [groups, block] */
    int32_t *best_item;    /* [groups, block, best] */
    float *best_score;
} Ranking;

/* Insert behind equal scores: items arrive in rising order, so ties stay in that order. */
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
        const int64_t first = tiles_first(t, tile), width = tiles_width(t, tile);
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

static void second_pass(const Tiles *t, const Ranking *r, int64_t g)
{
    int32_t *above = r->above + g * t->block, *ties = r->ties + g * t->block;
    memset(above, 0, (size_t)r->rows * sizeof *above);
    memset(ties, 0, (size_t)r->rows * sizeof *ties);
    for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
        const int64_t first = tiles_first(t, tile), width = tiles_width(t, tile);
        float *z = tiles_scores(t, tile, r->u, r->rows, 2);
        for (int64_t i = 0; i < r->rows; i++) {
            float *row = z + i * TILE;
            if (!t->keep) tiles_exclude(&r->exclusion, i, row, first, width, target_of(r, i));
            const float score = r->target_score[i];
            int32_t greater = 0, equal = 0;
#pragma omp simd reduction(+ : greater, equal)
            for (int64_t j = 0; j < width; j++) {
                greater += row[j] > score;
                equal += row[j] == score;
            }
            above[i] += greater;
            ties[i] += equal;
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

static void rank_block(const Tiles *t, const Ranking *r)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) first_pass(t, r, g);
    if (!r->target) return;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) second_pass(t, r, g);
}

static Ranking plan(Device *dev, const Tiles *t, bool ranks, int64_t best)
{
    Ranking r = {.best = best};
    if (ranks) {
        r.target_score = f32(SCRATCH(dev, F32, t->block));
        r.above = i32(SCRATCH(dev, I32, t->groups, t->block));
        r.ties = i32(SCRATCH(dev, I32, t->groups, t->block));
    }
    r.best_item = i32(SCRATCH(dev, I32, t->groups, t->block, best));
    r.best_score = f32(SCRATCH(dev, F32, t->groups, t->block, best));
    return r;
}

static void write_block(const Tiles *t, const Ranking *r, int64_t first, Tensor above, Tensor ties,
                        Tensor best_item, Tensor best_score)
{
    for (int64_t i = 0; i < r->rows; i++) {
        if (r->best)
            merge_best(t, r, i, f32(best_score) + (first + i) * r->best,
                       i32(best_item) + (first + i) * r->best);
        if (!r->target) continue;
        int32_t greater = 0, equal = -1; /* the target equals itself */
        for (int64_t g = 0; g < t->groups; g++) {
            greater += r->above[g * t->block + i];
            equal += r->ties[g * t->block + i];
        }
        if (equal < 0) { /* its score is NaN */
            greater = (int32_t)(t->items - 1);
            equal = 0;
        }
        i32(above)[first + i] = greater;
        i32(ties)[first + i] = equal;
    }
}

void catalogue_rank(Device *dev, Tensor above, Tensor ties, Tensor best_item, Tensor best_score,
                    Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                    Exclusion exclusion)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    const bool ranks = above.data;
    const int64_t best = best_item.data ? best_item.dim[1] : 0;
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    if (ranks) {
        EXPECT(above, I32, rows);
        EXPECT(ties, I32, rows);
        EXPECT(target, I32, rows);
    }
    if (best) EXPECT(best_score, F32, rows, best);
    if (rows == 0) return;
    if (ON_CUDA(dev)) {
        catalogue_rank_cuda(dev, above, ties, best_item, best_score, u, table, bias, target,
                            exclusion);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tiles t = tiles_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    Ranking r = plan(dev, &t, ranks, best);
    for (int64_t first = 0; first < rows; first += t.block) {
        r.rows = rows - first < t.block ? rows - first : t.block;
        r.u = f32(queries) + first * dim;
        r.target = ranks ? i32(target) + first : NULL;
        r.exclusion = tiles_exclusion_after(exclusion, first);
        rank_block(&t, &r);
        write_block(&t, &r, first, above, ties, best_item, best_score);
    }
    scratch_release(dev, mark);
}
