/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of gnuplot scripts. */
#include "base/plot.h"

#include "test.h"

static void a_quote_in_a_string_is_doubled(void **state)
{
    (void)state;
    const char *const cases[][2] = {{"", "''"}, {"plain", "'plain'"}, {"o'clock'", "'o''clock'''"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t size;
        FILE *script = open_memstream(&text, &size);
        assert_non_null(script);
        plot_quoted(script, cases[i][0]);
        assert_int_equal(fclose(script), 0);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_quote_in_a_string_is_doubled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
