/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/choice.h"

/* Static shared memory that the kernels have in addition, for sums of columns. */
enum { STATIC_BYTES = 4096 };

int64_t catalogue_choice_fused_bytes(int64_t dim)
{
    const int64_t wide = (dim + FUSED_SLAB - 1) / FUSED_SLAB * FUSED_SLAB;
    const int64_t u = FUSED_ROWS * (wide + FUSED_PAD);
    const int64_t stages = FUSED_STAGES * FUSED_ITEMS * (FUSED_SLAB + FUSED_PAD);
    return 2 * (u + stages);
}

/* Slabs begin at multiples of ALIGN. BARRIERS: bytes of two barriers a stage and one more. With
 * STAGES_MIN stages the copies of items' slabs are far enough ahead to hide the latency of the L2
 * cache; where slabs of the rows pass through the ring too, that takes STAGES_BOTH. */
enum {
    SLAB_WIDE = 64,
    SLAB_BYTES = 128 * SLAB_WIDE * 2,
    ALIGN = 1024,
    BARRIERS = (2 * WGMMA_STAGES + 1) * 8
};
enum { STAGES_MIN = 3, STAGES_BOTH = 6 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t catalogue_choice_wgmma_bytes(WgmmaShape shape)
{
    return ALIGN + (shape.resident + shape.stages) * SLAB_BYTES + WGMMA_SUM_BYTES + BARRIERS;
}

WgmmaShape catalogue_choice_wgmma_shape(int64_t dim, int64_t shared)
{
    const WgmmaShape none = {0, 0};
    const int64_t slabs = (dim + SLAB_WIDE - 1) / SLAB_WIDE;
    const int64_t fit = (shared - catalogue_choice_wgmma_bytes(none)) / SLAB_BYTES;
    if (fit >= slabs + STAGES_MIN) return (WgmmaShape){slabs, smaller(fit - slabs, WGMMA_STAGES)};
    if (fit > STAGES_BOTH) return (WgmmaShape){fit - STAGES_BOTH, STAGES_BOTH};
    return none;
}

CatalogueKernel catalogue_choice(const CatalogueCall *c)
{
    if (c->dtype != BF16 || !c->aligned || c->dim % 8 != 0) return CATALOGUE_TILES;
    if (c->warpgroups && catalogue_choice_wgmma_shape(c->dim, c->shared).stages > 0)
        return CATALOGUE_WGMMA;
    const bool fits = catalogue_choice_fused_bytes(c->dim) + STATIC_BYTES <= c->shared;
    return fits ? CATALOGUE_FUSED : CATALOGUE_TILES;
}
