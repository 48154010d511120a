/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?": distances of names, and what is near. */
#include "test.h"

#include "base/nearest.h"

static void distances_count_single_edits(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int distance;
    } cases[] = {
        {"", "", 0},          {"seed", "seed", 0},   {"seed", "", 4},
        {"seed", "seeds", 1}, {"seed", "sed", 1},    {"seed", "feed", 1},
        {"seed", "sede", 1},  {"seed", "deal", 3},   {"ca", "abc", 3}, /* swapped letters stay */
        {"SEED", "seed", 0},  {"a_b-c", "a-b_c", 0}, {"kitten", "sitting", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(nearest_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static const char *hint(const char *wanted)
{
    static const char *const names[] = {"seed", "seeds", "speed", "threads", "temperature"};
    static Nearest near;
    near = nearest_to(wanted);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) nearest_offer(&near, names[i]);
    return nearest_hint(&near);
}

static void the_nearest_name_is_named_and_the_first_of_equals(void **state)
{
    (void)state;
    assert_string_equal(hint("sede"), " (did you mean \"seed\"?)");
    assert_string_equal(hint("sseeds"), " (did you mean \"seeds\"?)");
    assert_string_equal(hint("tempreature"), " (did you mean \"temperature\"?)");
    assert_string_equal(hint("Threds"), " (did you mean \"threads\"?)");
    assert_string_equal(hint("temp"), " (did you mean \"temperature\"?)");
}

static void nothing_is_named_where_nothing_is_near(void **state)
{
    (void)state;
    char longest[2 * NEAREST_NAME_MAX];
    memset(longest, 's', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_string_equal(hint("bazaar"), "");
    assert_string_equal(hint(""), "");
    assert_string_equal(hint("te"), "");
    assert_string_equal(hint("x"), "");
    assert_string_equal(hint(longest), "");
}

static void a_name_can_be_shown_as_another(void **state)
{
    (void)state;
    Nearest near = nearest_to("tokns");
    nearest_offer_as(&near, "tokens", "train.tokens");
    assert_string_equal(nearest_hint(&near), " (did you mean \"train.tokens\"?)");
}

static void names_may_be_offered_as_one_list(void **state)
{
    (void)state;
    Nearest near = nearest_to("hedaer");
    nearest_offer_list(&near, "format, delimiter, header, columns");
    assert_string_equal(nearest_hint(&near), " (did you mean \"header\"?)");
    near = nearest_to("colums");
    nearest_offer_list(&near, "format, delimiter, header, columns");
    assert_string_equal(nearest_hint(&near), " (did you mean \"columns\"?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_count_single_edits),
        cmocka_unit_test(the_nearest_name_is_named_and_the_first_of_equals),
        cmocka_unit_test(nothing_is_named_where_nothing_is_near),
        cmocka_unit_test(a_name_can_be_shown_as_another),
        cmocka_unit_test(names_may_be_offered_as_one_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
