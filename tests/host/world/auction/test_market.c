/* SPDX-License-Identifier: Apache-2.0 */
/* The market of rivals: values and budgets. */
#include "test.h"

#include "world/auction/market.h"

static void values_have_their_mean(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const Market m = {.mean_value = 0.002, .spread = 0.8, .common = 0.5};
    double sum = 0.0, square = 0.0;
    for (int i = 0; i < DRAWS; i++) {
        WorldDraw draw = {1, 2, (uint64_t)i};
        float shared;
        const double v = market_value(&m, &draw, &shared) / m.mean_value;
        sum += v;
        square += v * v;
    }
    const double mean = sum / DRAWS, error = sqrt((square / DRAWS - mean * mean) / DRAWS);
    assert_near(mean, 1.0, 4.0 * error);
    /* Var e^(s z - s^2/2) = e^(s^2) - 1 */
    assert_near(square / DRAWS - mean * mean, exp(0.64) - 1.0, 0.05);
}

/* No rival spends more than it has; one that bids like the others and as much wins its share. */
static void the_market_is_fair(void **state)
{
    (void)state;
    enum { RIVALS = 7, LENGTH = 300, RUNS = 200 };
    MarketRival rival[RIVALS];
    for (int slots = 1; slots <= 3; slots += 2) {
        const Market m = {.rivals = RIVALS,
                          .auctions = LENGTH,
                          .highest = 300,
                          .mean_value = 0.002,
                          .spread = 0.8,
                          .common = 0.5,
                          .price = 60.0,
                          .rules = slots == 1 ? auction_second_price() : auction_three_slots()};
        double mine = 0.0, theirs = 0.0;
        int exposed = 0;
        for (int run = 0; run < RUNS; run++) {
            WorldDraw draw = {3, (uint64_t)run, 0};
            market_start(&m, rival, &draw);
            for (int left = LENGTH; left > 0; left--) {
                float shared;
                const double value = market_value(&m, &draw, &shared);
                double before = 0.0, after = 0.0;
                for (int b = 0; b < RIVALS; b++) before += rival[b].budget;
                const MarketOutcome o = market_auction(&m, rival, left, 60.0 * value / m.mean_value,
                                                       value, shared, &draw);
                for (int b = 0; b < RIVALS; b++) {
                    after += rival[b].budget;
                    assert_true(rival[b].budget >= 0.0);
                }
                exposed += o.exposed;
                mine += o.cost;
                theirs += before - after;
            }
        }
        /* One of eight, some of which run out of money or hold back: at least an eighth, not a
         * half. */
        assert_true(exposed > RUNS * LENGTH * slots * (0.7 / 8));
        assert_true(mine > (mine + theirs) / 8 && mine < (mine + theirs) / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_their_mean),
        cmocka_unit_test(the_market_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
