/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, names, and options of older and newer headers. */
#include "api/call.h"

#include "test.h"

typedef struct {
    size_t size;
    int first, second; /* of the first release */
    int third;
} Options;
enum { LEAST = CALL_LEAST(Options, second) };

static void the_version_is_the_header_s(void **state)
{
    char text[32];
    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", SOUK_VERSION_MAJOR, SOUK_VERSION_MINOR,
             SOUK_VERSION_PATCH);
    assert_string_equal(souk_version(), text);
}

static void every_status_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(souk_status_name(SOUK_OK), "SOUK_OK");
    assert_string_equal(souk_status_name(SOUK_CANCELLED), "SOUK_CANCELLED");
    for (int s = SOUK_OK; s <= SOUK_CANCELLED; s++)
        assert_memory_equal(souk_status_name((souk_status)s), "SOUK_", 5);
    assert_string_equal(souk_status_name((souk_status)(SOUK_CANCELLED + 1)), "unknown status");
}

static void the_message_moves_into_the_caller_s_error(void **state)
{
    souk_error error;
    (void)state;
    assert_int_equal(call_end(FAIL(ERR_FORMAT, "row %d", 7), &error), SOUK_ERROR_FORMAT);
    assert_int_equal(error.status, SOUK_ERROR_FORMAT);
    assert_string_equal(error.message, "row 7");
    assert_int_equal(call_end(OK, &error), SOUK_OK);
    assert_int_equal(error.status, SOUK_OK);
    assert_string_equal(error.message, "");
    assert_int_equal(call_end(FAIL(ERR_IO, "nobody asks why"), NULL), SOUK_ERROR_IO);
    assert_string_equal(status_message(), "");
}

static void options_of_an_older_header_keep_the_defaults_of_the_rest(void **state)
{
    Options o = {sizeof o, 1, 2, 3};
    const Options older = {LEAST, 10, 20, 30};
    (void)state;
    assert_ok(call_options(&o, sizeof o, LEAST, &older, "options"));
    assert_int_equal(o.second, 20);
    assert_int_equal(o.third, 3);
}

static void options_of_a_newer_header_are_refused(void **state)
{
    Options o = {0};
    const struct {
        Options known;
        int64_t fourth;
    } newer = {{sizeof newer, 10, 20, 30}, 0};
    (void)state;
    assert_refused(call_options(&o, sizeof o, LEAST, &newer, "options"), ERR_USAGE,
                   "newer than souk");
}

static void options_without_their_size_are_refused(void **state)
{
    Options o = {0};
    const Options none = {0, 1, 2, 3};
    (void)state;
    assert_refused(call_options(&o, sizeof o, LEAST, &none, "options"), ERR_USAGE,
                   "options->size is 0");
    assert_refused(call_options(&o, sizeof o, LEAST, NULL, "options"), ERR_USAGE, "is NULL");
}

static void results_are_filled_as_far_as_the_caller_knows_them(void **state)
{
    const Options result = {0, 1, 2, 3};
    Options older = {LEAST, 10, 20, 30}, none = {0};
    (void)state;
    assert_ok(call_result(&older, &result, sizeof result, LEAST, "result"));
    assert_int_equal(older.size, LEAST);
    assert_int_equal(older.second, 2);
    assert_int_equal(older.third, 30);
    assert_ok(call_result(NULL, &result, sizeof result, LEAST, "result"));
    assert_refused(call_result(&none, &result, sizeof result, LEAST, "result"), ERR_USAGE,
                   "result->size is 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_the_header_s),
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(the_message_moves_into_the_caller_s_error),
        cmocka_unit_test(options_of_an_older_header_keep_the_defaults_of_the_rest),
        cmocka_unit_test(options_of_a_newer_header_are_refused),
        cmocka_unit_test(options_without_their_size_are_refused),
        cmocka_unit_test(results_are_filled_as_far_as_the_caller_knows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
