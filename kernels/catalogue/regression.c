/* SPDX-License-Identifier: Apache-2.0 */
/* The same products on every device. A = (E, bias, 1) is a matrix [items, dim + 2], B = (u, 1, -y)
 * one of [rows, dim + 2], and z - y = B A^T. Its squares and gradients need only the small matrices
 * A^T A and B^T diag(w) B. The last two columns are kept apart, as `pair`. */
#include "catalogue/regression.h"

#include "base/scratch.h"
#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "gemm.h"

enum { TILE = 8192 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static Tensor column(Tensor t) { return TENSOR(t.data, F32, t.dim[0], 1); }

/* ---- Items ----------------------------------------------------------------------------------- */

typedef struct {
    const ItemTable *table;
    Tensor bias, space, pair; /* space [TILE, dim], where the item encoder has features */
    int64_t items, dim;
} Items;

static Items items_open(Device *dev, const ItemTable *table, Tensor bias)
{
    Items t = {.table = table, .bias = bias, .items = table->id.dim[0], .dim = table->id.dim[1]};
    const int64_t width = smaller(TILE, t.items);
    if (bias.data) EXPECT(bias, F32, t.items);
    if (!items_are_ids(table)) t.space = SCRATCH(dev, F32, width, t.dim);
    t.pair = SCRATCH(dev, F32, 2, width);
    return t;
}

/* The vectors [width, dim] of the table's rows first .. first+width-1, and their (bias; 1) [2,
 * width]. */
typedef struct {
    int64_t first, width;
    Tensor vectors, pair;
} Tile;

static Tile tile_at(Device *dev, const Items *t, int64_t first)
{
    Tile tile = {.first = first, .width = smaller(TILE, t->items - first)};
    tile.vectors = tensor_rows(t->table->id, first, tile.width);
    if (t->space.data) {
        tile.vectors = tensor_rows(t->space, 0, tile.width);
        if (ON_CUDA(dev))
            items_range_cuda(dev, tile.vectors, t->table, first);
        else if (device_runs(dev))
            items_range(t->table, first, tile.width, tile.vectors);
    }
    const Tensor bias = TENSOR(t->pair.data, F32, tile.width);
    const Tensor one = TENSOR(f32(t->pair) + tile.width, F32, tile.width);
    if (t->bias.data)
        elementwise_copy(dev, bias, tensor_rows(t->bias, first, tile.width));
    else
        elementwise_fill(dev, bias, 0.0f);
    elementwise_fill(dev, one, 1.0f);
    tile.pair = TENSOR(t->pair.data, F32, 2, tile.width);
    return tile;
}

/* ---- Sums over the items --------------------------------------------------------------------- */

typedef struct {
    Tensor square; /* [dim, dim] sum_a E[a] E[a]^T; absent: not wanted */
    Tensor mixed;  /* [2, dim]   sum_a (bias[a]; 1) E[a]^T */
    Tensor pair;   /* [2, 2]     sum_a (bias[a]; 1) (bias[a]; 1)^T */
} ItemSums;

static ItemSums sum_items(Device *dev, const Items *t, bool square)
{
    ItemSums s = {.mixed = SCRATCH(dev, F32, 2, t->dim), .pair = SCRATCH(dev, F32, 2, 2)};
    if (square) s.square = SCRATCH(dev, F32, t->dim, t->dim);
    for (int64_t first = 0; first < t->items; first += TILE) {
        const Tile tile = tile_at(dev, t, first);
        if (square) gemm(dev, s.square, tile.vectors, tile.vectors, first ? GEMM_ADD_TN : GEMM_TN);
        gemm(dev, s.mixed, tile.pair, tile.vectors, first ? GEMM_ADD_NN : GEMM_NN);
        gemm(dev, s.pair, tile.pair, tile.pair, first ? GEMM_ADD_NT : GEMM_NT);
    }
    return s;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The matrix (a, b), [1, 2]. */
static Tensor constants(Device *dev, float a, float b)
{
    const Tensor t = SCRATCH(dev, F32, 1, 2);
    elementwise_fill(dev, TENSOR(f32(t), F32, 1), a);
    elementwise_fill(dev, TENSOR(f32(t) + 1, F32, 1), b);
    return t;
}

/* (1, -y[i]), [rows, 2]; without y (1, 0). */
static Tensor row_pairs(Device *dev, int64_t rows, Tensor y)
{
    const Tensor pair = SCRATCH(dev, F32, rows, 2), one = SCRATCH(dev, F32, rows, 1);
    elementwise_fill(dev, one, 1.0f);
    gemm(dev, pair, one, constants(dev, 1.0f, 0.0f), GEMM_NN);
    if (y.data) gemm(dev, pair, column(y), constants(dev, 0.0f, -1.0f), GEMM_ADD_NN);
    return pair;
}

/* sum_a (z[i, a] - y[i]) (bias[a], 1), [rows, 2] */
static Tensor sums_of_scores(Device *dev, const ItemSums *s, Tensor u, Tensor pair)
{
    const Tensor sums = SCRATCH(dev, F32, u.dim[0], 2);
    gemm(dev, sums, u, s->mixed, GEMM_NT);
    gemm(dev, sums, pair, s->pair, GEMM_ADD_NN);
    return sums;
}

void catalogue_regression_mean(Device *dev, Tensor mean, Tensor u, const ItemTable *table,
                               Tensor bias)
{
    const int64_t rows = u.dim[0];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    EXPECT(mean, F32, rows);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    const Items t = items_open(dev, table, bias);
    const ItemSums s = sum_items(dev, &t, false);
    const Tensor sums =
        sums_of_scores(dev, &s, elementwise_cast(dev, u, F32), row_pairs(dev, rows, (Tensor){0}));
    const GemmOptions share = {.trans_b = true, .alpha = 1.0f / (float)items_total(table)};
    gemm(dev, column(mean), sums, constants(dev, 0.0f, 1.0f), share);
    scratch_release(dev, mark);
}

/* ---- Regression ------------------------------------------------------------------------------ */

/* y = alpha x */
static Tensor times(Device *dev, float alpha, Tensor x)
{
    const Tensor y = SCRATCH(dev, F32, x.dim[0]);
    elementwise_fill(dev, y, 0.0f);
    elementwise_axpy(dev, y, alpha, x);
    return y;
}

/* y[i] *= s[i] */
static void scale(Device *dev, Tensor y, Tensor s)
{
    elementwise_row_scale(dev, column(y), column(y), s);
}

/* loss, dshift and du of each row over all items, targets included; du in f32. `weight` is w. */
static void rows_of_all(Device *dev, const RegressionOut *out, Tensor du, const ItemSums *s,
                        Tensor u, Tensor pair, Tensor weight)
{
    const size_t mark = scratch_mark(dev);
    const Tensor sums = sums_of_scores(dev, s, u, pair), more = SCRATCH(dev, F32, u.dim[0]);
    gemm(dev, du, u, s->square, GEMM_NN);
    gemm(dev, du, pair, s->mixed, GEMM_ADD_NN);
    elementwise_row_dot(dev, out->loss, u, du);
    elementwise_row_dot(dev, more, pair, sums);
    elementwise_add(dev, out->loss, more);
    scale(dev, out->loss, times(dev, 0.5f, weight));
    gemm(dev, column(out->dshift), sums, constants(dev, 0.0f, 1.0f), GEMM_NT);
    scale(dev, out->dshift, weight);
    elementwise_row_scale(dev, du, du, weight);
    scratch_release(dev, mark);
}

/* did and dbias of each item over all rows, targets included. */
static void items_of_all(Device *dev, const RegressionOut *out, const Items *t, Tensor u,
                         Tensor pair, Tensor weight)
{
    const int64_t rows = u.dim[0], dim = t->dim;
    const size_t mark = scratch_mark(dev);
    const Tensor scaled = SCRATCH(dev, F32, rows, dim), square = SCRATCH(dev, F32, dim, dim);
    const Tensor mixed = SCRATCH(dev, F32, 2, dim), sums = SCRATCH(dev, F32, 2, 1);
    elementwise_row_scale(dev, scaled, u, weight);
    gemm(dev, square, u, scaled, GEMM_TN);
    gemm(dev, mixed, pair, scaled, GEMM_TN);
    gemm(dev, sums, pair, column(weight), GEMM_TN);
    for (int64_t first = 0; first < t->items; first += TILE) {
        const Tile tile = tile_at(dev, t, first);
        const Tensor did = tensor_rows(out->did, first, tile.width);
        gemm(dev, did, tile.vectors, square, GEMM_ADD_NN);
        gemm(dev, did, tile.pair, mixed, GEMM_ADD_TN);
        if (!t->bias.data) continue;
        const Tensor dbias = column(tensor_rows(out->dbias, first, tile.width));
        gemm(dev, dbias, tile.vectors, tensor_rows(mixed, 0, 1), GEMM_ADD_NT);
        gemm(dev, dbias, tile.pair, sums, GEMM_ADD_TN);
    }
    scratch_release(dev, mark);
}

/* Subtract the terms of the targets, w (z - y), which the sums over all items contain. */
static void without_targets(Device *dev, const RegressionOut *out, Tensor du, const Items *t,
                            Tensor u, Tensor target, Tensor y, Tensor weight)
{
    const int64_t rows = u.dim[0];
    const size_t mark = scratch_mark(dev);
    const Tensor error = SCRATCH(dev, F32, rows), g = times(dev, -1.0f, weight);
    const Tensor more = SCRATCH(dev, F32, rows, t->dim);
    catalogue_score(dev, error, u, t->table, t->bias, target);
    elementwise_axpy(dev, error, -1.0f, y);
    items_mask(dev, g, t->table, target);
    scale(dev, g, error);
    elementwise_add(dev, out->dshift, g);
    catalogue_score_backward(dev, more, out->did, out->dbias, g, u, t->table, target);
    elementwise_add(dev, du, more);
    scale(dev, error, g);
    elementwise_axpy(dev, out->loss, 0.5f, error);
    scratch_release(dev, mark);
}

void catalogue_regression(Device *dev, RegressionOut out, Tensor u, const ItemTable *table,
                          Tensor bias, Tensor target, Tensor y, Tensor weight)
{
    const int64_t rows = u.dim[0], items = table->id.dim[0], dim = table->id.dim[1];
    const int64_t total = items_total(table);
    EXPECT(u, activation_dtype(u), rows, dim);
    EXPECT(out.du, out.du.dtype == F32 ? F32 : u.dtype, rows, dim);
    EXPECT(out.did, F32, items, dim);
    EXPECT(out.loss, F32, rows);
    EXPECT(out.dshift, F32, rows);
    EXPECT(target, I32, rows);
    EXPECT(y, F32, rows);
    EXPECT(weight, F32, rows);
    if (bias.data) EXPECT(out.dbias, F32, items);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    const Items t = items_open(dev, table, bias);
    const ItemSums s = sum_items(dev, &t, true);
    const Tensor wide = elementwise_cast(dev, u, F32), pair = row_pairs(dev, rows, y);
    const Tensor du = out.du.dtype == F32 ? out.du : SCRATCH(dev, F32, rows, dim);
    const Tensor w = times(dev, total > 1 ? 1.0f / (float)(total - 1) : 0.0f, weight);
    rows_of_all(dev, &out, du, &s, wide, pair, w);
    items_of_all(dev, &out, &t, wide, pair, w);
    without_targets(dev, &out, du, &t, wide, target, y, w);
    if (out.du.dtype != F32) elementwise_copy(dev, out.du, du);
    scratch_release(dev, mark);
}
