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

CatalogueKernel catalogue_choice(const CatalogueCall *c)
{
    if (c->dtype != BF16 || !c->aligned || c->dim % 8 != 0) return CATALOGUE_TILES;
    const bool fits = catalogue_fused_bytes(c->dim) + STATIC_BYTES <= c->shared;
    return fits ? CATALOGUE_FUSED : CATALOGUE_TILES;
}
