/* SPDX-License-Identifier: Apache-2.0 */
/* The list of estimators. */
#include "test.h"

#include "evaluate/ope/estimators/list.h"
#include "evaluate/ope/interval.h"

static void every_estimator_is_complete_and_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int k = 0; k < ESTIMATORS; k++) {
        const OpeEstimator *e = estimators_list[k];
        assert_non_null(e);
        assert_true(e->name && *e->name && e->help && *e->help && e->assumes && *e->assumes);
        assert_true(e->terms != NULL);
        for (int j = 0; j < k; j++) assert_string_not_equal(e->name, estimators_list[j]->name);
    }
}

static void all_estimators_fit_into_one_bootstrap(void **state)
{
    (void)state;
    assert_in_range(ESTIMATORS, 1, OPE_INTERVAL_ESTIMATES_MAX);
}

static void the_help_has_a_line_for_each(void **state)
{
    (void)state;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    estimators_list_help(out);
    assert_int_equal(fclose(out), 0);
    const char *at = text;
    for (int k = 0; k < ESTIMATORS; k++) {
        char row[64]; /* how the row begins; a long help goes on in further lines */
        snprintf(row, sizeof row, "  %-14s%.20s", estimators_list[k]->name,
                 estimators_list[k]->help);
        at = strstr(at, row);
        assert_non_null(at);
        at += strlen(row);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_estimator_is_complete_and_has_a_name_of_its_own),
        cmocka_unit_test(all_estimators_fit_into_one_bootstrap),
        cmocka_unit_test(the_help_has_a_line_for_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
