/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include "op.h"

static Device dev;

static Tensor tree_over(Tensor part)
{
    Tensor to = part.rank == 1 ? NEW(F32, 1) : NEW(F32, part.dim[1]);
    tree_sum(&dev, to, part);
    return to;
}

/* 2^24 absorbs a 1 and not a 2, and 2^24 + 3 rounds up: one after the other nothing would be
 * added. */
static void additions_follow_the_tree(void **state)
{
    (void)state;
    const float big = 0x1p24f;
    float x[] = {big, 1, 1, 1, 1, 1, 1};
    const float want[] = {big, big, big, big + 2, big + 4, big + 4, big + 4};
    for (int64_t parts = 1; parts <= 7; parts++)
        assert_true(*f32(tree_over(TENSOR(x, F32, parts))) == want[parts - 1]);
    tensors_free();
}

static void doubles_are_added_in_double(void **state)
{
    (void)state;
    double x[] = {1e15, 1, 2, 3, 0x1p-10}, sum;
    tree_sum(&dev, TENSOR(&sum, F64, 1), TENSOR(x, F64, 5));
    assert_true(sum == (1e15 + 1 + (2.0 + 3)) + 0x1p-10);
}

/* Each rank adds its run of 8 parts, then the ranks' sums are added: always the same bits. */
static void ranks_that_add_their_own_parts_first_change_no_bit(void **state)
{
    (void)state;
    enum { PARTS = 8, WIDE = 1000 };
    const Tensor part = NORMAL(3, 1, PARTS, WIDE), want = tree_over(part);
    for (int64_t ranks = 1; ranks <= PARTS; ranks *= 2) {
        const Tensor own = NEW(F32, ranks, WIDE);
        for (int64_t r = 0; r < ranks; r++)
            tree_sum(&dev, TENSOR(f32(own) + r * WIDE, F32, WIDE),
                     tensor_rows(part, r * (PARTS / ranks), PARTS / ranks));
        assert_same_bits(tree_over(own), want);
    }
    tensors_free();
}

static void the_sum_may_take_the_place_of_the_first_part(void **state)
{
    (void)state;
    const Tensor part = NORMAL(4, 1, 5, 33), want = tree_over(part);
    const Tensor first = TENSOR(part.data, F32, 33);
    tree_sum(&dev, first, part);
    assert_same_bits(first, want);
    tensors_free();
}

static int open_device(void **state)
{
    (void)state;
    return device_open(&dev, "cpu", 3) == OK ? 0 : 1;
}

static int close_device(void **state)
{
    (void)state;
    device_close(&dev);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions_follow_the_tree),
        cmocka_unit_test(doubles_are_added_in_double),
        cmocka_unit_test(ranks_that_add_their_own_parts_first_change_no_bit),
        cmocka_unit_test(the_sum_may_take_the_place_of_the_first_part),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
