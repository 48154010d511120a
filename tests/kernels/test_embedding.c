/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "embedding.h"

static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    float table[] = {1, 2, 10, 20, 100, 200}, ys[] = {0, 0, 5, 5, 0, 1, 0, 0};
    float dtable[] = {0, 0, 1, 1, 0, 0};
    int32_t id[] = {2, -1, 0, 2};
    const Tensor y = TENSOR(ys, F32, 4, 2), ids = TENSOR(id, I32, 4);
    embedding_add(&dev, y, TENSOR(table, F32, 3, 2), ids);
    const float want[] = {100, 200, 5, 5, 1, 3, 100, 200};
    assert_memory_equal(ys, want, sizeof ys);
    embedding_backward(&dev, TENSOR(dtable, F32, 3, 2), y, ids);
    const float gradient[] = {1, 3, 1, 1, 200, 400};
    assert_memory_equal(dtable, gradient, sizeof dtable);
    device_close(&dev);
}

/* dtable of forward y = table[ids] is linear in dy: sums by id, here in double. */
static void gradient_sums_by_id_in_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const struct {
        int64_t rows, entries, dim, skip; /* every skip-th row has no id */
    } cases[] = {{0, 5, 3, 2},      {1, 1, 1, 9},        {257, 1, 5, 1000},    {3000, 3, 7, 5},
                 {900, 20, 33, 10}, {1000, 5000, 16, 3}, {700, 9000000, 1, 50}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int64_t rows = cases[k].rows, entries = cases[k].entries, dim = cases[k].dim;
        const Tensor ids = NEW(I32, rows), dy = NORMAL(k, 1.0f, rows, dim);
        for (int64_t i = 0; i < rows; i++) {
            const uint32_t word = philox(k, 7, (uint64_t)i).word[0];
            i32(ids)[i] = i % cases[k].skip == cases[k].skip - 1 ? -1 : (int32_t)(word % entries);
        }
        Tensor dtable[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            dtable[threads] = NEW(F32, entries, dim);
            embedding_backward(&dev, dtable[threads], dy, ids);
            device_close(&dev);
            assert_same_bits(dtable[threads], dtable[1]);
        }
        double *want = calloc((size_t)(entries * dim), sizeof *want);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t c = 0; i32(ids)[i] >= 0 && c < dim; c++)
                want[i32(ids)[i] * dim + c] += f32(dy)[i * dim + c];
        /* chains of at most 256 additions, whose errors partly cancel */
        assert_true(relative_l2(f32(dtable[1]), want, entries * dim) <= 16 * ULP);
        free(want);
        tensors_free();
    }
}

static void few_rows_are_added_in_their_order(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 3));
    /* in this order the big numbers cancel first and the small one survives */
    float dtable[] = {0}, dy[] = {1e8f, -1e8f, 1}, swapped[] = {1e8f, 1, -1e8f};
    int32_t id[] = {0, 0, 0};
    const Tensor ids = TENSOR(id, I32, 3), sum = TENSOR(dtable, F32, 1, 1);
    embedding_backward(&dev, sum, TENSOR(dy, F32, 3, 1), ids);
    assert_true(dtable[0] == 1.0f);
    dtable[0] = 0.0f;
    embedding_backward(&dev, sum, TENSOR(swapped, F32, 3, 1), ids);
    assert_true(dtable[0] == 0.0f);
    device_close(&dev);
}

static void rows_are_added_from_the_table(void **state)
{
    (void)state;
    const int64_t rows = 333, entries = 50, dim = 37;
    const Tensor table = NORMAL(1, 1.0f, entries, dim), ids = NEW(I32, rows);
    for (int64_t i = 0; i < rows; i++) i32(ids)[i] = (int32_t)(i * 7 % (entries + 1)) - 1;
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        const Tensor y = NORMAL(2, 1.0f, rows, dim), before = new_copy(y);
        embedding_add(&dev, y, table, ids);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t c = 0; c < dim; c++) {
                const int32_t id = i32(ids)[i];
                const float row = id < 0 ? 0.0f : f32(table)[id * dim + c];
                assert_true(f32(y)[i * dim + c] == f32(before)[i * dim + c] + row);
            }
        device_close(&dev);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(gradient_sums_by_id_in_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(few_rows_are_added_in_their_order),
        cmocka_unit_test(rows_are_added_from_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
