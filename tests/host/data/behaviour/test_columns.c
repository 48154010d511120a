/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of events: any part of them, in any layout. */
#include "data/behaviour/columns.h"

#include "shop.h"

enum { EVENTS_MAX = 1 << 18 };

static Behaviour open_shop(const Shop *shop)
{
    char path[256];
    Behaviour b;
    assert_ok(shop_write(shop, shop_path(path, "columns")));
    assert_ok(behaviour_open(&b, path));
    unlink(path);
    return b;
}

/* A compressed file has chunks of 32768 events: parts begin, end and cross at all places of
 * them. */
static void a_part_is_the_same_part_of_the_whole(void **state)
{
    (void)state;
    const Shop shop = {.users = 60, .longest = 4000, .seed = 4, .features = true, .compress = true};
    Behaviour b = open_shop(&shop);
    assert_true(b.events > 3 * 32768 && b.events < EVENTS_MAX);
    char *whole = malloc((size_t)EVENTS_MAX * 8), *part = malloc((size_t)EVENTS_MAX * 8);
    assert_true(whole && part);
    for (int c = 0; c < COLUMN_FEATURE + 2; c++) {
        const size_t size = schema_type_bytes(schema_column_type((Column)c));
        assert_null(columns_direct(&b, (Column)c));
        assert_ok(columns_read(&b, (Column)c, 0, b.events, whole));
        for (uint64_t k = 0; k < 40; k++) {
            const int64_t first = (int64_t)(philox_u64(1, k, 0) % (uint64_t)b.events);
            const int64_t count = (int64_t)(philox_u64(1, k, 1) % (uint64_t)(b.events - first + 1));
            assert_ok(columns_read(&b, (Column)c, first, count, part));
            assert_memory_equal(part, whole + (size_t)first * size, (size_t)count * size);
        }
    }
    free(whole);
    free(part);
    behaviour_close(&b);
}

static void a_contiguous_column_is_read_in_place(void **state)
{
    (void)state;
    const Shop shop = {.users = 50, .longest = 900, .seed = 4, .features = true};
    Behaviour b = open_shop(&shop);
    char *copy = malloc((size_t)b.events * 8);
    assert_non_null(copy);
    for (int c = 0; c < COLUMN_FEATURE + 2; c++) {
        const void *direct = columns_direct(&b, (Column)c);
        columns_prefetch(&b, (Column)c, 3, b.events - 3);
        assert_ok(columns_read(&b, (Column)c, 0, b.events, copy));
        if (direct)
            assert_memory_equal(
                direct, copy, (size_t)b.events * schema_type_bytes(schema_column_type((Column)c)));
    }
    assert_non_null(columns_direct(&b, COLUMN_TIME));
    free(copy);
    behaviour_close(&b);
}

static void the_storage_of_a_column_is_described(void **state)
{
    (void)state;
    ColumnStorage s;
    Shop shop = {.users = 50, .longest = 900, .seed = 4, .features = true};
    Behaviour b = open_shop(&shop);
    assert_true(columns_storage(&b, COLUMN_FEATURE, &s));
    assert_string_equal(s.name, "price");
    assert_string_equal(s.type, "float32");
    assert_string_equal(s.layout, "contiguous");
    assert_int_equal(s.bytes, 4 * b.events);
    assert_int_equal(s.bytes_stored, 4 * b.events);
    assert_false(columns_storage(&b, COLUMN_FEATURE + 2, &s));
    behaviour_close(&b);
    shop.compress = true;
    shop.features = false;
    b = open_shop(&shop);
    assert_true(columns_storage(&b, COLUMN_TIME, &s));
    assert_string_equal(s.type, "int64");
    assert_string_equal(s.layout, "chunked");
    assert_true(s.shuffled && s.deflated);
    assert_true(s.bytes_stored < s.bytes);
    assert_int_equal(s.chunk_events, b.events < 32768 ? b.events : 32768);
    assert_false(columns_has(&b, COLUMN_PROPENSITY));
    assert_false(columns_storage(&b, COLUMN_PROPENSITY, &s));
    behaviour_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_the_same_part_of_the_whole),
        cmocka_unit_test(a_contiguous_column_is_read_in_place),
        cmocka_unit_test(the_storage_of_a_column_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
