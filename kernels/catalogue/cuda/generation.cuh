/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head with scores in registers, for catalogue.cu: one struct of functions for each
 * generation of GPUs. Their arguments and results are plain arrays.
 */
#ifndef SOUK_CATALOGUE_GENERATION_CUH
#define SOUK_CATALOGUE_GENERATION_CUH

#include "catalogue/tiles.cuh"

/* Arrays of all rows and items. dbias NULL: not wanted. */
typedef struct {
    TargetRows rows;
    float *dbias;
} FusedGradient;

typedef struct {
    /* A plan with one launch a tile. u is bf16. Takes scratch. */
    TilesCuda (*stats_plan)(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
    /* Add the tile to the statistics of all rows; the first tile sets them. */
    void (*add_stats)(Device *dev, RowStats *stats, const TilesCuda *t, const ItemTile &tile,
                      float scale, StatsWanted wanted);
    /* A plan with one call of `gradient` a block and tile; t->scores is bf16. Takes scratch. */
    TilesCuda (*gradient_plan)(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
    /* Writes the gradient of a block's and tile's scores to t->scores, adds the sums of its columns
     * to dbias, and writes the loss and share of the rows whose target is in the tile. The tiles
     * come in order, and in each tile the blocks in order. */
    void (*gradient)(Device *dev, const FusedGradient &to, const TilesCuda *t, const ItemTile &tile,
                     const RowBlock &block);
} FusedCatalogue;

extern const FusedCatalogue catalogue_fused_cuda, catalogue_wgmma_cuda;

#endif
