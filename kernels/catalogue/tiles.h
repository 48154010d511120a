/* SPDX-License-Identifier: Apache-2.0 */
/* How the ops of the catalogue walk rows x items on the CPU.
 *
 * A block of rows meets the catalogue in tiles of TILE items. Tiles fall into at most GROUPS groups
 * of consecutive tiles; a group is the unit of parallel work, and results of groups are combined in
 * order, so nothing depends on the number of threads.
 */
#ifndef SOUK_CATALOGUE_TILES_H
#define SOUK_CATALOGUE_TILES_H

#include "catalogue/exclusion.h"
#include "items.h"

enum { TILE = 512, GROUPS = 16, TILES_KEEP_BYTES = 64 << 20 };

typedef struct {
    const ItemTable *table;
    const float *bias; /* NULL: none */
    int64_t items, dim, tiles, groups;
    int threads;    /* of the device */
    int64_t block;  /* rows of a block */
    bool keep;      /* the scores of a block stay until the next block */
    bool rounds;    /* u is bf16, and the vectors of items are rounded to it */
    Tensor scores;  /* [tiles when keep, else threads] x [block, TILE] */
    Tensor vectors; /* [threads, TILE, dim], where the item encoder has features, or rounds */
} Tiles;

/* Takes scratch, which the caller marks and releases. `queries` is the dtype of u. tiles_walk has
 * no blocks of rows and no memory for scores: tiles_scores and tiles_backward need tiles_plan. */
Tiles tiles_walk(Device *dev, const ItemTable *table, Tensor bias, Dtype queries);
Tiles tiles_plan(Device *dev, const ItemTable *table, Tensor bias, int64_t rows, Dtype queries);

/* The tile's first row of the table, and the id of that item. */
static inline int64_t tiles_first(const Tiles *t, int64_t tile) { return (void)t, tile * TILE; }
static inline int64_t tiles_item(const Tiles *t, int64_t tile)
{
    return t->table->first + tile * TILE;
}
static inline int64_t tiles_width(const Tiles *t, int64_t tile)
{
    const int64_t left = t->items - tile * TILE;
    return left < TILE ? left : TILE;
}
/* Group g owns tiles tiles_group_begin(g) .. tiles_group_begin(g+1)-1. */
static inline int64_t tiles_group_begin(const Tiles *t, int64_t group)
{
    return t->tiles * group / t->groups;
}

/* A row's scores z of the tile with the items item .. item + width - 1 become -inf where the item
 * is excluded, but for the item `spared` (-1: none). */
void tiles_exclude(const Exclusion *exclusion, int64_t row, float *z, int64_t item, int64_t width,
                   int32_t spared);
/* The exclusion of the rows from `first` on. */
static inline Exclusion tiles_exclusion_after(Exclusion e, int64_t first)
{
    return (Exclusion){e.offset ? e.offset + first : NULL, e.item};
}
/* The highest of a row's scores, without NaNs. */
float tiles_row_max(const float *z, int64_t width);
/* The vectors of the tile's items, [width, dim]; valid in this thread until its next call. */
const float *tiles_vectors(const Tiles *t, int64_t tile);
/* Scores of `rows` rows of u against the tile, [rows, TILE], undefined in columns after the tile's
 * width. Pass 1 computes them. Pass 2 returns the scores that pass 1 left, where they are kept,
 * else it computes them again. */
float *tiles_scores(const Tiles *t, int64_t tile, const float *u, int64_t rows, int pass);
/* From the gradient g of a tile's scores: did += g^T u, dbias += the sums of its columns (each NULL
 * where it is not wanted), and the group's du [rows, dim] = g E at the group's first tile, += at
 * its others. Rounds g in place where t->rounds. */
void tiles_backward(const Tiles *t, int64_t group, int64_t tile, float *g, const float *u,
                    int64_t rows, float *du, float *did, float *dbias);
/* du [rows, dim] = the sum over the groups of groups [groups, block, dim], in order. */
void tiles_add_groups(const Tiles *t, float *du, const float *groups, int64_t rows);

#endif
