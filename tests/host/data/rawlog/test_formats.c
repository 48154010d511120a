/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/formats.h"

#include "test.h"

static const Format *of_text(const char *text) { return formats_of_text(text, strlen(text)); }

static void the_first_bytes_of_a_log_tell_its_format(void **state)
{
    (void)state;
    assert_string_equal(of_text("user,item\n1,2\n")->name, "csv");
    assert_string_equal(of_text("")->name, "csv");
    assert_string_equal(of_text("{\"user\": 1}\n")->name, "jsonl");
    assert_string_equal(of_text(" \r\n\t{")->name, "jsonl");
    assert_string_equal(of_text("1 2 3\n")->name, "csv");
}

static void names_of_formats_differ(void **state)
{
    (void)state;
    for (int f = 0; formats_at(f); f++)
        for (int g = 0; g < f; g++)
            assert_string_not_equal(formats_at(f)->name, formats_at(g)->name);
}

/* Records without named columns have no functions that find columns; other records have all. */
static void a_format_has_the_functions_that_it_needs(void **state)
{
    (void)state;
    for (int f = 0; formats_at(f); f++) {
        const Format *format = formats_at(f);
        assert_true(format->parse && format->record_end);
        assert_true(!format->columns == !format->layout && !format->columns == !format->fields);
    }
}

static int64_t records(const Format *format, const char *text, bool last)
{
    const char *at = text, *const end = text + strlen(text);
    const LogLayout layout = {.dialect = {.delimiter = ",", .quoted = true}};
    int64_t count = 0;
    while (at < end && (at = format->record_end(at, end, &layout, last))) count++;
    return count;
}

static void a_record_without_a_line_end_counts_at_the_end_only(void **state)
{
    (void)state;
    for (int f = 0; formats_at(f); f++) {
        assert_int_equal(records(formats_at(f), "a,b\nc,d\n", false), 2);
        assert_int_equal(records(formats_at(f), "a,b\nc,d", false), 1);
        assert_int_equal(records(formats_at(f), "a,b\nc,d", true), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_bytes_of_a_log_tell_its_format),
        cmocka_unit_test(names_of_formats_differ),
        cmocka_unit_test(a_format_has_the_functions_that_it_needs),
        cmocka_unit_test(a_record_without_a_line_end_counts_at_the_end_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
