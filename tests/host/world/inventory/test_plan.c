/* SPDX-License-Identifier: Apache-2.0 */
/* Optima and rules of inventories, against what is published and against simulation. */
#include "inventory_case.h"

#include "world/inventory/plan.h"

/* Every outcome of every pair, against the demands one by one. */
static void the_mdp_is_the_law_of_the_periods(void **state)
{
    (void)state;
    static const InventorySettings cases[] = {
        {.life = 2, .lead = 1, .order_max = 3, .youngest_first = true},
        {.life = 2, .lead = 0, .order_max = 4},
        {.life = 0, .lead = 2, .order_max = 3, .capacity = 6},
        {.life = 1, .lead = 2, .order_max = 3},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        InventorySettings settings = cases[c];
        settings.price = 100;
        settings.order_cost = 10;
        settings.fixed_cost = 1000;
        settings.shortage_cost = 3;
        settings.wastage_cost = 7;
        settings.holding_cost = 1;
        Inventory v = open_inventory(settings, "negative_binomial:2:1.1");
        Mdp m;
        assert_ok(inventory_plan_mdp(&v, 0.9, NULL, &m));
        assert_ok(mdp_check(&m));
        double *have = calloc((size_t)v.states, sizeof *have),
               *want = calloc((size_t)v.states, sizeof *want);
        for (int64_t pair = 0; pair < v.states * m.actions; pair++) {
            double reward = 0.0, expected = 0.0;
            for (int64_t i = m.first[pair]; i < m.first[pair + 1]; i++) {
                have[m.outcome[i].next] += m.outcome[i].probability;
                reward += m.outcome[i].probability * m.outcome[i].reward;
            }
            for (int k = 0; k <= v.demand.max; k++) {
                int at[INVENTORY_PLACES_MAX];
                InventoryPeriod does;
                inventory_state(&v, pair / m.actions, at);
                expected += v.demand.probability[k] *
                            inventory_period(&v, at, (int)(pair % m.actions), k, &does);
                want[inventory_index(&v, at)] += v.demand.probability[k];
            }
            assert_near(reward, expected, 1e-9);
            for (int64_t s = 0; s < v.states; s++) {
                assert_near(have[s], want[s], 1e-14);
                have[s] = want[s] = 0.0;
            }
        }
        free(have);
        free(want);
        mdp_close(&m);
        inventory_close(&v);
    }
}

static double round_to(double x, int decimals)
{
    return round(x * pow(10, decimals)) / pow(10, decimals);
}

/* Hendrix et al. 2019, one product: mean profit a day, as the paper prints it; and the best
 * base-stock. */
static void hendrix_profits_are_as_published(void **state)
{
    (void)state;
    static const struct {
        int life, level;
        double profit;
    } published[] = {{.life = 2, .level = 13, .profit = 2.22},
                     {.life = 3, .level = 15, .profit = 2.40},
                     {.life = 4, .level = 17, .profit = 2.47}};
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        Inventory v = open_inventory((InventorySettings){.life = published[i].life,
                                                         .lead = 1,
                                                         .order_max = 10,
                                                         .price = 1,
                                                         .order_cost = 0.5},
                                     "poisson:5");
        InventoryPlan plan;
        InventoryLevels best;
        assert_ok(inventory_plan_optimum(&v, 1.0, &plan));
        assert_near(round_to(plan.value, 2), published[i].profit, 1e-12);
        assert_ok(inventory_plan_best_base_stock(&v, 1.0, 0, &best));
        assert_int_equal(best.level, published[i].level);
        assert_true(best.value < plan.value);
        inventory_plan_close(&plan);
        inventory_close(&v);
    }
}

/* De Moor et al. 2022, figure 3: life 2, lead 1; the order by units of age 1 (8 .. 0, down) and of
 * age 2 (0 .. 8, across). */
static const char youngest_first_orders[] = "000000000"
                                            "000000000"
                                            "000000000"
                                            "000000000"
                                            "111111111"
                                            "222222222"
                                            "333333333"
                                            "333333333"
                                            "333333333";
static const char oldest_first_orders[] = "100000000"
                                          "110000000"
                                          "211000000"
                                          "221100000"
                                          "322111100"
                                          "332211111"
                                          "433322222"
                                          "443333333"
                                          "444444444";

static Inventory de_moor(bool youngest_first)
{
    return open_inventory((InventorySettings){.life = 2,
                                              .lead = 1,
                                              .order_max = 10,
                                              .youngest_first = youngest_first,
                                              .order_cost = 3,
                                              .shortage_cost = 5,
                                              .wastage_cost = 7,
                                              .holding_cost = 1},
                          "gamma:4:0.5:max=100");
}

static void de_moor_orders_are_as_published(void **state)
{
    (void)state;
    for (int youngest = 0; youngest <= 1; youngest++) {
        Inventory v = de_moor(youngest);
        InventoryPlan plan;
        InventoryLevels best;
        const char *want = youngest ? youngest_first_orders : oldest_first_orders;
        assert_ok(inventory_plan_optimum(&v, 0.99, &plan));
        for (int down = 0; down <= 8; down++)
            for (int across = 0; across <= 8; across++) {
                const int at[] = {8 - down, across};
                assert_int_equal(plan.order[inventory_index(&v, at)],
                                 want[9 * down + across] - '0');
            }
        assert_ok(inventory_plan_best_base_stock(&v, 1.0, 0, &best));
        assert_int_equal(best.level, youngest ? 5 : 7);
        inventory_plan_close(&plan);
        inventory_close(&v);
    }
}

/* Zipkin, "Old and new methods for lost-sales inventory systems", Operations Research 2008: Poisson
 * demand of mean 5, holding 1; the optimal cost a period as printed. His lead L arrives before the
 * demand of L periods later. */
static void lost_sales_costs_are_as_published(void **state)
{
    (void)state;
    static const struct {
        int lead, shortage;
        double cost;
    } table[] = {{.lead = 2, .shortage = 4, .cost = 4.40},
                 {.lead = 2, .shortage = 9, .cost = 6.09},
                 {.lead = 3, .shortage = 4, .cost = 4.60},
                 {.lead = 3, .shortage = 9, .cost = 6.53},
                 {.lead = 4, .shortage = 4, .cost = 4.73}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        Inventory v = open_inventory((InventorySettings){.lead = table[i].lead,
                                                         .order_max = 10,
                                                         .capacity = 24,
                                                         .shortage_cost = table[i].shortage,
                                                         .holding_cost = 1},
                                     "poisson:5");
        InventoryPlan plan;
        assert_ok(inventory_plan_optimum(&v, 1.0, &plan));
        assert_near(round_to(-plan.value, 2), table[i].cost, 1e-12);
        inventory_plan_close(&plan);
        inventory_close(&v);
    }
}

/* The fractile, the enumeration of expected profits, and value iteration agree. */
static void the_newsvendor_orders_the_fractile(void **state)
{
    (void)state;
    static const char *const demands[] = {"poisson:20", "gamma:12:0.6", "negative_binomial:9:0.9"};
    for (int c = 0; c < 3; c++)
        for (int k = 1; k <= 9; k++) {
            const double price = 10.0, cost = k, salvage = 0.5, underage = price - cost,
                         overage = cost - salvage;
            Inventory v = open_inventory((InventorySettings){.life = 1,
                                                             .order_max = 60,
                                                             .price = price,
                                                             .order_cost = cost,
                                                             .wastage_cost = -salvage},
                                         demands[c]);
            int best = 0;
            double most = -INFINITY;
            for (int q = 0; q <= 60; q++) {
                double profit = 0.0;
                for (int d = 0; d <= v.demand.max; d++)
                    profit += v.demand.probability[d] *
                              (price * fmin(q, d) - cost * q + salvage * fmax(q - d, 0));
                if (profit > most + 1e-12) most = profit, best = q;
            }
            InventoryPlan plan;
            assert_int_equal(v.states, 1);
            assert_int_equal(demand_fractile(&v.demand, underage / (underage + overage)), best);
            assert_ok(inventory_plan_optimum(&v, 1.0, &plan));
            assert_int_equal(plan.order[0], best);
            assert_near(plan.value, most, 2e-6);
            inventory_plan_close(&plan);
            inventory_close(&v);
        }
}

/* With a fixed cost, an (s, S) with s < S - 1 beats every base-stock; without one the best (s, S)
 * is no worse than base-stock. */
static void reorder_points_pay_off_with_a_fixed_cost(void **state)
{
    (void)state;
    for (int fixed = 0; fixed <= 1; fixed++) {
        Inventory v = open_inventory((InventorySettings){.lead = 1,
                                                         .order_max = 20,
                                                         .capacity = 24,
                                                         .fixed_cost = 8.0 * fixed,
                                                         .shortage_cost = 9,
                                                         .holding_cost = 1},
                                     "poisson:3");
        InventoryLevels stock, point;
        InventoryPlan plan;
        assert_ok(inventory_plan_best_base_stock(&v, 1.0, 0, &stock));
        assert_ok(inventory_plan_best_reorder(&v, 1.0, 0, &point));
        assert_ok(inventory_plan_optimum(&v, 1.0, &plan));
        assert_true(point.value <= plan.value + 1e-6);
        if (fixed) {
            assert_true(point.reorder < point.level - 1);
            assert_true(point.value > stock.value + 0.1);
        } else {
            assert_true(point.value >= stock.value);
        }
        inventory_plan_close(&plan);
        inventory_close(&v);
    }
}

/* The long run by simulation, against the exact mean: 200,000 periods in 200 batches. */
static void the_exact_mean_is_the_mean_of_a_long_run(void **state)
{
    (void)state;
    enum { BATCHES = 200, PERIODS = 1000 };
    Inventory v = de_moor(false);
    InventoryPlan plan;
    assert_ok(inventory_plan_rule(&v, 1.0, 6, 7, &plan));
    int at[INVENTORY_PLACES_MAX] = {0};
    double sum = 0.0, square = 0.0;
    for (int b = 0; b < BATCHES; b++) {
        double batch = 0.0;
        for (int t = 0; t < PERIODS; t++) {
            InventoryPeriod does;
            const uint32_t word = philox(5, (uint64_t)b, (uint64_t)t).word[0];
            batch += inventory_period(&v, at, inventory_base_stock(&v, at, 7),
                                      demand_draw(&v.demand, word), &does);
        }
        sum += batch / PERIODS;
        square += batch / PERIODS * batch / PERIODS;
    }
    const double mean = sum / BATCHES, error = sqrt((square / BATCHES - mean * mean) / BATCHES);
    assert_near(mean, plan.value, 4.0 * error);
    inventory_plan_close(&plan);
    inventory_close(&v);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    Inventory v = de_moor(false);
    Mdp m;
    double *value[3];
    assert_ok(inventory_plan_mdp(&v, 0.99, NULL, &m));
    const size_t bytes = (size_t)m.states * sizeof **value;
    for (int i = 0; i < 3; i++) {
        value[i] = malloc(bytes);
        assert_non_null(value[i]);
        m.threads = i + 1;
        assert_ok(mdp_solve(&m, 1e-6, 100000, value[i], NULL));
        assert_memory_equal(value[i], value[0], bytes);
    }
    for (int i = 0; i < 3; i++) free(value[i]);
    mdp_close(&m);
    inventory_close(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mdp_is_the_law_of_the_periods),
        cmocka_unit_test(hendrix_profits_are_as_published),
        cmocka_unit_test(de_moor_orders_are_as_published),
        cmocka_unit_test(lost_sales_costs_are_as_published),
        cmocka_unit_test(the_newsvendor_orders_the_fractile),
        cmocka_unit_test(reorder_points_pay_off_with_a_fixed_cost),
        cmocka_unit_test(the_exact_mean_is_the_mean_of_a_long_run),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
