/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of help texts. */
#include "test.h"

#include "base/help.h"

static char *text;
static size_t size;
static FILE *begin(void) { return open_memstream(&text, &size); }

static void assert_text(FILE *out, const char *want)
{
    fclose(out);
    assert_string_equal(text, want);
    free(text);
}

static void a_row_has_two_columns(void **state)
{
    (void)state;
    FILE *out = begin();
    help_section(out, "Options");
    help_row(out, 12, "--k N", "how many");
    help_row(out, 12, "--long-name N", "how many");
    assert_text(out, "\nOptions:\n"
                     "  --k N     how many\n"
                     "  --long-name N\n            how many\n");
}

static void no_line_is_longer_than_the_width(void **state)
{
    (void)state;
    char words[400] = "";
    for (int i = 0; i < 40; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), i % 3 ? "word " : "longer ");
    FILE *out = begin();
    help_row(out, HELP_COLUMN, "--k", words);
    help_text(out, words);
    fclose(out);
    int lines = 0;
    for (char *line, *rest = text; (line = strsep(&rest, "\n")); lines++)
        assert_true(strlen(line) <= HELP_WIDTH);
    assert_true(lines > 6);
    free(text);
}

static void lines_that_begin_with_a_space_stay(void **state)
{
    (void)state;
    FILE *out = begin();
    help_text(out, "One  two.\n  a    b\n\nThree.");
    assert_text(out, "One two.\n  a    b\n\nThree.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_has_two_columns),
        cmocka_unit_test(no_line_is_longer_than_the_width),
        cmocka_unit_test(lines_that_begin_with_a_space_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
