/* Inventories: what a period does, the exact optimum against what is published. */
#include "test.h"

#include <omp.h>

#include "world/inventory/plan.h"
#include "world/mdp_gain.h"

/* ---- Periods ----------------------------------------------------------------------------------- */

static Inventory open_inventory(InventorySettings s, const char *demand)
{
    Demand d;
    Inventory v;
    assert_ok(demand_text_parse(&d, demand));
    assert_ok(inventory_open(&v, &s, &d));
    return v;
}

typedef struct {
    InventorySettings settings;
    int state[4], order, demand, next[4];
    InventoryPeriod does;
    double reward;
} Worked;

#define PRICES                                                                                     \
    .price = 100, .order_cost = 10, .fixed_cost = 1000, .shortage_cost = 3, .wastage_cost = 7,     \
    .holding_cost = 1

static void periods_worked_by_hand(void **state)
{
    (void)state;
    static const Worked cases[] = {
        /* life 2, lead 1: 3 fresh and 2 old units, demand 4: the oldest go first, 1 fresh is left */
        {{.life = 2, .lead = 1, .order_max = 9, PRICES},
         {3, 2},
         5,
         4,
         {5, 1},
         {4, 0, 0, 0, 1},
         400 - 50 - 1000 - 1},
        /* the youngest first: 1 old unit is left and expires */
        {{.life = 2, .lead = 1, .order_max = 9, .youngest_first = true, PRICES},
         {3, 2},
         5,
         4,
         {5, 0},
         {4, 0, 1, 0, 0},
         400 - 50 - 1000 - 7},
        /* lead 3: two orders on the way; demand 9 of 6 units; no order, no fixed cost */
        {{.life = 2, .lead = 3, .order_max = 9, PRICES},
         {7, 8, 4, 2},
         0,
         9,
         {0, 7, 8, 0},
         {6, 3, 0, 0, 0},
         600 - 9},
        /* lead 0: the order serves at once; life 3: what is ordered is the freshest of three ages */
        {{.life = 3, .lead = 0, .order_max = 9, PRICES},
         {2, 1},
         4,
         2,
         {4, 1},
         {2, 0, 0, 0, 5},
         200 - 40 - 1000 - 5},
        /* the newsvendor: no state, what is left expires */
        {{.life = 1, .lead = 0, .order_max = 9, PRICES},
         {0},
         6,
         4,
         {0},
         {4, 0, 2, 0, 0},
         400 - 60 - 1000 - 14},
        /* stock that keeps, room for 5: 3 stay, 4 arrive, 2 are refused */
        {{.life = 0, .lead = 1, .order_max = 9, .capacity = 5, PRICES},
         {4},
         4,
         1,
         {5},
         {1, 0, 0, 2, 3},
         100 - 40 - 1000 - 14 - 3},
        /* the same without lead: 3 of 4 units find room before the demand */
        {{.life = 0, .lead = 0, .order_max = 9, .capacity = 5, PRICES},
         {2},
         4,
         6,
         {0},
         {5, 1, 0, 1, 0},
         500 - 40 - 1000 - 3 - 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Worked *c = &cases[i];
        Inventory v = open_inventory(c->settings, "poisson:4");
        int have[INVENTORY_PLACES_MAX];
        memcpy(have, c->state, sizeof c->state);
        InventoryPeriod does;
        const double reward = inventory_period(&v, have, c->order, c->demand, &does);
        for (int p = 0; p < v.places; p++) assert_int_equal(have[p], c->next[p]);
        assert_memory_equal(&does, &c->does, sizeof does);
        assert_near(reward, c->reward, 0.0);
        inventory_close(&v);
    }
}

/* A warehouse creates and loses nothing: what was ordered was sold, expired, was refused or is there. */
static void units_are_conserved(void **state)
{
    (void)state;
    for (uint32_t trial = 0; trial < 60; trial++) {
        const int life = (int)(trial % 5), lead = (int)(trial / 5 % 4);
        if (life + lead == 0) continue;
        Inventory v = open_inventory((InventorySettings){.life = life,
                                                         .lead = lead,
                                                         .order_max = 6,
                                                         .capacity = life ? 0 : 8,
                                                         .youngest_first = trial % 2},
                                     "negative_binomial:3:0.8");
        int at[INVENTORY_PLACES_MAX] = {0};
        int64_t ordered = 0, gone = 0;
        for (uint32_t t = 0; t < 500; t++) {
            const Philox p = philox(trial, 0, t);
            InventoryPeriod does;
            const int order = (int)(p.word[0] % 7), demand = demand_draw(&v.demand, p.word[1]);
            inventory_period(&v, at, order, demand, &does);
            ordered += order;
            gone += does.sold + does.expired + does.refused;
            assert_int_equal(does.sold + does.lost, demand);
            assert_int_equal(ordered - gone, inventory_position(&v, at));
            int back[INVENTORY_PLACES_MAX];
            inventory_state(&v, inventory_index(&v, at), back);
            assert_memory_equal(back, at, (size_t)v.places * sizeof *at);
        }
        inventory_close(&v);
    }
}

static void settings_that_make_no_warehouse_are_refused(void **state)
{
    (void)state;
    static const struct {
        InventorySettings settings;
        const char *told;
    } bad[] = {{{.life = -1, .order_max = 1}, "life -1"},
               {{.life = 9, .lead = 9, .order_max = 1}, "together 16"},
               {{.life = 2, .order_max = 0}, "orders of up to 0"},
               {{.life = 0, .lead = 1, .order_max = 5}, "capacity 0 with life 0"},
               {{.life = 2, .lead = 1, .order_max = 5, .capacity = 9}, "capacity 9 with life 2"},
               {{.life = 2, .lead = 1, .order_max = 5, .price = NAN}, "price or cost"},
               {{.life = 8, .lead = 8, .order_max = 10}, "states"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Demand d;
        Inventory v;
        assert_ok(demand_poisson(&d, 2.0, 0));
        assert_int_equal(inventory_open(&v, &bad[i].settings, &d), ERR_USAGE);
        assert_null(d.probability);
        if (!strstr(status_message(), bad[i].told)) fail_msg("%s", status_message());
        status_clear();
    }
}

/* ---- Optima ------------------------------------------------------------------------------------ */

/* Every outcome of every pair, against the demands one by one. */
static void the_mdp_is_the_law_of_the_periods(void **state)
{
    (void)state;
    static const InventorySettings cases[] = {
        {.life = 2, .lead = 1, .order_max = 3, .youngest_first = true, PRICES},
        {.life = 2, .lead = 0, .order_max = 4, PRICES},
        {.life = 0, .lead = 2, .order_max = 3, .capacity = 6, PRICES},
        {.life = 1, .lead = 2, .order_max = 3, PRICES}};
    for (int c = 0; c < 4; c++) {
        Inventory v = open_inventory(cases[c], "negative_binomial:2:1.1");
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

/* Hendrix et al. 2019, one product: mean profit a day, as the paper prints it; and the best base-stock. */
static void hendrix(void **state)
{
    (void)state;
    static const double optimum[] = {2.22, 2.40, 2.47};
    static const int level[] = {13, 15, 17};
    for (int life = 2; life <= 4; life++) {
        Inventory v = open_inventory(
            (InventorySettings){
                .life = life, .lead = 1, .order_max = 10, .price = 1, .order_cost = 0.5},
            "poisson:5");
        InventoryPlan plan;
        InventoryLevels best;
        assert_ok(inventory_plan_optimum(&v, 1.0, &plan));
        assert_near(round_to(plan.value, 2), optimum[life - 2], 1e-12);
        assert_ok(inventory_plan_best_base_stock(&v, 1.0, 0, &best));
        assert_int_equal(best.level, level[life - 2]);
        assert_true(best.value < plan.value);
        inventory_plan_close(&plan);
        inventory_close(&v);
    }
}

/* De Moor et al. 2022, figure 3: life 2, lead 1; the order by units of age 1 (8 .. 0, down) and of age 2
 * (0 .. 8, across). */
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

static void de_moor_orders(void **state)
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

/* Zipkin, "Old and new methods for lost-sales inventory systems", Operations Research 2008: Poisson demand
 * of mean 5, holding 1; the optimal cost a period as printed. His lead L arrives before the demand of L
 * periods later. */
static void lost_sales(void **state)
{
    (void)state;
    static const struct {
        int lead, shortage;
        double cost;
    } table[] = {{2, 4, 4.40}, {2, 9, 6.09}, {3, 4, 4.60}, {3, 9, 6.53}, {4, 4, 4.73}};
    for (int i = 0; i < 5; i++) {
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

/* With a fixed cost, an (s, S) with s < S - 1 beats every base-stock; without one the best (s, S) is no
 * worse than base-stock. */
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
    double value[3];
    for (int threads = 1; threads <= 3; threads++) {
        omp_set_num_threads(threads);
        Inventory v = de_moor(false);
        InventoryPlan plan;
        assert_ok(inventory_plan_optimum(&v, 0.99, &plan));
        value[threads - 1] = plan.value;
        inventory_plan_close(&plan);
        inventory_close(&v);
    }
    assert_memory_equal(&value[0], &value[1], sizeof *value);
    assert_memory_equal(&value[0], &value[2], sizeof *value);
}

static void mean_rewards_worked_by_hand(void **state)
{
    (void)state;
    /* Two states that take turns, rewards 1 and 3: periodic, the mean is 2. Action 1 of state 0 stays, for
     * 2.5: better for ever. */
    Mdp m;
    double gain, h[2];
    int64_t policy[2];
    assert_ok(mdp_open(&m, 2, 2, 1.0));
    assert_ok(mdp_add(&m, 1, 1.0, 1.0));
    mdp_next(&m);
    assert_ok(mdp_add(&m, 0, 1.0, 1.5));
    mdp_next(&m);
    assert_ok(mdp_add(&m, 0, 1.0, 3.0));
    mdp_next(&m);
    mdp_next(&m);
    assert_ok(mdp_gain(&m, 1e-9, 10000, &gain, h, policy));
    assert_near(gain, 2.0, 1e-9);
    assert_int_equal(policy[0], 0);
    assert_near(h[1] - h[0], 1.0, 1e-8);
    m.outcome[1].reward = 2.5;
    assert_ok(mdp_gain(&m, 1e-9, 10000, &gain, h, policy));
    assert_near(gain, 2.5, 1e-9);
    assert_int_equal(policy[0], 1);
    assert_int_equal(mdp_gain(&m, 1e-9, 1, &gain, h, policy), ERR_FORMAT);
    m.outcome[1].next = MDP_TERMINAL;
    assert_int_equal(mdp_gain(&m, 1e-9, 10, &gain, h, policy), ERR_USAGE);
    status_clear();
    mdp_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_worked_by_hand),
        cmocka_unit_test(units_are_conserved),
        cmocka_unit_test(settings_that_make_no_warehouse_are_refused),
        cmocka_unit_test(the_mdp_is_the_law_of_the_periods),
        cmocka_unit_test(hendrix),
        cmocka_unit_test(de_moor_orders),
        cmocka_unit_test(lost_sales),
        cmocka_unit_test(the_newsvendor_orders_the_fractile),
        cmocka_unit_test(reorder_points_pay_off_with_a_fixed_cost),
        cmocka_unit_test(the_exact_mean_is_the_mean_of_a_long_run),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(mean_rewards_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
