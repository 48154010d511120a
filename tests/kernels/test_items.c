/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "base/scratch.h"
#include "items.h"

/* Two columns. Item 0 has category 1 and the number 3; item 1 category 0 and the number -1; item 2
 * category 1 and the number 0. */
static float id[] = {1, 2, 10, 20, 100, 200}, category_table[] = {0.5f, 0.25f, 4, 8};
static float text[] = {0, 0.25f, 0.5f, 0, 7, 9};
static float numeric[] = {3, -1, 0}, numeric_weight[] = {1000, 2000};
static int32_t category[] = {1, 0, 1};

static ItemTable table_by_hand(void)
{
    return (ItemTable){.id = TENSOR(id, F32, 3, 2),
                       .category = TENSOR(category, I32, 3, 1),
                       .category_table = TENSOR(category_table, F32, 2, 2),
                       .numeric = TENSOR(numeric, F32, 3, 1),
                       .numeric_weight = TENSOR(numeric_weight, F32, 1, 2)};
}

static void vectors_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    int32_t ids[] = {1, -1, 0, 2};
    float y[8];
    const ItemTable table = table_by_hand();
    items_gather(&dev, TENSOR(y, F32, 4, 2), &table, TENSOR(ids, I32, 4));
    const float want[] = {-989.5f, -1979.75f, 0, 0, 3005, 6010, 104, 208};
    assert_memory_equal(y, want, sizeof y);
    float space[4];
    const Tensor last_two = items_range(&table, 1, 2, TENSOR(space, F32, 2, 2));
    assert_memory_equal(last_two.data, ((float[]){-989.5f, -1979.75f, 104, 208}), sizeof space);
    device_close(&dev);
}

/* The second item is its features alone, to whoever asks. */
static void an_id_can_be_left_out(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    int32_t ids[] = {1, -1, 0, 2};
    float y[8], space[4], kept[] = {1, 0, 1};
    ItemTable table = table_by_hand();
    table.kept = TENSOR(kept, F32, 3);
    items_gather(&dev, TENSOR(y, F32, 4, 2), &table, TENSOR(ids, I32, 4));
    const float want[] = {-999.5f, -1999.75f, 0, 0, 3005, 6010, 104, 208};
    assert_memory_equal(y, want, sizeof y);
    const Tensor last_two = items_range(&table, 1, 2, TENSOR(space, F32, 2, 2));
    assert_memory_equal(last_two.data, ((float[]){-999.5f, -1999.75f, 104, 208}), sizeof space);
    device_close(&dev);
}

static void a_text_is_added_to_the_vector(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    int32_t ids[] = {2, 1};
    float y[4], space[2];
    ItemTable table = table_by_hand();
    table.text = TENSOR(text, F32, 3, 2);
    items_gather(&dev, TENSOR(y, F32, 2, 2), &table, TENSOR(ids, I32, 2));
    assert_memory_equal(y, ((float[]){111, 217, -989, -1979.75f}), sizeof y);
    table = (ItemTable){.id = TENSOR(id, F32, 3, 2), .text = TENSOR(text, F32, 3, 2)};
    const Tensor first = items_range(&table, 0, 1, TENSOR(space, F32, 1, 2));
    assert_memory_equal(first.data, ((float[]){1, 2.25f}), sizeof space);
    device_close(&dev);
}

static void a_range_without_features_is_a_view(void **state)
{
    (void)state;
    const ItemTable table = {.id = TENSOR(id, F32, 3, 2)};
    const Tensor range = items_range(&table, 1, 2, (Tensor){0});
    assert_ptr_equal(range.data, id + 2);
    assert_int_equal(range.dim[0], 2);
}

static void gradients_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    const ItemTable table = table_by_hand();
    int32_t ids[] = {2, 0, -1, 2};
    float dy[] = {1, 2, 3, 4, 50, 60, 7, 8}, did[] = {0, 0, 5, 6, 0, 0};
    items_gather_backward(&dev, TENSOR(did, F32, 3, 2), TENSOR(dy, F32, 4, 2), &table,
                          TENSOR(ids, I32, 4));
    const float want[] = {3, 4, 5, 6, 8, 10};
    assert_memory_equal(did, want, sizeof did);

    float dcategory[] = {100, 0, 0, 0}, dweight[] = {0, 1};
    items_features_backward(&dev, TENSOR(dcategory, F32, 2, 2), TENSOR(dweight, F32, 1, 2),
                            TENSOR(did, F32, 3, 2), &table);
    const float want_category[] = {105, 6, 11, 14};
    assert_memory_equal(dcategory, want_category, sizeof dcategory);
    assert_near(dweight[0], 3 * 3 - 5, 0);
    assert_near(dweight[1], 1 + 3 * 4 - 6, 0);
    device_close(&dev);
}

/* A shard with items 4, 5 and 6 of a catalogue of nine. */
static void a_shard_knows_its_own_items_alone(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    ItemTable table = table_by_hand();
    table.first = 4, table.total = 9;
    int32_t ids[] = {6, 3, -1, 8, 4};
    float x[] = {1, 2, 3, 4, 5}, y[10];
    const size_t mark = scratch_mark(&dev);
    const Tensor row = items_rows(&dev, &table, TENSOR(ids, I32, 5));
    assert_memory_equal(row.data, ((int32_t[]){2, -1, -1, -1, 0}), 5 * sizeof(int32_t));
    scratch_release(&dev, mark);
    items_mask(&dev, TENSOR(x, F32, 5), &table, TENSOR(ids, I32, 5));
    assert_memory_equal(x, ((float[]){1, 0, 3, 0, 5}), sizeof x);
    items_gather(&dev, TENSOR(y, F32, 5, 2), &table, TENSOR(ids, I32, 5));
    assert_memory_equal(y, ((float[]){104, 208, 0, 0, 0, 0, 0, 0, 3005, 6010}), sizeof y);
    device_close(&dev);
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    enum { ROWS = 333, ITEMS = 77, DIM = 19, KINDS = 2, CATEGORIES = 6, NUMBERS = 3 };
    const ItemTable table = {.id = NORMAL(1, 1.0f, ITEMS, DIM),
                             .category = NEW(I32, ITEMS, KINDS),
                             .category_table = NORMAL(2, 1.0f, CATEGORIES, DIM),
                             .numeric = NORMAL(3, 1.0f, ITEMS, NUMBERS),
                             .numeric_weight = NORMAL(4, 1.0f, NUMBERS, DIM)};
    const Tensor ids = NEW(I32, ROWS), dy = NORMAL(5, 1.0f, ROWS, DIM);
    for (int i = 0; i < ITEMS * KINDS; i++) i32(table.category)[i] = i * 5 % CATEGORIES;
    for (int i = 0; i < ROWS; i++) i32(ids)[i] = i * 31 % (ITEMS + 1) - 1;
    Tensor y[4], did[4], dcategory[4], dweight[4];
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        y[threads] = NEW(F32, ROWS, DIM), did[threads] = NEW(F32, ITEMS, DIM);
        dcategory[threads] = NEW(F32, CATEGORIES, DIM), dweight[threads] = NEW(F32, NUMBERS, DIM);
        items_gather(&dev, y[threads], &table, ids);
        items_gather_backward(&dev, did[threads], dy, &table, ids);
        items_features_backward(&dev, dcategory[threads], dweight[threads], did[threads], &table);
        device_close(&dev);
        assert_same_bits(y[threads], y[1]);
        assert_same_bits(did[threads], did[1]);
        assert_same_bits(dcategory[threads], dcategory[1]);
        assert_same_bits(dweight[threads], dweight[1]);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_worked_by_hand),
        cmocka_unit_test(an_id_can_be_left_out),
        cmocka_unit_test(a_text_is_added_to_the_vector),
        cmocka_unit_test(a_range_without_features_is_a_view),
        cmocka_unit_test(gradients_worked_by_hand),
        cmocka_unit_test(a_shard_knows_its_own_items_alone),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
