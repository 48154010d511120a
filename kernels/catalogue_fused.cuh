/* The catalogue head with scores in registers, for catalogue.cu: what catalogue_choice() calls
 * CATALOGUE_FUSED. A sibling for one generation of GPUs takes the place of these two functions: what they
 * are given and what they leave are plain arrays.
 */
#ifndef SOUK_CATALOGUE_FUSED_CUH
#define SOUK_CATALOGUE_FUSED_CUH

#include "catalogue_tiles.cuh"

/* Which statistics: those of the best item; with the sum; with the weighted sum. */
typedef enum { STATS_BEST, STATS_SUM, STATS_EXPECTATION } StatsWanted;

/* A plan whose tiles are what one launch walks. u is bf16. Takes scratch. */
TilesCuda fused_plan_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
/* Add the tile to the statistics of all rows; the first tile sets them. */
void fused_stats_cuda(Device *dev, RowStats *stats, const TilesCuda *t, const ItemTile &tile,
                      float scale, StatsWanted wanted);

/* A plan whose blocks and tiles are what one gradient holds: t->scores is bf16. Takes scratch. */
TilesCuda fused_gradient_plan_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
/* The gradient of the scores of a block and tile into t->scores, and its columns' sums onto dbias (NULL:
 * not wanted); the loss of rows whose target is in the tile. The arrays are of all rows and items. */
typedef struct {
    float *loss, *dbias;
    const float *logsumexp, *weight;
    const int32_t *target;
} FusedGradient;
void fused_gradient_cuda(Device *dev, const FusedGradient &to, const TilesCuda *t,
                         const ItemTile &tile, const RowBlock &block);

#endif
