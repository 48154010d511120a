/* SPDX-License-Identifier: Apache-2.0 */
#include "api/lines.h"

#include "test.h"

typedef struct {
    int count;
    char line[8][32];
} Kept;

static Status keep(void *context, const char *line)
{
    Kept *k = context;
    snprintf(k->line[k->count++], sizeof k->line[0], "%s", line);
    return strcmp(line, "bad") ? OK : FAIL(ERR_FORMAT, "it is bad");
}

static void lines_come_without_space_comments_and_empty_lines(void **state)
{
    Kept k = {0};
    (void)state;
    assert_ok(lines_each("a=1\n\n  \t\n# no\n \tb = 2 \r\n  # no\nlast", keep, &k));
    assert_int_equal(k.count, 3);
    assert_string_equal(k.line[0], "a=1");
    assert_string_equal(k.line[1], "b=2");
    assert_string_equal(k.line[2], "last");
    assert_ok(lines_each("", keep, &k));
    assert_ok(lines_each(NULL, keep, &k));
    assert_int_equal(k.count, 3);
}

static void a_failure_names_its_line(void **state)
{
    Kept k = {0};
    char text[1200];
    (void)state;
    assert_refused(lines_each("a\n\nbad\nb", keep, &k), ERR_FORMAT, "settings, line 3: it is bad");
    assert_int_equal(k.count, 2);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_refused(lines_each(text, keep, &k), ERR_USAGE, "line 1 has 1199 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_without_space_comments_and_empty_lines),
        cmocka_unit_test(a_failure_names_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
