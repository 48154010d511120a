/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue_case.h"

/* With and without features; the 40,000 items take several tiles (of 16,384), the 1,030 rows two
 * blocks (of 1,024). */
static const Shape shapes[] = {
    {1, 1, 2, 0, 0, 0, true},      {3, 5, 4, 1, 3, 0, true},      {7, 255, 6, 0, 0, 2, true},
    {33, 257, 16, 2, 9, 3, true},  {65, 131, 40, 0, 0, 0, false}, {9, 40000, 3, 1, 5, 0, true},
    {1030, 130, 2, 0, 0, 0, true},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void items_and_single_gradients_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SHAPES; n++) {
        const Shape s = shapes[n];
        if (s.items > 1000) continue;
        const Case c = make_case(s, 10 * (uint64_t)n + 4);
        const Tensor e = NEW(F32, s.rows, s.dim), eg = gpu_space(e), ids = new_copy(c.target);
        i32(ids)[0] = -1;
        items_gather(&cpu, e, &c.table, ids);
        items_gather(&gpu, eg, &c.table_gpu, on_gpu(ids));
        assert_as_cpu(eg, e, 4);
        for (int64_t d = 0; d < s.dim; d++) assert_true(f32(e)[d] == 0.0f);

        const Tensor g = NORMAL(5, 1, s.rows), du = NEW(F32, s.rows, s.dim);
        const Tensor did = NORMAL(6, 1, s.items, s.dim), dbias = NORMAL(7, 1, s.items);
        const Tensor dug = gpu_space(du), didg = on_gpu(did), dbiasg = on_gpu(dbias);
        catalogue_score_backward(&cpu, du, did, dbias, g, c.u, &c.table, c.target);
        catalogue_score_backward(&gpu, dug, didg, dbiasg, on_gpu(g), on_gpu(c.u), &c.table_gpu,
                                 on_gpu(c.target));
        assert_as_cpu(dug, du, 4);
        assert_as_cpu(didg, did, 8);
        assert_as_cpu(dbiasg, dbias, 8);

        const Tensor dcategory = NEW(F32, s.kinds ? s.categories : 1, s.dim);
        const Tensor dweight = NEW(F32, s.numbers ? s.numbers : 1, s.dim);
        const Tensor dcategoryg = on_gpu(dcategory), dweightg = on_gpu(dweight);
        items_features_backward(&cpu, dcategory, dweight, did, &c.table);
        items_features_backward(&gpu, dcategoryg, dweightg, didg, &c.table_gpu);
        assert_as_cpu(dcategoryg, dcategory, 8 + (double)s.items);
        assert_as_cpu(dweightg, dweight, 8 + (double)s.items);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_and_single_gradients_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
