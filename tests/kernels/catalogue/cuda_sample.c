/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "catalogue/sample.h"
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

static void draws_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const HeadCase c = make_head(shapes[n], 10 * (uint64_t)n + 1);
        const ItemTable table = table_on_gpu(&c.table);
        const int64_t rows = c.shape.rows, items = c.shape.items;
        const Tensor item = NEW(I32, rows), logp = NEW(F32, rows), stream = NEW(I64, rows);
        const Tensor itemg = gpu_space(item), logpg = gpu_space(logp);
        for (int64_t i = 0; i < rows; i++) ((int64_t *)stream.data)[i] = 31 * i - 9;
        const Excluded out = make_excluded(rows, items);
        SampleOptions o = {.seed = 5,
                           .step = 6,
                           .stream = stream,
                           .exclusion = exclusion_of(out),
                           .temperature = 0.5f};
        catalogue_sample(&cpu, item, logp, c.u, &c.table, c.bias, o);
        o.stream = on_gpu(stream);
        o.exclusion = exclusion_of((Excluded){on_gpu(out.offset), on_gpu(out.item)});
        catalogue_sample(&gpu, itemg, logpg, on_gpu(c.u), &table, on_gpu(c.bias), o);

        const Tensor have = from_gpu(itemg), logp_have = from_gpu(logpg);
        double *z = dense_scores(&c);
        int64_t others = 0;
        for (int64_t i = 0; i < rows; i++) {
            const int32_t a = i32(have)[i], b = i32(item)[i];
            if (a == b) {
                assert_near(f32(logp_have)[i], f32(logp)[i], ulps * ULP * 8);
                continue;
            }
            const int64_t s = ((int64_t *)stream.data)[i];
            others++;
            assert_near(z[i * items + a] * 2 + dense_noise(5, s, 6, a),
                        z[i * items + b] * 2 + dense_noise(5, s, 6, b),
                        ((double)c.shape.dim * 8 + 8 * 23) * ULP);
        }
        assert_true(others <= 1); /* keys as near as rounding are rare */
        free(z);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
