/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "catalogue/rank.h"

enum { ITEMS = 5, BEST = 3 };

/* One column, so that the score of an item is u times its vector. */
static float vector[ITEMS] = {2, 5, 5, 1, 5};

typedef struct {
    int32_t above, ties, item[BEST];
    float score[BEST];
} Ranked;

static Ranked rank(float u, int32_t target, Tensor bias, Exclusion exclusion)
{
    Device dev;
    Ranked r;
    assert_ok(device_open(&dev, "cpu", 2));
    const ItemTable table = {.id = TENSOR(vector, F32, ITEMS, 1)};
    catalogue_rank(&dev, TENSOR(&r.above, I32, 1), TENSOR(&r.ties, I32, 1),
                   TENSOR(r.item, I32, 1, BEST), TENSOR(r.score, F32, 1, BEST),
                   TENSOR(&u, F32, 1, 1), &table, bias, TENSOR(&target, I32, 1), exclusion);
    device_close(&dev);
    return r;
}

static void assert_ranked(Ranked have, Ranked want)
{
    assert_int_equal(have.above, want.above);
    assert_int_equal(have.ties, want.ties);
    assert_memory_equal(have.item, want.item, sizeof want.item);
    assert_memory_equal(have.score, want.score, sizeof want.score);
}

/* Scores 2 5 5 1 5: three items are above item 0, and items 1 and 4 tie with item 2. */
static void ties_are_counted_and_go_to_the_lowest_item(void **state)
{
    (void)state;
    const Tensor none = {0};
    assert_ranked(rank(1, 0, none, (Exclusion){0}), (Ranked){3, 0, {1, 2, 4}, {5, 5, 5}});
    assert_ranked(rank(1, 2, none, (Exclusion){0}), (Ranked){0, 2, {1, 2, 4}, {5, 5, 5}});
    assert_ranked(rank(-1, 3, none, (Exclusion){0}), (Ranked){0, 0, {3, 0, 1}, {-1, -2, -5}});
    float bias[ITEMS] = {0, 0, 0, 0, 0.5f};
    assert_ranked(rank(1, 1, TENSOR(bias, F32, ITEMS), (Exclusion){0}),
                  (Ranked){1, 1, {4, 1, 2}, {5.5f, 5, 5}});
}

/* Items 1, 2 and 3 are excluded. The target is not, even where it is among them. */
static void excluded_items_neither_count_nor_are_listed(void **state)
{
    (void)state;
    static const int64_t offset[] = {0, 3};
    static const int32_t item[] = {1, 2, 3};
    const Exclusion three = {offset, item};
    assert_ranked(rank(1, 0, (Tensor){0}, three), (Ranked){1, 0, {4, 0, -1}, {5, 2, -INFINITY}});
    assert_ranked(rank(1, 2, (Tensor){0}, three), (Ranked){0, 1, {2, 4, 0}, {5, 5, 2}});
}

static void a_target_that_is_not_a_number_is_below_all(void **state)
{
    (void)state;
    float bias[ITEMS] = {0, 0, NAN, 0, 0};
    const Ranked r = rank(1, 2, TENSOR(bias, F32, ITEMS), (Exclusion){0});
    assert_int_equal(r.above, ITEMS - 1);
    assert_int_equal(r.ties, 0);
}

/* Ragged on purpose: several tiles of 512 items and two blocks of 256 rows. */
static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    enum { ROWS = 300, MANY = 1100, DIM = 7, K = 20 };
    const ItemTable table = {.id = NORMAL(1, 1.0f, MANY, DIM)};
    const Tensor u = NORMAL(2, 1.0f, ROWS, DIM), target = NEW(I32, ROWS);
    for (int i = 0; i < ROWS; i++) i32(target)[i] = i * 37 % MANY;
    Tensor above[4], ties[4], item[4], score[4];
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        above[threads] = NEW(I32, ROWS), ties[threads] = NEW(I32, ROWS);
        item[threads] = NEW(I32, ROWS, K), score[threads] = NEW(F32, ROWS, K);
        catalogue_rank(&dev, above[threads], ties[threads], item[threads], score[threads], u,
                       &table, (Tensor){0}, target, (Exclusion){0});
        device_close(&dev);
        assert_same_bits(above[threads], above[1]);
        assert_same_bits(ties[threads], ties[1]);
        assert_same_bits(item[threads], item[1]);
        assert_same_bits(score[threads], score[1]);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_are_counted_and_go_to_the_lowest_item),
        cmocka_unit_test(excluded_items_neither_count_nor_are_listed),
        cmocka_unit_test(a_target_that_is_not_a_number_is_below_all),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
