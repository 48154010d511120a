/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds from texts. */
#include <ctype.h>

#include "world/kinds.h"
#include "world_case.h"

static void refused(const char *text, const char *saying)
{
    World w;
    assert_refused(world_open(&w, text), ERR_USAGE, saying);
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    refused("bazaar", "no world \"bazaar\"; want one of shop, small-shop, inventory, auction");
    refused("inventroy:life=2", "no world \"inventroy\" (did you mean \"inventory\"?)");
    refused("shop:items", "want key=value");
    refused("shop:colour=3", "no setting \"colour\";");
    refused("shop:itms=100", "no setting \"itms\" (did you mean \"items\"?)");
    refused("shop:horizn=9", "no setting \"horizn\" (did you mean \"horizon\"?)");
    refused("small-shop:preset=margn", "no preset \"margn\" (did you mean \"margin\"?)");
    refused("inventory:preset=margin", "world inventory has no preset \"margin\";");
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    refused("shop:items=1e9", "want a whole number from 10 to 1e+06");
    refused("shop:items=20.5", "want a whole number");
    refused("shop:affinity=big", "want a number");
    refused("shop:items=20,shelves=30", "30 shelves for 20 items");
    refused("shop:horizon=0", "want a whole number from 1");
    refused("shop:discount=2", "want a number from 0 to 1");
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[400] = "shop:fit=";
    memset(text + strlen(text), 'x', 300);
    refused(text, "has 300 bytes, want at most 255");
}

static void keys_replace_what_the_world_says(void **state)
{
    (void)state;
    World w, usual;
    open_world(&usual, "shop");
    open_world(&w, "shop:items=1000,discount=0.5,horizon=7");
    assert_int_equal(w.spec.items, 1000);
    assert_int_equal(w.spec.horizon, 7);
    assert_near(w.spec.discount, 0.5, 0.0);
    assert_int_not_equal(usual.spec.horizon, 7);
    assert_int_equal(usual.spec.items, 100000);
    world_close(&usual);
    world_close(&w);
}

/* A preset is as its settings, and what comes behind it changes it. */
static void presets_are_settings(void **state)
{
    (void)state;
    World w;
    open_world(&w, "small-shop:preset=patience,ranks=3");
    assert_int_equal(w.spec.items, 2 * 3);
    world_close(&w);
    open_world(&w, "shop:preset=fatigue,items=500");
    assert_int_equal(w.spec.items, 500);
    world_close(&w);
    for (int k = 0; world_kinds[k]; k++)
        for (const WorldPreset *p = world_kinds[k]->presets; p && p->name; p++) {
            char text[256];
            snprintf(text, sizeof text, "%s:preset=%s", world_kinds[k]->name, p->name);
            open_world(&w, text);
            world_close(&w);
        }
}

static char *help_of(const char *name)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    world_open_help(out, name);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Line breaks and indentation are single blanks then. */
static void unwrap(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++)
        if (!isspace((unsigned char)*at) || (to > text && to[-1] != ' '))
            *to++ = isspace((unsigned char)*at) ? ' ' : *at;
    *to = '\0';
}

static void the_help_has_every_world_and_every_option(void **state)
{
    (void)state;
    char *text = help_of(NULL);
    unwrap(text);
    for (int i = 0; world_kinds[i]; i++) {
        assert_non_null(strstr(text, world_kinds[i]->summary));
        for (const WorldOption *o = world_kinds[i]->options; o->name; o++) {
            assert_non_null(strstr(text, o->name));
            assert_non_null(strstr(text, o->help));
        }
    }
    free(text);
}

static void the_help_of_one_world_has_no_other(void **state)
{
    (void)state;
    char *text = help_of("inventory");
    assert_non_null(strstr(text, "order_max"));
    assert_non_null(strstr(text, "horizon"));
    assert_null(strstr(text, "affinity"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_names_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(a_text_that_is_too_long_is_refused),
        cmocka_unit_test(keys_replace_what_the_world_says),
        cmocka_unit_test(presets_are_settings),
        cmocka_unit_test(the_help_has_every_world_and_every_option),
        cmocka_unit_test(the_help_of_one_world_has_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
