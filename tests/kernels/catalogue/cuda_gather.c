/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue_case.h"

#include "catalogue/gather.h"

/* With and without features; ids of one item fill windows of 32 and more; 200 columns take two
 * slices of 128. */
static const struct {
    Shape head;
    int64_t k;
} shapes[] = {{{1, 1, 2, 0, 0, 0, true}, 1},
              {{3, 5, 4, 1, 3, 0, true}, 7},
              {{33, 2, 16, 0, 0, 2, false}, 64},
              {{20, 300, 200, 2, 9, 3, true}, 33}};

static void check(Shape s, int64_t k, Dtype dtype, uint64_t seed)
{
    const Case c = make_case(s, seed);
    const Tensor u = dtype == BF16 ? to_bf16(c.u) : c.u, ids = NEW(I32, s.rows, k);
    const Tensor g = NORMAL(7, 1, s.rows, k), score = NEW(F32, s.rows, k);
    const Tensor start = rounded(NORMAL(8, 1, s.rows, s.dim));
    const Tensor du = dtype == BF16 ? to_bf16(start) : start;
    const Tensor did = NORMAL(9, 1, s.items, s.dim), dbias = NORMAL(10, 1, s.items);
    for (int64_t n = 0; n < s.rows * k; n++)
        i32(ids)[n] = (int32_t)(philox_u64(seed, 3, (uint64_t)n) % (uint64_t)(s.items + 1)) - 1;
    const Tensor scoreg = gpu_space(score), dug = on_gpu(du), didg = on_gpu(did);
    const Tensor dbiasg = on_gpu(dbias), ug = on_gpu(u), idsg = on_gpu(ids);
    catalogue_gather(&cpu, score, u, &c.table, c.bias, ids);
    catalogue_gather(&gpu, scoreg, ug, &c.table_gpu, on_gpu(c.bias), idsg);
    catalogue_gather_backward(&cpu, du, did, dbias, g, u, &c.table, ids);
    catalogue_gather_backward(&gpu, dug, didg, dbiasg, on_gpu(g), ug, &c.table_gpu, idsg);
    /* sums of at most dim, k or rows k terms, whose errors grow with the root of their number */
    assert_as_cpu(scoreg, score, 4 + sqrt((double)s.dim));
    assert_as_cpu(didg, did, 4 + sqrt((double)(s.rows * k)));
    assert_as_cpu(dbiasg, dbias, 4 + sqrt((double)(s.rows * k)));
    /* both round to bf16; where the f32 before it differs in a last place, by up to 2^-8 of it */
    const Tensor wide = on_gpu(to_f32(from_gpu(dug)));
    assert_as_cpu(wide, to_f32(du), dtype == BF16 ? 0x1p-9 / ULP : 4 + sqrt((double)k));
    pair_free();
}

static void scores_and_gradients_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        check(shapes[n].head, shapes[n].k, F32, 10 * n + 1);
        check(shapes[n].head, shapes[n].k, BF16, 10 * n + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_and_gradients_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
