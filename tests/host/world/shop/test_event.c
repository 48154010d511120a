/* SPDX-License-Identifier: Apache-2.0 */
/* The law of events in a shop. */
#include "world/shop/event.h"
#include "world_case.h"

static ShopTaste some_taste(void) { return shop_event_taste(-1.0, -2.0, 0.5, -0.5, -1.0); }

static double sum_of(const double law[SHOP_KINDS])
{
    double sum = 0.0;
    for (int k = 0; k < SHOP_KINDS; k++) sum += law[k];
    return sum;
}

static void the_law_by_hand(void **state)
{
    (void)state;
    const ShopTaste taste = some_taste();
    double law[SHOP_KINDS];
    shop_event_law(law, &taste, 0.7, shop_event_unrest(0.2));
    assert_near(sum_of(law), 1.0, 1e-15);
    const double all = 1.0 + exp(-0.3) + exp(-1.8), look = exp(-0.3) / all;
    assert_near(law[SHOP_LEAVE], exp(-1.8) / all, 1e-15);
    const double cart = 1.0 / (1.0 + exp(-1.2)), buy = 1.0 / (1.0 + exp(-0.2));
    assert_near(law[SHOP_CART], look * cart * (1.0 - buy), 1e-15);
    assert_near(law[SHOP_REVIEW], look * cart * buy / (1.0 + exp(1.0)), 1e-15);
}

/* exp(5000) is more than a double holds. */
static void the_law_holds_for_utilities_of_any_size(void **state)
{
    (void)state;
    static const double relevance[] = {-5000.0, 5000.0}, impatience[] = {0.2, 5000.0};
    const ShopTaste taste = some_taste();
    for (int x = 0; x < 2; x++)
        for (int y = 0; y < 2; y++) {
            double law[SHOP_KINDS];
            shop_event_law(law, &taste, relevance[x], shop_event_unrest(impatience[y]));
            assert_near(sum_of(law), 1.0, 1e-15);
        }
}

static void draws_have_the_law(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    const ShopTaste taste = some_taste();
    double law[SHOP_KINDS];
    int64_t count[SHOP_KINDS] = {0};
    shop_event_law(law, &taste, 0.7, shop_event_unrest(0.2));
    for (int64_t i = 0; i < DRAWS; i++)
        count[shop_event_draw(law, philox_uniform(philox(1, 2, (uint64_t)i).word[0]))]++;
    for (int k = 0; k < SHOP_KINDS; k++) assert_share(count[k], DRAWS, law[k]);
}

static void rewards_are_expected_by_the_law(void **state)
{
    (void)state;
    const double law[SHOP_KINDS] = {0.3, 0.2, 0.1, 0.2, 0.1, 0.1};
    assert_near(shop_event_expected_reward(law), 0.2 * 0.2 + 0.1 * 0.5 + 0.2 + 0.1 * 1.2, 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_law_by_hand),
        cmocka_unit_test(the_law_holds_for_utilities_of_any_size),
        cmocka_unit_test(draws_have_the_law),
        cmocka_unit_test(rewards_are_expected_by_the_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
