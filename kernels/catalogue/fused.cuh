/* The catalogue head with scores in registers, for catalogue.cu: one struct of functions for each generation
 * of GPUs. What they are given and what they leave are plain arrays.
 */
#ifndef SOUK_CATALOGUE_FUSED_CUH
#define SOUK_CATALOGUE_FUSED_CUH

#include "catalogue/tiles.cuh"

/* Which statistics: those of the best item; with the sum; with the weighted sum. */
typedef enum { STATS_BEST, STATS_SUM, STATS_EXPECTATION } StatsWanted;

/* Arrays of all rows and items. dbias NULL: not wanted. */
typedef struct {
    float *loss, *dbias;
    const float *logsumexp, *weight;
    const int32_t *target;
} FusedGradient;

typedef struct {
    /* A plan whose tiles are what one launch walks. u is bf16. Takes scratch. */
    TilesCuda (*stats_plan)(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
    /* Add the tile to the statistics of all rows; the first tile sets them. */
    void (*add_stats)(Device *dev, RowStats *stats, const TilesCuda *t, const ItemTile &tile,
                      float scale, StatsWanted wanted);
    /* A plan whose blocks and tiles are what one gradient holds: t->scores is bf16. Takes scratch. */
    TilesCuda (*gradient_plan)(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
    /* The gradient of the scores of a block and tile into t->scores, and its columns' sums onto dbias; the
     * loss of rows whose target is in the tile. Tiles in order, in each the blocks in order. */
    void (*gradient)(Device *dev, const FusedGradient &to, const TilesCuda *t, const ItemTile &tile,
                     const RowBlock &block);
} FusedCatalogue;

extern const FusedCatalogue catalogue_fused_cuda, catalogue_wgmma_cuda;

#endif
