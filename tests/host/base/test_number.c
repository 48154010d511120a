/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that users write. */
#include "test.h"

#include "base/number.h"

static const NumberRange counts = {true, 0, (double)INT64_MAX, false},
                         small = {true, 2, 100, false}, share = {false, 0, 1, false};

static void counts_keep_all_their_digits(void **state)
{
    (void)state;
    double real;
    int64_t count;
    assert_ok(number_parse("x", "123456789012345679", &counts, &real, &count));
    assert_true(count == 123456789012345679);
    assert_ok(number_parse("x", "9223372036854775807", &counts, &real, &count));
    assert_true(count == INT64_MAX);
    assert_ok(number_parse("x", "1e6", &counts, &real, &count));
    assert_int_equal(count, 1000000);
    assert_ok(number_parse("x", "2.5e1", &small, &real, &count));
    assert_int_equal(count, 25);
    assert_ok(number_parse("x", "0.25", &share, &real, &count));
    assert_true(real == 0.25);
}

static void all_else_is_refused_with_the_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "x",  "3x",  "1.5", "1",     "101",
                                      "-3", "1e", "nan", "inf", "1e400", "0x1g"};
    double real;
    int64_t count;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(number_parse("--k", bad[i], &small, &real, &count), ERR_USAGE,
                       "want a whole number, 2 to 100");
    assert_refused(number_parse("--k", "1.5", &small, &real, &count), ERR_USAGE, "--k = \"1.5\",");
    assert_refused(number_parse("x", "1.01", &share, &real, &count), ERR_USAGE,
                   "want a number, 0 to 1");
    assert_refused(number_parse("x", "9223372036854775808", &counts, &real, &count), ERR_USAGE,
                   "want a whole number, 0 or more");
    assert_refused(number_parse("x", "9223372036854775808.0", &counts, &real, &count), ERR_USAGE,
                   "want a whole number, 0 or more");
    assert_refused(number_parse("x", "nan", &share, &real, &count), ERR_USAGE, "want a number");
}

static void ranges_read_well(void **state)
{
    (void)state;
    static const struct {
        NumberRange range;
        const char *text;
    } cases[] = {
        {{true, 2, 16384, false}, "2 to 16384"},
        {{true, 1, 1e9, false}, "1 to 1e9"},
        {{true, 0, 1e18, false}, "0 to 1e18"},
        {{false, 1e-6, 10, false}, "1e-6 to 10"},
        {{false, 0, 0.95, false}, "0 to 0.95"},
        {{true, 1, (double)INT64_MAX, false}, "1 or more"},
        {{true, 2, 16384, true}, "2 to 16384, or auto"},
        {{true, 1, (double)INT64_MAX, true}, "1 or more, or auto"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        number_range(&cases[i].range, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_keep_all_their_digits),
        cmocka_unit_test(all_else_is_refused_with_the_range),
        cmocka_unit_test(ranges_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
