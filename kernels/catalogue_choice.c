#include "catalogue_choice.h"

/* What kernels have beside: sums of columns. */
enum { STATIC_BYTES = 4096 };

int64_t catalogue_fused_bytes(int64_t dim)
{
    const int64_t wide = (dim + FUSED_SLAB - 1) / FUSED_SLAB * FUSED_SLAB;
    const int64_t u = FUSED_ROWS * (wide + FUSED_PAD);
    const int64_t stages = FUSED_STAGES * FUSED_ITEMS * (FUSED_SLAB + FUSED_PAD);
    return 2 * (u + stages);
}

/* A slab is 128 vectors x 64 elements; slabs begin at multiples of ALIGN; BARRIERS: two a stage and one. */
enum {
    SLAB_WIDE = 64,
    SLAB_BYTES = 128 * SLAB_WIDE * 2,
    ALIGN = 1024,
    BARRIERS = (2 * WGMMA_STAGES + 1) * 8
};

int64_t catalogue_wgmma_bytes(int64_t dim, int64_t stages)
{
    const int64_t slabs = (dim + SLAB_WIDE - 1) / SLAB_WIDE;
    return ALIGN + (slabs + stages) * SLAB_BYTES + WGMMA_ROOM + BARRIERS;
}

int64_t catalogue_wgmma_stages(int64_t dim, int64_t shared)
{
    const int64_t left = shared - catalogue_wgmma_bytes(dim, 0);
    const int64_t stages = left < 0 ? 0 : left / SLAB_BYTES;
    return stages < WGMMA_STAGES ? stages : WGMMA_STAGES;
}

CatalogueKernel catalogue_choice(const CatalogueCall *c)
{
    if (c->dtype != BF16 || !c->aligned || c->dim % 8 != 0) return CATALOGUE_TILES;
    if (c->capability == 90 && catalogue_wgmma_stages(c->dim, c->shared) >= WGMMA_STAGES_MIN)
        return CATALOGUE_WGMMA;
    const bool fits = catalogue_fused_bytes(c->dim) + STATIC_BYTES <= c->shared;
    return fits ? CATALOGUE_FUSED : CATALOGUE_TILES;
}
