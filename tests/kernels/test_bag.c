/* SPDX-License-Identifier: Apache-2.0 */
#include "bag_case.h"

#include "base/scratch.h"

/* Bag 0 has the rows 0 and 2, bag 1 is empty, bag 2 has row 2, bag 3 has all four rows. */
static void sums_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    int64_t offset[] = {0, 2, 2, 3, 7}, at[] = {0, 2, 3, 6, 7};
    int32_t row[] = {0, 2, 2, 0, 1, 2, 3}, bag[] = {0, 3, 3, 0, 2, 3, 3};
    const Bags bags = {TENSOR(offset, I64, 5), TENSOR(row, I32, 7), TENSOR(at, I64, 5),
                       TENSOR(bag, I32, 7)};
    float table[] = {1, 10, 2, 20, 3, 30, 4, 40}, y[8] = {9, 9, 9, 9, 9, 9, 9, 9};
    bag_forward(&dev, TENSOR(y, F32, 4, 2), TENSOR(table, F32, 4, 2), &bags);
    const float root = 1.0f / sqrtf(2.0f);
    const float want[] = {4 * root, 40 * root, 0, 0, 3, 30, 5, 50};
    assert_memory_equal(y, want, sizeof y);

    float dy[] = {1, 0, 100, 100, 2, 1, 4, 8}, dtable[] = {0, 0, 1, 0, 0, 0, 0, 5};
    bag_backward(&dev, TENSOR(dtable, F32, 4, 2), TENSOR(dy, F32, 4, 2), &bags);
    const float got[] = {root + 2, 4, 1 + 2, 4, root + 2 + 2, 1 + 4, 2, 5 + 4};
    for (int i = 0; i < 8; i++) assert_near(dtable[i], got[i], 4 * ULP * got[i]);
    device_close(&dev);
}

enum { BAGS = 61, ROWS = 37, DIM = 3 };
typedef struct {
    Bags bags;
    Tensor weight; /* of each element of y in the loss */
} Loss;

/* sum_i weight_i sin(y_i), in double. */
static double loss_of(const double *table, const void *context)
{
    const Loss *l = context;
    const int64_t *offset = l->bags.offset.data;
    double loss = 0.0;
    for (int64_t b = 0; b < BAGS; b++)
        for (int64_t d = 0; d < DIM; d++) {
            double y = 0.0;
            for (int64_t j = offset[b]; j < offset[b + 1]; j++)
                y += table[i32(l->bags.row)[j] * DIM + d];
            if (offset[b + 1] > offset[b]) y /= sqrt((double)(offset[b + 1] - offset[b]));
            loss += (double)f32(l->weight)[b * DIM + d] * sin(y);
        }
    return loss;
}

static void the_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    Device dev;
    double x[ROWS * DIM], want[ROWS * DIM];
    assert_ok(device_open(&dev, "cpu", 2));
    const Loss l = {make_bags(BAGS, ROWS, 9, 3), NORMAL(2, 1.0f, BAGS, DIM)};
    const Tensor table = NORMAL(1, 1.0f, ROWS, DIM), y = NEW(F32, BAGS, DIM);
    const Tensor dy = NEW(F32, BAGS, DIM), dtable = NEW(F32, ROWS, DIM);
    to_double(x, table);
    differences(want, loss_of, &l, x, ROWS * DIM);
    bag_forward(&dev, y, table, &l.bags);
    for (int i = 0; i < BAGS * DIM; i++) f32(dy)[i] = f32(l.weight)[i] * cosf(f32(y)[i]);
    bag_backward(&dev, dtable, dy, &l.bags);
    for (int i = 0; i < ROWS * DIM; i++) assert_near(f32(dtable)[i], want[i], 2e-6);
    tensors_free();
    device_close(&dev);
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    const Bags bags = make_bags(1000, 300, 40, 4);
    const Tensor table = NORMAL(1, 1.0f, 300, 19), dy = NORMAL(2, 1.0f, 1000, 19);
    Tensor y[4], dtable[4];
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        y[threads] = NEW(F32, 1000, 19), dtable[threads] = NEW(F32, 300, 19);
        bag_forward(&dev, y[threads], table, &bags);
        bag_backward(&dev, dtable[threads], dy, &bags);
        assert_same_bits(y[threads], y[1]);
        assert_same_bits(dtable[threads], dtable[1]);
        device_close(&dev);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_worked_by_hand),
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
