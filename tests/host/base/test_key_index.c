/* SPDX-License-Identifier: Apache-2.0 */
#include "base/key_index.h"

#include "test.h"

enum { KEYS = 5000, WIDTH = 12 };

static void every_key_is_found_and_no_other(void **state)
{
    (void)state;
    static char keys[KEYS][WIDTH];
    KeyIndex x;
    for (int i = 0; i < KEYS; i++) snprintf(keys[i], WIDTH, "item-%d", 7 * i);
    assert_ok(key_index_open(&x, keys, WIDTH, true, KEYS));
    for (int i = 0; i < KEYS; i++) assert_int_equal(key_index_find(&x, keys[i]), i);
    assert_int_equal(key_index_find(&x, "item-1"), -1);
    assert_int_equal(key_index_find(&x, "item-"), -1);
    assert_int_equal(key_index_find(&x, ""), -1);
    key_index_close(&x);
}

static void a_key_that_fills_its_bytes_is_no_prefix(void **state)
{
    (void)state;
    static const char keys[][4] = {"abc", "abd"};
    KeyIndex x;
    assert_ok(key_index_open(&x, keys, 4, true, 2));
    assert_int_equal(key_index_find(&x, "abc"), 0);
    assert_int_equal(key_index_find(&x, "abcd"), -1);
    assert_int_equal(key_index_find(&x, "ab"), -1);
    key_index_close(&x);
}

static void what_stands_behind_the_zero_does_not_count(void **state)
{
    (void)state;
    static const char keys[][6] = {{'a', 'b', 0, 'x', 'y', 0}, {'a', 'c', 0, 'x', 'y', 0}};
    KeyIndex x;
    assert_ok(key_index_open(&x, keys, 6, true, 2));
    assert_int_equal(key_index_find(&x, "ab"), 0);
    assert_int_equal(key_index_find(&x, "ac"), 1);
    key_index_close(&x);
}

static void of_equal_keys_the_first_row_is_found(void **state)
{
    (void)state;
    static const uint64_t keys[] = {9, 5, 9, 5, 5};
    const uint64_t five = 5, nine = 9, zero = 0;
    KeyIndex x;
    assert_ok(key_index_open(&x, keys, sizeof *keys, false, 5));
    assert_int_equal(key_index_find(&x, &five), 1);
    assert_int_equal(key_index_find(&x, &nine), 0);
    assert_int_equal(key_index_find(&x, &zero), -1);
    key_index_close(&x);
}

static void no_keys_are_no_rows(void **state)
{
    (void)state;
    KeyIndex x;
    assert_ok(key_index_open(&x, "", 1, true, 0));
    assert_int_equal(key_index_find(&x, ""), -1);
    key_index_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_found_and_no_other),
        cmocka_unit_test(a_key_that_fills_its_bytes_is_no_prefix),
        cmocka_unit_test(what_stands_behind_the_zero_does_not_count),
        cmocka_unit_test(of_equal_keys_the_first_row_is_found),
        cmocka_unit_test(no_keys_are_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
