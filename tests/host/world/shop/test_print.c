/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy shows in a shop, as a table. */
#include "world/shop/event.h"
#include "world_case.h"

/* A visit by hand, and one that is not complete. The shelves of the items are 0 1 2 3 0 1 …; shelf
 * 1 goes with shelf 0, and shelf 0 with shelf 1. */
static void habits_of_a_shop(void **state)
{
    const WorldEvent event[] = {
        {.item = 0, .action = SHOP_VIEW},
        {.item = 4, .action = SHOP_PURCHASE, .reward = 1.0f},
        {.item = 1, .action = SHOP_VIEW, .reward = 0.2f},
        {.item = 8, .action = SHOP_LEAVE, .end = END_TERMINAL},
        {.item = 3, .action = SHOP_VIEW},
        {.item = 3, .action = SHOP_REVIEW, .reward = 1.2f},
    };
    World w;
    char *text;
    size_t length;
    (void)state;
    open_world(&w, "shop:items=20,shelves=4,discount=0.5");
    FILE *out = open_memstream(&text, &length);
    assert_ok(w.kind->print(&w, event, sizeof event / sizeof *event, out));
    assert_int_equal(fclose(out), 0);
    const char *table = strstr(text, "\nafter ");
    assert_non_null(table);
    assert_string_equal(table + 1,
                        "after         choices      shelf  goes with      rank      view    "
                        "  cart  purchase    review         Q\n"
                        "entrance            1    100.0 %      0.0 %       2.0    0.1000    "
                        "0.0000    1.0000    0.0000    1.1000\n"
                        "view                1      0.0 %    100.0 %       3.0    0.0000    "
                        "0.0000    0.0000    0.0000    0.0000\n"
                        "purchase            1      0.0 %    100.0 %       1.0    0.2000    "
                        "0.0000    0.0000    0.0000    0.2000\n");
    free(text);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(habits_of_a_shop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
