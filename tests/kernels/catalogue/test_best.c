/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include <float.h>

#include "catalogue/best.h"

static RowStats best_of(const float *vector, int64_t items, float u, Tensor bias, int64_t first)
{
    Device dev;
    RowStats r;
    assert_ok(device_open(&dev, "cpu", 2));
    const ItemTable table = {.id = TENSOR((void *)(uintptr_t)vector, F32, items, 1),
                             .first = first,
                             .total = first ? first + items : 0};
    catalogue_best(&dev, TENSOR(&r, U8, 1, sizeof r), TENSOR(&u, F32, 1, 1), &table, bias);
    device_close(&dev);
    return r;
}

static void assert_best(RowStats have, float max, int32_t argmax)
{
    assert_true(have.max == max);
    assert_int_equal(have.argmax, argmax);
    assert_true(have.sum == 0.0 && have.weighted == 0.0);
}

/* One column, so that the score of an item is u times its vector. */
static void a_case_worked_by_hand(void **state)
{
    (void)state;
    static const float vector[] = {2, 5, -7, 5, 1};
    float bias[] = {0, 0, 0, 1, -INFINITY};
    const Tensor none = {0}, biased = TENSOR(bias, F32, 5);
    assert_best(best_of(vector, 5, 1, none, 0), 5, 1); /* the lower of two */
    assert_best(best_of(vector, 5, 1, biased, 0), 6, 3);
    assert_best(best_of(vector, 5, -2, none, 0), 14, 2);
    assert_best(best_of(vector, 5, 1, none, 40), 5, 41); /* a shard names the whole catalogue's */
}

/* Enough items for several panels, so that equal scores meet in one lane too. */
static void of_many_equal_items_the_lowest_is_the_best(void **state)
{
    (void)state;
    float vector[300];
    for (int a = 0; a < 300; a++) vector[a] = a < 2 ? -1.0f : 3.0f;
    assert_best(best_of(vector, 300, 1, (Tensor){0}, 0), 3, 2);
    assert_best(best_of(vector, 300, -1, (Tensor){0}, 0), 1, 0);
}

static void what_is_not_a_number_is_never_the_best(void **state)
{
    (void)state;
    static const float some[] = {NAN, -3, NAN}, all[] = {NAN, NAN};
    assert_best(best_of(some, 3, 1, (Tensor){0}, 0), -3, 1);
    const RowStats r = best_of(all, 2, 1, (Tensor){0}, 0);
    assert_true(r.max == -FLT_MAX);
    assert_in_range(r.argmax, 0, 1);
}

/* Rows of one block and of several, panels that are full and that are not. */
static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 33, 5}, {13, 700, 3}, {1030, 65, 9}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const int64_t rows = shapes[s][0], items = shapes[s][1], dim = shapes[s][2];
        const ItemTable table = {.id = NORMAL(1, 1.0f, items, dim)};
        const Tensor u = NORMAL(2, 1.0f, rows, dim), bias = NORMAL(3, 1.0f, items);
        Tensor part[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            part[threads] = NEW(U8, rows, sizeof(RowStats));
            catalogue_best(&dev, part[threads], u, &table, bias);
            device_close(&dev);
            assert_same_bits(part[threads], part[1]);
        }
        tensors_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(of_many_equal_items_the_lowest_is_the_best),
        cmocka_unit_test(what_is_not_a_number_is_never_the_best),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
