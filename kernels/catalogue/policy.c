/* Two heads over one catalogue, on the CPU: both walk the same tiles and groups. */
#include "catalogue/policy.h"

#include <float.h>
#include <math.h>

#include "base/bf16.h"
#include "base/vecmath.h"
#include "catalogue/tiles.h"

typedef struct {
    Tiles tiles;
    Tensor u; /* f32 */
} Head;

static void check(CatalogueHead z, CatalogueHead q)
{
    const int64_t rows = z.u.dim[0], items = z.table->id.dim[0];
    EXPECT(z.u, activation_dtype(z.u), rows, z.table->id.dim[1]);
    EXPECT(q.u, z.u.dtype, rows, q.table->id.dim[1]);
    REQUIRE(q.table->id.dim[0] == items, "heads over %lld and %lld items", (long long)items,
            (long long)q.table->id.dim[0]);
}

static Head open_head(Device *dev, CatalogueHead h)
{
    return (Head){.tiles = tiles_plan(dev, h.table, h.bias, h.u.dim[0], h.u.dtype),
                  .u = bf16_widen(dev, h.u)};
}

static const float *scores(const Head *h, int64_t tile, int64_t first_row, int64_t rows, int pass)
{
    return tiles_scores(&h->tiles, tile, f32(h->u) + first_row * h->tiles.dim, rows, pass);
}

/* ---- Expectation --------------------------------------------------------------------------------- */

typedef struct {
    float max;
    double sum, weighted; /* sum exp((z - max) scale), sum exp((z - max) scale) q */
} Mean;

static void add_tile(Mean *m, const float *restrict z, const float *restrict q, int64_t width,
                     float scale)
{
    const float max = tiles_row_max(z, width);
    if (max > m->max) {
        const double shrink = exp((double)(m->max - max) * scale);
        m->sum *= shrink;
        m->weighted *= shrink;
        m->max = max;
    }
    const float top = m->max;
    float sum = 0.0f, weighted = 0.0f;
#pragma omp simd reduction(+ : sum, weighted)
    for (int64_t j = 0; j < width; j++) {
        const float e = vec_expf((z[j] - top) * scale);
        sum += e;
        weighted += e * q[j];
    }
    m->sum += sum;
    m->weighted += weighted;
}

static void block_means(const Head *z, const Head *q, Mean *mean, int64_t first, int64_t rows,
                        float scale)
{
    const Tiles *t = &z->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        Mean *m = mean + g * t->block;
        for (int64_t i = 0; i < rows; i++) m[i] = (Mean){.max = -FLT_MAX};
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *zt = scores(z, tile, first, rows, 1),
                        *qt = scores(q, tile, first, rows, 1);
            for (int64_t i = 0; i < rows; i++)
                add_tile(&m[i], zt + i * TILE, qt + i * TILE, tiles_width(t, tile), scale);
        }
    }
}

void catalogue_policy_expectation(Device *dev, Tensor expectation, CatalogueHead zh,
                                  CatalogueHead qh, float temperature)
{
    const int64_t rows = zh.u.dim[0];
    check(zh, qh);
    EXPECT(expectation, F32, rows);
    REQUIRE(temperature > 0.0f, "temperature is %g, want > 0", (double)temperature);
    if (rows == 0) return;
    if (ON_CUDA(dev)) {
        catalogue_policy_expectation_cuda(dev, expectation, zh, qh, temperature);
        return;
    }
    const float scale = 1.0f / temperature;
    const size_t mark = scratch_mark(dev);
    const Head z = open_head(dev, zh), q = open_head(dev, qh);
    const Tiles *t = &z.tiles;
    Mean *mean = SCRATCH(dev, U8, t->groups, t->block, (int64_t)sizeof(Mean)).data;
    for (int64_t first = 0; first < rows; first += t->block) {
        const int64_t count = rows - first < t->block ? rows - first : t->block;
        block_means(&z, &q, mean, first, count, scale);
        for (int64_t i = 0; i < count; i++) {
            double max = -FLT_MAX, sum = 0.0, weighted = 0.0;
            for (int64_t g = 0; g < t->groups; g++) max = fmax(max, mean[g * t->block + i].max);
            for (int64_t g = 0; g < t->groups; g++) {
                const Mean *m = &mean[g * t->block + i];
                const double shrink = exp((m->max - max) * scale);
                sum += m->sum * shrink;
                weighted += m->weighted * shrink;
            }
            f32(expectation)[first + i] = (float)(weighted / sum);
        }
    }
    scratch_release(dev, mark);
}

/* ---- The best allowed action ---------------------------------------------------------------------- */

typedef struct {
    float top, q; /* the highest z; the highest q of an allowed item */
    int32_t item;
} Choice;

static void block_tops(const Head *z, Choice *choice, int64_t first, int64_t rows)
{
    const Tiles *t = &z->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        Choice *c = choice + g * t->block;
        for (int64_t i = 0; i < rows; i++) c[i] = (Choice){-INFINITY, -INFINITY, 0};
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *zt = scores(z, tile, first, rows, 1);
            for (int64_t i = 0; i < rows; i++)
                c[i].top = fmaxf(c[i].top, tiles_row_max(zt + i * TILE, tiles_width(t, tile)));
        }
    }
}

/* `floor` [rows]: what z must be above. */
static void block_choices(const Head *z, const Head *q, Choice *choice, const float *floor,
                          int64_t first, int64_t rows)
{
    const Tiles *t = &z->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        Choice *c = choice + g * t->block;
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *zt = scores(z, tile, first, rows, 2),
                        *qt = scores(q, tile, first, rows, 1);
            const int64_t width = tiles_width(t, tile);
            for (int64_t i = 0; i < rows; i++, zt += TILE, qt += TILE)
                for (int64_t j = 0; j < width; j++)
                    if (zt[j] > floor[i] && qt[j] > c[i].q) {
                        c[i].q = qt[j];
                        c[i].item = (int32_t)(tiles_first(t, tile) + j);
                    }
        }
    }
}

void catalogue_policy_allowed_best(Device *dev, Tensor best, CatalogueHead zh, CatalogueHead qh,
                                   float ratio)
{
    const int64_t rows = zh.u.dim[0];
    check(zh, qh);
    EXPECT(best, I32, rows);
    REQUIRE(ratio >= 0.0f && ratio < 1.0f, "ratio is %g, want 0 to below 1", (double)ratio);
    const float log_ratio = ratio > 0.0f ? logf(ratio) : -INFINITY;
    if (rows == 0) return;
    if (ON_CUDA(dev)) {
        catalogue_policy_allowed_best_cuda(dev, best, zh, qh, log_ratio);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Head z = open_head(dev, zh), q = open_head(dev, qh);
    const Tiles *t = &z.tiles;
    Choice *choice = SCRATCH(dev, U8, t->groups, t->block, (int64_t)sizeof(Choice)).data;
    float *floor = f32(SCRATCH(dev, F32, t->block));
    for (int64_t first = 0; first < rows; first += t->block) {
        const int64_t count = rows - first < t->block ? rows - first : t->block;
        block_tops(&z, choice, first, count);
        for (int64_t i = 0; i < count; i++) {
            floor[i] = -INFINITY;
            for (int64_t g = 0; g < t->groups; g++)
                floor[i] = fmaxf(floor[i], choice[g * t->block + i].top);
            floor[i] += log_ratio;
        }
        block_choices(&z, &q, choice, floor, first, count);
        for (int64_t i = 0; i < count; i++) {
            Choice c = choice[i];
            for (int64_t g = 1; g < t->groups; g++)
                if (choice[g * t->block + i].q > c.q) c = choice[g * t->block + i];
            i32(best)[first + i] = c.item;
        }
    }
    scratch_release(dev, mark);
}
