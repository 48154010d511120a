/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and times as texts: known ones, and every one is read again as itself. */
#include <time.h>

#include "data/rawlog/arrow/digits.h"
#include "data/rawlog/text.h"
#include "test.h"

#define assert_text(call, want)                                                                    \
    do {                                                                                           \
        char out[DIGITS_MAX + 1];                                                                  \
        out[call] = '\0';                                                                          \
        assert_string_equal(out, want);                                                            \
    } while (0)

static void whole_numbers(void **state)
{
    (void)state;
    const int64_t values[] = {0, 7, 10, 99, 100, 12345, -1, -100, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char want[32];
        snprintf(want, sizeof want, "%lld", (long long)values[i]);
        assert_text(digits_of_whole(out, values[i]), want);
    }
    assert_text(digits_of_unsigned(out, UINT64_MAX), "18446744073709551615");
}

static void real_numbers_are_short(void **state)
{
    (void)state;
    assert_text(digits_of_double(out, 0.1), "0.1");
    assert_text(digits_of_double(out, -12.5), "-12.5");
    assert_text(digits_of_double(out, 5.0), "5.0");
    assert_text(digits_of_double(out, -0.0), "-0.0");
    assert_text(digits_of_double(out, 19.99), "19.99");
    assert_text(digits_of_double(out, 0.05), "0.05");
    assert_text(digits_of_double(out, 1e-7), "1e-07");
    assert_text(digits_of_double(out, 1.0 / 3.0), "0.3333333333333333");
    assert_text(digits_of_double(out, 1e300), "1e+300");
    assert_text(digits_of_double(out, (double)NAN), "");
    assert_text(digits_of_double(out, (double)INFINITY), "inf");
    assert_text(digits_of_float(out, 0.1f), "0.1");
    assert_text(digits_of_float(out, 16777216.0f), "16777216.0");
    assert_text(digits_of_float(out, 1.0f / 3.0f), "0.33333334");
}

static void real_numbers_are_read_again(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        const Philox p = philox(5, 1, i);
        uint64_t bits;
        double value, again;
        float single;
        char out[DIGITS_MAX + 1];
        memcpy(&bits, p.word, sizeof bits);
        if (i % 2) /* of a usual size */
            value = (double)(int64_t)(bits >> 20) / 4096.0 / (double)(1 + i % 1000);
        else
            memcpy(&value, &bits, sizeof value);
        memcpy(&single, &p.word[2], sizeof single);
        if (!isfinite(value) || !isfinite(single)) continue;
        out[digits_of_double(out, value)] = '\0';
        assert_memory_equal(&(double){strtod(out, NULL)}, &value, sizeof value);
        assert_true(text_number(text_of(out), &again) && again == value);
        out[digits_of_float(out, single)] = '\0';
        assert_memory_equal(&(float){strtof(out, NULL)}, &single, sizeof single);
    }
}

static void decimals(void **state)
{
    (void)state;
    assert_text(digits_of_decimal(out, (uint64_t[]){1999, 0}, 2), "19.99");
    assert_text(digits_of_decimal(out, (uint64_t[]){5, 0}, 3), "0.005");
    assert_text(digits_of_decimal(out, (uint64_t[]){0 - UINT64_C(150), UINT64_MAX}, 2), "-1.50");
    assert_text(digits_of_decimal(out, (uint64_t[]){0, 1}, 0), "18446744073709551616");
    assert_text(digits_of_decimal(out, (uint64_t[]){0, UINT64_C(1) << 63}, 0),
                "-170141183460469231731687303715884105728");
    assert_text(digits_of_decimal(out, (uint64_t[]){12, 0}, -3), "12e3");
}

static void times_are_those_of_the_calendar(void **state)
{
    (void)state;
    assert_text(digits_of_time(out, 0, 1, 0), "1970-01-01 00:00:00");
    assert_text(digits_of_time(out, 1709164800123, 1000, 1), "2024-02-29 00:00:00.123+00:00");
    assert_text(digits_of_time(out, 1709164800000001, 1000000, 0), "2024-02-29 00:00:00.000001");
    assert_text(digits_of_time(out, -1, 1000000000, 0), "1969-12-31 23:59:59.999999999");
    assert_text(digits_of_date(out, -1), "1969-12-31");
    for (int64_t i = 0; i < 20000; i++) {
        const Philox p = philox(6, 2, (uint64_t)i);
        const time_t seconds = (time_t)(p.word[0] | (uint64_t)(p.word[1] & 31) << 32) - 50000000000;
        struct tm parts;
        char want[64];
        assert_non_null(gmtime_r(&seconds, &parts));
        assert_true(strftime(want, sizeof want, "%Y-%m-%d %H:%M:%S", &parts) > 0);
        if (parts.tm_year + 1900 < 1000) continue; /* strftime does not write four digits */
        assert_text(digits_of_time(out, seconds, 1, 0), want);
    }
    /* No value writes more than DIGITS_MAX. */
    assert_true(digits_of_time((char[DIGITS_MAX]){0}, INT64_MIN, 1000, 1) <= DIGITS_MAX);
    assert_true(digits_of_time((char[DIGITS_MAX]){0}, INT64_MAX, 1, 1) <= DIGITS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers_are_short),
        cmocka_unit_test(real_numbers_are_read_again),
        cmocka_unit_test(decimals),
        cmocka_unit_test(times_are_those_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
