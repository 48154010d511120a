/* SPDX-License-Identifier: Apache-2.0 */
#include "bag_case.h"
#include "pair.h"

/* Bags, rows, the most rows of a bag, dim. */
static const int64_t shapes[][4] = {{1, 1, 1, 1},    {5, 3, 2, 3},     {9, 40, 12, 4},
                                    {70, 33, 20, 8}, {41, 31, 31, 33}, {300, 17, 9, 64},
                                    {33, 5, 5, 130}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void sums_over_bags_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        const int64_t count = shapes[s][0], rows = shapes[s][1], dim = shapes[s][3];
        const Bags bags = make_bags(count, rows, shapes[s][2], 10 * (uint64_t)s + 1);
        const Bags there = {on_gpu(bags.offset), on_gpu(bags.row), on_gpu(bags.at),
                            on_gpu(bags.bag)};
        const Tensor table = NORMAL(1, 1.0f, rows, dim), y = NEW(F32, count, dim);
        const Tensor dy = NORMAL(2, 1.0f, count, dim), dtable = NORMAL(3, 1.0f, rows, dim);
        const Tensor yg = gpu_space(y), dtableg = on_gpu(dtable);
        bag_forward(&cpu, y, table, &bags);
        bag_forward(&gpu, yg, on_gpu(table), &there);
        assert_as_cpu(yg, y, 4);
        bag_backward(&cpu, dtable, dy, &bags);
        bag_backward(&gpu, dtableg, on_gpu(dy), &there);
        assert_as_cpu(dtableg, dtable, 8 + (double)count / 8);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_over_bags_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
