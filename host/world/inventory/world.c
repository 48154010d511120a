/* SPDX-License-Identifier: Apache-2.0 */
#include "world/inventory/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "world/inventory/demand_text.h"
#include "world/inventory/plan.h"
#include "world/inventory/print.h"

enum {
    LIFE,
    LEAD,
    ORDER_MAX,
    CAPACITY,
    ISSUE,
    DEMAND,
    PRICE,
    ORDER_COST,
    FIXED_COST,
    SHORTAGE_COST,
    WASTAGE_COST,
    HOLDING_COST,
    BASE_STOCK,
    REORDER,
    START
};
enum {
    EXACT_STATES = 2000, /* the levels of an inventory with more states come from a simulated run */
    PERIODS = 20000,     /* periods of that run */
    PRINTED = 10,        /* most units of a place in a table */
};
#define TABLE_MAX INT64_C(100000000) /* most entries of the counts that a table is made from */
#define DISCOUNT  0.99
#define MONEY     1e9

static const WorldOption options[] = {
    [LIFE] = {WORLD_COUNT, "life", "2", 0, 15,
              "periods that a unit serves before it expires; 0: it keeps for ever"},
    [LEAD] = {WORLD_COUNT, "lead", "1", 0, 15,
              "periods from order to arrival; 0: it arrives before the demand of its own period"},
    [ORDER_MAX] = {WORLD_COUNT, "order_max", "10", 1, 1000, "largest order, in units"},
    [CAPACITY] = {WORLD_COUNT, "capacity", "0", 0, 100000,
                  "units that the shelf holds; only with life=0"},
    [ISSUE] = {WORLD_TEXT, "issue", "oldest", 0, 0,
               "units that serve the demand first: oldest or youngest"},
    [DEMAND] = {WORLD_TEXT, "demand", "gamma:4:0.5:max=100", 0, 0,
                "poisson:MEAN, negative_binomial:MEAN:COV, gamma:MEAN:COV (COV: coefficient of "
                "variation), or a record: history:FILE.csv:column=C[:KEY=VALUE], "
                "history:FILE.csv:row=KEY, history:FILE.h5:item=KEY, each with :unit=U"},
    [PRICE] = {WORLD_REAL, "price", "0", -MONEY, MONEY, "revenue of a unit sold"},
    [ORDER_COST] = {WORLD_REAL, "order_cost", "3", -MONEY, MONEY, "cost of a unit ordered"},
    [FIXED_COST] = {WORLD_REAL, "fixed_cost", "0", -MONEY, MONEY,
                    "cost of an order, of any size above 0"},
    [SHORTAGE_COST] = {WORLD_REAL, "shortage_cost", "5", -MONEY, MONEY,
                       "cost of a unit of demand that is not served"},
    [WASTAGE_COST] = {WORLD_REAL, "wastage_cost", "7", -MONEY, MONEY,
                      "cost of a unit that expires; a negative one is a salvage value"},
    [HOLDING_COST] = {WORLD_REAL, "holding_cost", "1", -MONEY, MONEY,
                      "cost of a unit kept to the next period"},
    [BASE_STOCK] = {WORLD_COUNT, "base_stock", "-1", -1, 1e6,
                    "level S that the policies order up to; -1: the best"},
    [REORDER] =
        {WORLD_COUNT, "reorder", "-1", -1, 1e6,
         "level s of the policy reorder, with base_stock as S; -1: S - 1, or the best where "
         "base_stock is -1"},
    [START] = {WORLD_TEXT, "start", "empty", 0, 0,
               "state that an episode begins in: empty, or any (each with the same probability)"},
    {0},
};

typedef struct {
    Inventory inventory;
    bool any_start;
    InventoryLevels base_stock, reorder; /* the levels of the policies with these names */
    char place_name[INVENTORY_PLACES_MAX][INVENTORY_NAME];
    const char *number_name[INVENTORY_PLACES_MAX];
} Warehouse;

typedef struct {
    int32_t period;
    int at[INVENTORY_PLACES_MAX];
} Stock;

/* Fills what the event shows. */
static void fill_event(const Inventory *v, const Stock *s, WorldEvent *event)
{
    event->time = s->period * INT64_C(86400000);
    for (int i = 0; i < v->places; i++) event->number[i] = (float)s->at[i];
}

static void reset(const void *world, void *state, WorldDraw *draw, WorldEvent *event)
{
    const Warehouse *w = world;
    Stock *s = state;
    *s = (Stock){0};
    if (w->any_start) {
        const Philox p = world_draw(draw);
        const uint64_t word = (uint64_t)p.word[0] << 32 | p.word[1];
        inventory_state(&w->inventory, (int64_t)(word % (uint64_t)w->inventory.states), s->at);
    }
    fill_event(&w->inventory, s, event);
}

static void step(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event)
{
    const Inventory *v = &((const Warehouse *)world)->inventory;
    Stock *s = state;
    InventoryPeriod period;
    const int demand = demand_draw(&v->demand, world_draw(draw).word[0]);
    event->reward = (float)inventory_period(v, s->at, item, demand, &period);
    s->period++;
    fill_event(v, s, event);
}

/* ---- Policies -------------------------------------------------------------------------------- */

static int32_t act_levels(const Inventory *v, const Stock *s, const InventoryLevels *levels,
                          float *propensity)
{
    *propensity = 1.0f;
    return inventory_reorder(v, s->at, levels->reorder, levels->level);
}

static int32_t act_base_stock(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    const Warehouse *h = w->parameters;
    (void)draw;
    return act_levels(&h->inventory, state, &h->base_stock, propensity);
}

static int32_t act_reorder(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    const Warehouse *h = w->parameters;
    (void)draw;
    return act_levels(&h->inventory, state, &h->reorder, propensity);
}

static const WorldBaseline baselines[] = {
    {"base_stock", "orders up to the level S", false, act_base_stock},
    {"reorder", "(s, S): orders up to S where stock and transit are at most s", false, act_reorder},
    {0},
};

static Status make_mdp(const void *world, Mdp *mdp)
{
    const Warehouse *w = world;
    TRY(inventory_plan_mdp(&w->inventory, DISCOUNT, NULL, mdp));
    for (int64_t s = 0; s < mdp->states && w->any_start; s++)
        mdp->start[s] = 1.0 / (double)mdp->states;
    return OK;
}

static int64_t mdp_state(const void *world, const void *state)
{
    return inventory_index(&((const Warehouse *)world)->inventory, ((const Stock *)state)->at);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Finds the order that was made most often in each state. Of equally frequent orders it takes the
 * smallest; it is -1 where no order was made. */
static void find_commonest(const int32_t *made, int64_t states, int64_t orders, int64_t *order)
{
    for (int64_t s = 0; s < states; s++) {
        const int32_t *count = made + s * orders;
        order[s] = -1;
        for (int64_t a = 0; a < orders; a++)
            if (count[a] > (order[s] < 0 ? 0 : count[order[s]])) order[s] = a;
    }
}

static Status print(const World *w, const WorldEvent *event, int64_t count, FILE *out)
{
    const Inventory *v = &((const Warehouse *)w->parameters)->inventory;
    const int64_t orders = w->spec.items;
    int32_t *made =
        v->states > TABLE_MAX / orders ? NULL : calloc((size_t)(v->states * orders), sizeof *made);
    int64_t *order = made ? malloc((size_t)v->states * sizeof *order) : NULL;
    if (!order) {
        free(made);
        return FAIL(ERR_MEMORY,
                    "no memory to count the orders of %" PRId64 " states by %" PRId64 " orders",
                    v->states, orders);
    }
    for (int64_t i = 0; i < count; i++) {
        int at[INVENTORY_PLACES_MAX];
        if (!world_precedes_choice(event, count, i)) continue;
        for (int p = 0; p < v->places; p++) at[p] = (int)event[i].number[p];
        made[inventory_index(v, at) * orders + event[i + 1].item]++;
    }
    find_commonest(made, v->states, orders, order);
    fputs(
        "orders, by the units in stock: the most frequent order of each state; . marks states that "
        "were not met\n",
        out);
    inventory_print(out, v, order, PRINTED);
    free(made);
    free(order);
    return OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static Status read_settings(Warehouse *w, const WorldSettings *s)
{
    const double *x = s->number;
    InventorySettings is = {.life = (int)x[LIFE],
                            .lead = (int)x[LEAD],
                            .order_max = (int)x[ORDER_MAX],
                            .capacity = (int)x[CAPACITY],
                            .price = x[PRICE],
                            .order_cost = x[ORDER_COST],
                            .fixed_cost = x[FIXED_COST],
                            .shortage_cost = x[SHORTAGE_COST],
                            .wastage_cost = x[WASTAGE_COST],
                            .holding_cost = x[HOLDING_COST]};
    Demand demand;
    TRY(world_either("inventory", &options[ISSUE], s->text[ISSUE], "youngest", &is.youngest_first));
    TRY(world_either("inventory", &options[START], s->text[START], "any", &w->any_start));
    TRY(demand_text_parse(&demand, s->text[DEMAND]));
    return inventory_open(&w->inventory, &is, &demand);
}

static Status find_levels(Warehouse *w, int level, int reorder)
{
    const Inventory *v = &w->inventory;
    const int64_t periods = v->states > EXACT_STATES ? PERIODS : 0;
    if (reorder >= 0 && level <= reorder)
        return FAIL(ERR_USAGE, "world inventory: reorder=%d, want base_stock above it", reorder);
    w->base_stock = (InventoryLevels){.reorder = level - 1, .level = level};
    w->reorder = (InventoryLevels){.reorder = reorder < 0 ? level - 1 : reorder, .level = level};
    if (level < 0) TRY(inventory_plan_best_base_stock(v, 1.0, periods, &w->base_stock));
    if (level < 0) TRY(inventory_plan_best_reorder(v, 1.0, periods, &w->reorder));
    return OK;
}

static void fill_spec(Warehouse *w, WorldSpec *spec)
{
    static const char *const period[] = {"period"};
    static const float reward[] = {0.0f};
    const Inventory *v = &w->inventory;
    *spec = (WorldSpec){.items = v->is.order_max + 1,
                        .actions = 1,
                        .action_name = period,
                        .action_reward = reward,
                        .numbers = v->places,
                        .number_name = w->number_name,
                        .discount = DISCOUNT,
                        .horizon = 365,
                        .state_bytes = sizeof(Stock)};
    for (int i = 0; i < v->places; i++) {
        inventory_print_name(v, i, w->place_name[i]);
        w->number_name[i] = w->place_name[i];
        spec->number_mean[i] = (float)v->limit[i] * 0.25f;
        spec->number_std[i] = (float)v->limit[i] * 0.25f;
    }
}

static Status open_inventory(void **world, WorldSpec *spec, const WorldSettings *settings)
{
    Warehouse *w = calloc(1, sizeof *w);
    *world = w;
    if (!w) return FAIL(ERR_MEMORY, "no memory for an inventory");
    TRY(read_settings(w, settings));
    TRY(find_levels(w, (int)settings->number[BASE_STOCK], (int)settings->number[REORDER]));
    fill_spec(w, spec);
    return OK;
}

static void close_inventory(void *world)
{
    if (world) inventory_close(&((Warehouse *)world)->inventory);
    free(world);
}

const WorldKind inventory_world = {
    .name = "inventory",
    .summary = "orders for one product: newsvendor, lost sales with a lead time, perishable stock",
    .options = options,
    .open = open_inventory,
    .close = close_inventory,
    .reset = reset,
    .step = step,
    .baselines = baselines,
    .mdp = make_mdp,
    .mdp_state = mdp_state,
    .print = print,
};
