/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "catalogue/policy.h"
#include "excluded.h"
#include "heads.h"

/* With and without features; the 40,000 items take several tiles, the 1,030 rows two blocks. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},      {3, 5, 4, true, true},     {33, 257, 16, true, true},
    {65, 131, 40, false, false}, {9, 40000, 3, true, true}, {1030, 130, 2, false, true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Relative L2 error of 1e-5, in spacings of f32. */
static const double ulps = 80;

static void two_heads_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        HeadShape other = shapes[n];
        other.dim += 3;
        other.bias = !other.bias;
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 2), d = make_head(other, 77);
        const ItemTable zs = table_on_gpu(&c.table), qs = table_on_gpu(&d.table);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const CatalogueHead z = {c.u, &c.table, c.bias}, q = {d.u, &d.table, d.bias};
        const CatalogueHead zg = {on_gpu(c.u), &zs, on_gpu(c.bias)};
        const CatalogueHead qg = {on_gpu(d.u), &qs, on_gpu(d.bias)};
        const Tensor mean = NEW(F32, rows), meang = gpu_space(mean);
        const Tensor best = NEW(I32, rows), bestg = gpu_space(best);
        catalogue_policy_expectation(&cpu, mean, z, q, 0.6f);
        catalogue_policy_expectation(&gpu, meang, zg, qg, 0.6f);
        assert_as_cpu(meang, mean, ulps);

        catalogue_policy_allowed_best(&cpu, best, z, q, 0.3f);
        catalogue_policy_allowed_best(&gpu, bestg, zg, qg, 0.3f);
        const Tensor have = from_gpu(bestg);
        double *qs_dense = dense_scores(&d);
        for (int64_t i = 0; i < rows; i++)
            assert_near(qs_dense[i * items + i32(have)[i]], qs_dense[i * items + i32(best)[i]],
                        64 * (double)d.shape.dim * ULP);
        free(qs_dense);
        pair_free();
    }
}

static void blends_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        HeadShape other = shapes[n];
        other.dim += 3;
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 4), d = make_head(other, 78);
        const ItemTable zs = table_on_gpu(&c.table), qs = table_on_gpu(&d.table);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const Tensor table = NEW(F32, items, rows), tableg = gpu_space(table);
        const Tensor shift = NORMAL(9, 0.5f, rows), floor = NORMAL(10, 1.0f, rows);
        const Excluded x = make_excluded(rows, items);
        for (int kind = 0; kind < 2; kind++) {
            CatalogueBlend b = {.z_weight = 1.0f,
                                .q_weight = 0.75f,
                                .logarithms = kind == 0,
                                .shift = shift,
                                .floor = kind ? floor : (Tensor){0},
                                .exclusion = exclusion_of(x)};
            catalogue_policy_blend(&cpu, table, (CatalogueHead){c.u, &c.table, c.bias},
                                   (CatalogueHead){d.u, &d.table, d.bias}, b);
            b.shift = on_gpu(shift);
            if (kind) b.floor = on_gpu(floor);
            b.exclusion = (Exclusion){on_gpu(x.offset).data, on_gpu(x.item).data};
            catalogue_policy_blend(&gpu, tableg, (CatalogueHead){on_gpu(c.u), &zs, on_gpu(c.bias)},
                                   (CatalogueHead){on_gpu(d.u), &qs, on_gpu(d.bias)}, b);
            const Tensor have = from_gpu(tableg);
            int64_t apart = 0; /* nearer to the threshold than rounding */
            for (int64_t k = 0; k < rows * items; k++) {
                const double a = f32(have)[k], e = f32(table)[k];
                const bool never = e == CATALOGUE_NEVER;
                if (never != (a == CATALOGUE_NEVER))
                    apart++;
                else
                    assert_near(a, e, never ? 0.0 : 1e-5 * (fabs(e) + 4.0));
            }
            assert_true(apart <= (kind ? 1 + rows * items / 50000 : 0));
        }
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_heads_are_as_on_the_cpu),
        cmocka_unit_test(blends_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
