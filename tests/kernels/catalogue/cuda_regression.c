/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "catalogue/regression.h"
#include "heads.h"

/* With and without features; the 40,000 items take several tiles, the 1,030 rows two blocks. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},      {3, 5, 4, true, true},     {33, 257, 16, true, true},
    {65, 131, 40, false, false}, {9, 40000, 3, true, true}, {1030, 130, 2, false, true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Relative L2 error of 1e-5, in spacings of f32. */
static const double ulps = 80;

/* The same products on both devices; what is left of sums that cancel is small beside their terms,
 * so that the bound is one of the terms' size. */
static void regressions_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        const bool half = n % 2;
        const HeadCase c = make_head(shapes[n / 2], 10 * (uint64_t)n + 4);
        if (half) rounded(c.u);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const ItemTable table = table_on_gpu(&c.table);
        const Tensor u = half ? to_bf16(c.u) : c.u, u_g = on_gpu(u), bias_g = on_gpu(c.bias);
        const Tensor target = NEW(I32, rows), y = NORMAL(6, 1, rows), weight = NORMAL(5, 1, rows);
        const Tensor mean = NEW(F32, rows), mean_g = gpu_space(mean);
        for (int64_t i = 0; i < rows; i++) i32(target)[i] = (int32_t)(i * 7 % items);
        for (int64_t i = 3; i < rows; i += 4) i32(target)[i] = -1, f32(weight)[i] = 0.0f;
        const RegressionOut out = {NEW(F32, rows), NEW(F32, rows), new_tensor(u.dtype, 2, u.dim),
                                   NEW(F32, items, dim), NEW(F32, items)};
        const RegressionOut out_g = {gpu_space(out.loss), gpu_space(out.dshift), gpu_space(out.du),
                                     on_gpu(out.did), on_gpu(out.dbias)};
        catalogue_regression_mean(&cpu, mean, u, &c.table, c.bias);
        catalogue_regression_mean(&gpu, mean_g, u_g, &table, bias_g);
        assert_as_cpu(mean_g, mean, ulps);
        catalogue_regression(&cpu, out, u, &c.table, c.bias, target, y, weight);
        catalogue_regression(&gpu, out_g, u_g, &table, bias_g, on_gpu(target), on_gpu(y),
                             on_gpu(weight));
        assert_as_cpu(out_g.loss, out.loss, ulps);
        assert_as_cpu(out_g.dshift, out.dshift, ulps);
        assert_as_cpu(out_g.did, out.did, ulps);
        if (c.shape.bias) assert_as_cpu(out_g.dbias, out.dbias, ulps);
        const Tensor du_g = on_gpu(to_f32(from_gpu(out_g.du)));
        assert_as_cpu(du_g, to_f32(out.du), half ? 0x1p-9 / ULP : ulps);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regressions_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
