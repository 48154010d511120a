/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of the shop. */
#include "world/shop/shop.h"
#include "world_case.h"

/* The propensity that a policy states is the share of choices that an item gets. */
static void states_its_propensity(const char *policy)
{
    enum { ITEMS = 60, DRAWS = 200000 };
    World w;
    int64_t count[ITEMS] = {0};
    float stated[ITEMS] = {0};
    double sum = 0.0;
    open_world(&w, "shop:items=60,shelves=7");
    const WorldBaseline *b = world_baseline(&w, policy);
    const ShopVisit visit = {.lately = {3, 10, -1, -1, -1, -1, -1, -1}, .seen_shelf = 3};
    for (uint64_t i = 0; i < DRAWS; i++) {
        WorldDraw draw = {9, i, 0};
        float p;
        const int32_t item = b->act(&w, &visit, &draw, &p);
        assert_true(count[item] == 0 || stated[item] == p);
        stated[item] = p;
        count[item]++;
    }
    for (int i = 0; i < ITEMS; i++) {
        assert_share(count[i], DRAWS, (double)stated[i]);
        sum += (double)stated[i];
    }
    assert_near(sum, 1.0, 1e-5);
    world_close(&w);
}

static void policies_state_their_propensities(void **state)
{
    (void)state;
    states_its_propensity("popularity");
    states_its_propensity("trial");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_state_their_propensities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
