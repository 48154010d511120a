/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "embedding.h"

/* Which ids the rows have: any; three of them; one; any, where a third of the rows has none. */
enum { SPREAD, FEW, ONE, SKIPPED, PATTERNS };

static void fill_ids(Tensor ids, int64_t entries, int pattern, uint64_t seed)
{
    for (int64_t i = 0; i < tensor_count(ids); i++) {
        const Philox p = philox(seed, 0, (uint64_t)i);
        int64_t id = (int64_t)(p.word[0] % (uint64_t)entries);
        if (pattern == FEW) id = id % 3 * (entries - 1) / 2;
        if (pattern == ONE) id = entries - 1;
        if (pattern == SKIPPED && p.word[1] % 3 == 0) id = -1 - (int64_t)(p.word[1] % 1000);
        i32(ids)[i] = (int32_t)id;
    }
}

typedef struct {
    int64_t rows, dim, entries;
} Shape;

static void compare(Shape s, int pattern, Dtype dtype)
{
    const Tensor table = NORMAL(1, 1.0f, s.entries, s.dim), ids = NEW(I32, s.rows);
    const Tensor y = rounded(NORMAL(2, 1.0f, s.rows, s.dim));
    fill_ids(ids, s.entries, pattern, 10);
    const Tensor ids_g = on_gpu(ids), y_g = as_gpu(dtype, y), table_g = on_gpu(table);
    embedding_backward(&cpu, table, y, ids);
    embedding_backward(&gpu, table_g, y_g, ids_g);
    /* sums of at most `rows` random numbers, whose errors grow with the root of their number */
    assert_as_cpu(table_g, table, 2 + sqrt((double)s.rows));
    device_copy_in(&gpu, table_g.data, table.data, tensor_bytes(table));
    embedding_add(&cpu, y, table, ids);
    embedding_add(&gpu, y_g, table_g, ids_g);
    assert_as_cpu(y_g, y, 0);
    pair_free();
}

static void rows_and_gradients_are_as_on_the_cpu(void **state)
{
    (void)state;
    static const Shape shapes[] = {{0, 8, 5},    {1, 1, 1},     {31, 5, 300},
                                   {33, 130, 7}, {700, 36, 90}, {2100, 8, 70000}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            compare(shapes[s], pattern, F32);
            compare(shapes[s], pattern, BF16);
        }
}

/* Whole numbers add exactly in any order, so that a sum shows each row that is missing or added
 * twice. */
static void no_row_is_lost_or_doubled(void **state)
{
    (void)state;
    enum { ROWS = 5000, ENTRIES = 40 };
    const Tensor ids = NEW(I32, ROWS), dy = NEW(F32, ROWS, 1), dtable = NEW(F32, ENTRIES, 1);
    fill_ids(ids, ENTRIES, SKIPPED, 3);
    for (int i = 0; i < ROWS; i++) f32(dy)[i] = (float)(i % 1000);
    const Tensor dtable_g = on_gpu(dtable);
    embedding_backward(&cpu, dtable, dy, ids);
    embedding_backward(&gpu, dtable_g, on_gpu(dy), on_gpu(ids));
    assert_same_bits(from_gpu(dtable_g), dtable);
    pair_free();
}

/* A table of 2^31-1 rows, of which only the last few are in memory: the address of row 0 is made
 * up. */
static void ids_go_up_to_the_largest_int(void **state)
{
    (void)state;
    enum { ROWS = 300, THERE = 40 };
    const int64_t missing = INT32_MAX - THERE;
    const Tensor ids = NEW(I32, ROWS), dy = NORMAL(1, 1.0f, ROWS, 3), dtable = NEW(F32, THERE, 3);
    fill_ids(ids, THERE, SKIPPED, 5);
    const Tensor dtable_g = on_gpu(dtable), dy_g = on_gpu(dy);
    embedding_backward(&cpu, dtable, dy, ids);
    for (int i = 0; i < ROWS; i++)
        if (i32(ids)[i] >= 0) i32(ids)[i] += (int32_t)missing;
    Tensor whole = dtable_g;
    whole.data = (void *)((uintptr_t)dtable_g.data - (uintptr_t)missing * 3 * sizeof(float));
    whole.dim[0] = INT32_MAX;
    embedding_backward(&gpu, whole, dy_g, on_gpu(ids));
    assert_as_cpu(dtable_g, dtable, 4);
    pair_free();
}

static void twice_gives_the_same_bits(void **state)
{
    (void)state;
    const Tensor ids = NEW(I32, 999), dy = NORMAL(1, 1.0f, 999, 20), zero = NEW(F32, 30, 20);
    fill_ids(ids, 30, FEW, 4);
    const Tensor ids_g = on_gpu(ids), dy_g = on_gpu(dy), a = on_gpu(zero), b = on_gpu(zero);
    embedding_backward(&gpu, a, dy_g, ids_g);
    embedding_backward(&gpu, b, dy_g, ids_g);
    assert_same_bits(from_gpu(a), from_gpu(b));
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_gradients_are_as_on_the_cpu),
        cmocka_unit_test(no_row_is_lost_or_doubled),
        cmocka_unit_test(ids_go_up_to_the_largest_int),
        cmocka_unit_test(twice_gives_the_same_bits),
    };
    return RUN_PAIR_TESTS(tests);
}
