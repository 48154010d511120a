/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories: what happens in a period. */
#include "inventory_case.h"

/* A period: from `state`, an order and a demand to the next state, what happened, and the
 * reward. */
typedef struct {
    const char *name;
    InventorySettings settings;
    int state[4], order, demand, next[4];
    InventoryPeriod does;
    double reward;
} WorkedPeriod;

#define PRICES                                                                                     \
    .price = 100, .order_cost = 10, .fixed_cost = 1000, .shortage_cost = 3, .wastage_cost = 7,     \
    .holding_cost = 1

static const WorkedPeriod worked_periods[] = {
    {
        .name = "life 2, lead 1: the oldest units go first, one fresh unit is left",
        .settings = {.life = 2, .lead = 1, .order_max = 9, PRICES},
        .state = {3, 2},
        .order = 5,
        .demand = 4,
        .next = {5, 1},
        .does = {.sold = 4, .kept = 1},
        .reward = 400 - 50 - 1000 - 1,
    },
    {
        .name = "the same, youngest first: one old unit is left and expires",
        .settings = {.life = 2, .lead = 1, .order_max = 9, .youngest_first = true, PRICES},
        .state = {3, 2},
        .order = 5,
        .demand = 4,
        .next = {5, 0},
        .does = {.sold = 4, .expired = 1},
        .reward = 400 - 50 - 1000 - 7,
    },
    {
        .name = "lead 3: two orders are in transit; no order costs no fixed cost",
        .settings = {.life = 2, .lead = 3, .order_max = 9, PRICES},
        .state = {7, 8, 4, 2},
        .order = 0,
        .demand = 9,
        .next = {0, 7, 8, 0},
        .does = {.sold = 6, .lost = 3},
        .reward = 600 - 9,
    },
    {
        .name = "lead 0, life 3: the order serves at once, as the freshest of three ages",
        .settings = {.life = 3, .lead = 0, .order_max = 9, PRICES},
        .state = {2, 1},
        .order = 4,
        .demand = 2,
        .next = {4, 1},
        .does = {.sold = 2, .kept = 5},
        .reward = 200 - 40 - 1000 - 5,
    },
    {
        .name = "newsvendor: there is no state, what is left expires",
        .settings = {.life = 1, .lead = 0, .order_max = 9, PRICES},
        .order = 6,
        .demand = 4,
        .does = {.sold = 4, .expired = 2},
        .reward = 400 - 60 - 1000 - 14,
    },
    {
        .name = "capacity 5: three units stay, four arrive, two are refused",
        .settings = {.life = 0, .lead = 1, .order_max = 9, .capacity = 5, PRICES},
        .state = {4},
        .order = 4,
        .demand = 1,
        .next = {5},
        .does = {.sold = 1, .refused = 2, .kept = 3},
        .reward = 100 - 40 - 1000 - 14 - 3,
    },
    {
        .name = "capacity 5, lead 0: three of four units fit before the demand",
        .settings = {.life = 0, .lead = 0, .order_max = 9, .capacity = 5, PRICES},
        .state = {2},
        .order = 4,
        .demand = 6,
        .next = {0},
        .does = {.sold = 5, .lost = 1, .refused = 1},
        .reward = 500 - 40 - 1000 - 3 - 7,
    },
};

static void periods_worked_by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof worked_periods / sizeof *worked_periods; i++) {
        const WorkedPeriod *c = &worked_periods[i];
        Inventory v = open_inventory(c->settings, "poisson:4");
        int have[INVENTORY_PLACES_MAX];
        InventoryPeriod does;
        memcpy(have, c->state, sizeof c->state);
        const double reward = inventory_period(&v, have, c->order, c->demand, &does);
        if (memcmp(have, c->next, (size_t)v.places * sizeof *have) ||
            memcmp(&does, &c->does, sizeof does) || reward != c->reward)
            fail_msg("%s: sold %d, lost %d, expired %d, refused %d, kept %d, reward %g", c->name,
                     does.sold, does.lost, does.expired, does.refused, does.kept, reward);
        inventory_close(&v);
    }
}

/* Units do not come from nowhere or vanish: those ordered were sold, expired, were refused, or are
 * still in the warehouse. */
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
        const char *saying;
    } bad[] = {{{.life = -1, .order_max = 1}, "life -1"},
               {{.life = 9, .lead = 9, .order_max = 1}, "at most 16 together"},
               {{.life = 2, .order_max = 0}, "orders of up to 0"},
               {{.life = 0, .lead = 1, .order_max = 5}, "capacity 0 with life 0"},
               {{.life = 2, .lead = 1, .order_max = 5, .capacity = 9}, "capacity 9 with life 2"},
               {{.life = 2, .lead = 1, .order_max = 5, .price = NAN}, "price or cost"},
               {{.life = 8, .lead = 8, .order_max = 10}, "too many states"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Demand d;
        Inventory v;
        assert_ok(demand_poisson(&d, 2.0, 0));
        assert_refused(inventory_open(&v, &bad[i].settings, &d), ERR_USAGE, bad[i].saying);
        assert_null(d.probability);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_worked_by_hand),
        cmocka_unit_test(units_are_conserved),
        cmocka_unit_test(settings_that_make_no_warehouse_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
