/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "catalogue/entropy.h"
#include "heads.h"

/* With and without features; the 40,000 items take several tiles, the 1,030 rows two blocks. */
static const HeadShape shapes[] = {
    {1, 1, 2, false, true},      {3, 5, 4, true, true},     {33, 257, 16, true, true},
    {65, 131, 40, false, false}, {9, 40000, 3, true, true}, {1030, 130, 2, false, true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Relative L2 error of 1e-5, in spacings of f32. */
static const double ulps = 80;

static void entropy_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < 2 * SHAPES; n++) {
        const bool half = n % 2;
        const HeadCase c = make_head(shapes[n / 2], 10 * (uint64_t)n + 3);
        if (half && (c.shape.rows > 1000 || c.shape.items == 1)) continue;
        if (half) rounded(c.u);
        const int64_t rows = c.shape.rows, items = c.shape.items, dim = c.shape.dim;
        const ItemTable table = table_on_gpu(&c.table);
        const Tensor u = half ? to_bf16(c.u) : c.u, weight = NORMAL(5, 1, rows);
        const Tensor loss = NEW(F32, rows), du = new_tensor(u.dtype, 2, u.dim);
        const Tensor did = NEW(F32, items, dim), dbias = NEW(F32, items);
        const Tensor lossg = gpu_space(loss), dug = gpu_space(du);
        const Tensor didg = on_gpu(did), dbiasg = on_gpu(dbias);
        catalogue_entropy(&cpu, loss, du, did, dbias, u, &c.table, c.bias, weight);
        catalogue_entropy(&gpu, lossg, dug, didg, dbiasg, on_gpu(u), &table, on_gpu(c.bias),
                          on_gpu(weight));
        /* bf16: both round a score's gradient; where the f32 before it differs in a last place, by
         * up to 2^-8 of it */
        const double bound = half ? 0x1p-9 / ULP : c.shape.items == 1 ? 1e9 : ulps;
        assert_as_cpu(lossg, loss, ulps);
        assert_as_cpu(didg, did, bound);
        if (c.shape.bias) assert_as_cpu(dbiasg, dbias, bound);
        const Tensor dug_f32 = on_gpu(to_f32(from_gpu(dug)));
        assert_as_cpu(dug_f32, to_f32(du), bound);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entropy_is_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
