/* SPDX-License-Identifier: Apache-2.0 */
/* A model's inputs are held against those of a file by name and place. */
#include "test.h"

#include <stdlib.h>

#include "data/behaviour/identity/inputs.h"

static Behaviour file_with(const char *first, const char *second)
{
    Behaviour b = {.path = "b.h5", .actions = 2, .action_name = {"view", "buy\xff"}};
    b.user_features.kinds = 1;
    b.user_features.kind_rows[0] = 7;
    snprintf(b.user_features.kind_name[0], FEATURE_NAME_MAX, "country");
    if (first) snprintf(b.event_features.number_name[b.event_features.numbers++], 64, "%s", first);
    if (second)
        snprintf(b.event_features.number_name[b.event_features.numbers++], 64, "%s", second);
    return b;
}

static void the_first_difference_is_named(void **state)
{
    (void)state;
    Behaviour b = file_with("f", "g");
    char *text = inputs_text(&b);
    assert_non_null(strstr(text, "\"event_numbers\":[\"f\",\"g\"]"));
    assert_ok(inputs_check("m", text, &b, false));
    b = file_with("g", "f");
    assert_refused(inputs_check("m", text, &b, false), ERR_USAGE,
                   "m was trained with \"f\" as event feature number 1, b.h5 has \"g\"");
    b = file_with("f", NULL);
    assert_refused(inputs_check("m", text, &b, false), ERR_USAGE,
                   "\"g\" as event feature number 2, which b.h5 does not have");
    b = file_with("f", "g");
    b.item_features.numbers = 1;
    snprintf(b.item_features.number_name[0], FEATURE_NAME_MAX, "price");
    assert_refused(inputs_check("m", text, &b, false), ERR_USAGE,
                   "without the item number \"price\", which is number 1 of b.h5");
    b = file_with("f", "g");
    b.user_features.kind_rows[0] = 8;
    assert_refused(inputs_check("m", text, &b, false), ERR_USAGE,
                   "\"country, 7 rows\" as user category");
    b = file_with("f", "g");
    b.action_name[0] = "cart";
    assert_refused(inputs_check("m", text, &b, false), ERR_USAGE, "\"view\" as action number 1");
    free(text);
}

static void damaged_lists_are_refused(void **state)
{
    (void)state;
    const Behaviour b = file_with("f", "g");
    static const char *const bad[] = {"", "{", "[]", "{\"actions\": 3}", "null"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_refused(inputs_check("m", bad[k], &b, false), ERR_FORMAT, "has no list \"actions\"");
    assert_refused(inputs_check("m", "{\"actions\": [1, 2]}", &b, false), ERR_USAGE,
                   "without the action \"view\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_difference_is_named),
        cmocka_unit_test(damaged_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
