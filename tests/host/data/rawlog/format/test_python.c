/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that Python printed, as JSON. */
#include "data/rawlog/format/python.h"

#include "test.h"

static const char *json_of(const char *python)
{
    static char out[1024];
    const size_t length = python_rewrite(python, python + strlen(python), out);
    assert_true(length <= PYTHON_GROWTH * strlen(python));
    out[length] = '\0';
    return out;
}

static void a_dictionary_becomes_an_object(void **state)
{
    (void)state;
    assert_string_equal(
        json_of("{u'user': u'Ren\\xe9', 'hours': 0.1, 'early': False, \"text\": None, 'id': 7L}\n"),
        "{\"user\": \"Ren\\u00e9\", \"hours\": 0.1, \"early\": false, \"text\": null, \"id\": "
        "7}\n");
    assert_string_equal(json_of("{'a': [1e-05, -2, nan, -inf], 'b': {'c': True}}"),
                        "{\"a\": [1e-05, -2, NaN, -Infinity], \"b\": {\"c\": true}}");
    assert_string_equal(json_of("{'a': 1}\r\n\n{'b': 2}"), "{\"a\": 1}\r\n\n{\"b\": 2}");
}

static void quotes_and_escapes_are_those_of_json(void **state)
{
    (void)state;
    assert_string_equal(json_of("{'a': \"it's\", 'b': 'say \"no\"', 'c': '\\'\\\\\\n'}"),
                        "{\"a\": \"it's\", \"b\": \"say \\\"no\\\"\", \"c\": \"'\\\\\\n\"}");
    assert_string_equal(json_of("{'a': u'\\u67f3\\U0001f600\\U00000041\\a\\v'}"),
                        "{\"a\": \"\\u67f3\\ud83d\\ude00\\u0041\\u0007\\u000b\"}");
    assert_string_equal(json_of("{'\xe6\x9f\xb3': 'caf\xc3\xa9'}"),
                        "{\"\xe6\x9f\xb3\": \"caf\xc3\xa9\"}");
}

/* JSON refuses what is left as it is. */
static void lines_that_are_no_dictionaries_stay(void **state)
{
    (void)state;
    static const char *const line[] = {
        "{'a': 'open\n",          "{'a': maybe}\n",     "{'a': '\\x4'}\n", "{'a': '\\q'}\n",
        "{'a': '\\Uffffffff'}\n", "{'a': r'raw\\n'}\n", "{'a': '\\"};
    char text[256] = "", want[256] = "";
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        assert_string_equal(json_of(line[i]), line[i]);
        if (i < 3) snprintf(text + strlen(text), 80, "%s{'b': 1}\n", line[i]);
        if (i < 3) snprintf(want + strlen(want), 80, "%s{\"b\": 1}\n", line[i]);
    }
    assert_string_equal(json_of(text), want);
}

static bool begins(const char *text) { return python_begins(text, text + strlen(text)); }

static void the_first_name_tells_python_from_json(void **state)
{
    (void)state;
    assert_true(begins("{'a': 1}"));
    assert_true(begins("\n { u'a': 1}"));
    assert_true(begins("{u\"it's\": 1}"));
    assert_false(begins("{\"a\": 'b'}"));
    assert_false(begins("{}"));
    assert_false(begins("{"));
    assert_false(begins(""));
    assert_false(begins("u'a'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dictionary_becomes_an_object),
        cmocka_unit_test(quotes_and_escapes_are_those_of_json),
        cmocka_unit_test(lines_that_are_no_dictionaries_stay),
        cmocka_unit_test(the_first_name_tells_python_from_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
