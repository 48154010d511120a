/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/small_shop.h"

#include <stdlib.h>

#include "world/shop/event.h"

enum { SHELVES, RANKS, AFFINITY, SHELF_STEP, BOREDOM, BORED, MARGIN, DRIFT, VIEW, LEAVE, BUY };
#define DISCOUNT 0.95
static const WorldOption options[] = {
    [SHELVES] = {WORLD_COUNT, "shelves", "3", 2, 6, "number of shelves"},
    [RANKS] = {WORLD_COUNT, "ranks", "2", 1, 8, "items on each shelf"},
    [AFFINITY] = {WORLD_REAL, "affinity", "2", 0, 20, "relevance of an item of the wanted shelf"},
    [SHELF_STEP] = {WORLD_REAL, "shelf_step", "1", 0, 20,
                    "relevance lost with each rank on the shelf"},
    [BOREDOM] = {WORLD_REAL, "boredom", "1.2", 0, 20,
                 "relevance lost, and utility of leaving gained, with each showing of a shelf in a "
                 "row"},
    [BORED] = {WORLD_COUNT, "bored", "2", 1, 8, "showings in a row that count at most"},
    [MARGIN] = {WORLD_REAL, "margin", "1.2", -20, 20,
                "relevance gained with each shelf after the first"},
    [DRIFT] = {WORLD_REAL, "drift", "0.1", 0, 1,
               "probability to turn to another shelf after any event but a purchase"},
    [VIEW] = {WORLD_REAL, "view", "-1", -20, 20, "utility of looking, at relevance 0; skipping: 0"},
    [LEAVE] = {WORLD_REAL, "leave", "-1.5", -20, 20, "utility of leaving, without boredom"},
    [BUY] = {WORLD_REAL, "buy", "-1", -20, 20,
             "log-odds of the cart after a look, and of a purchase after the cart"},
    {0},
};

/* Three shops in which the best item for the next reward is not the best one to show. */
static const WorldPreset presets[] = {
    {"margin", "margin=2",
     "shelves earn so differently that it pays to lead a shopper to the dearer ones"},
    {"variety", "shelves=3,margin=1.6,boredom=0.3,bored=3,drift=0.05,affinity=2,leave=-1.5,buy=0",
     "what a shopper wants next depends on what was bought"},
    {"patience", "shelves=2,margin=-1,boredom=2,bored=1,drift=0,affinity=4,leave=-2.5,buy=-2",
     "who is shown the wanted shelf twice in a row soon leaves"},
    {0},
};

typedef struct {
    int shelves, ranks, bored;
    double affinity, shelf_step, boredom, margin, drift;
    ShopTaste taste;
    int32_t *category; /* [items] feature: shelf + 1, as row 0 is "unknown" */
} SmallShop;

typedef struct {
    int32_t wanted, shown; /* shelves */
    int32_t row;           /* showings of `shown` in a row, 1 .. bored */
} Shopper;

static int shelf_of(const SmallShop *s, int32_t item) { return item / s->ranks; }

/* ---- The law of a choice --------------------------------------------------------------------- */

typedef struct {
    double probability;
    int kind;
    Shopper next; /* set unless kind is SHOP_LEAVE */
} Outcome;
enum { OUTCOMES_MAX = SHOP_KINDS * 6 };

/* Lists all outcomes of showing `item` and returns their number. */
static int outcomes(const SmallShop *s, const Shopper *now, int32_t item, Outcome *out)
{
    const int shelf = shelf_of(s, item), again = shelf == now->shown ? now->row : 0;
    const double dull = s->boredom * again;
    const double x = (shelf == now->wanted ? s->affinity : 0.0) + s->margin * shelf -
                     s->shelf_step * (item % s->ranks) - dull;
    double law[SHOP_KINDS];
    int count = 0;
    shop_event_law(law, &s->taste, x, shop_event_unrest(dull));
    for (int kind = 0; kind < SHOP_KINDS; kind++) {
        Shopper next = {now->wanted, shelf, again < s->bored ? again + 1 : s->bored};
        const bool bought = kind == SHOP_PURCHASE || kind == SHOP_REVIEW;
        if (bought && shelf == now->wanted) next.wanted = (now->wanted + 1) % s->shelves;
        const double drift = bought || kind == SHOP_LEAVE ? 0.0 : s->drift;
        out[count++] = (Outcome){law[kind] * (1.0 - drift), kind, next};
        for (int to = 0; drift > 0.0 && to < s->shelves; to++) {
            if (to == now->wanted) continue;
            next.wanted = to;
            out[count++] = (Outcome){law[kind] * drift / (s->shelves - 1), kind, next};
        }
    }
    return count;
}

/* ---- The world ------------------------------------------------------------------------------- */

/* Fills what the event shows. */
static void fill_event(const SmallShop *s, const Shopper *now, int kind, WorldEvent *event)
{
    event->action = (uint8_t)kind;
    event->reward = shop_event_reward[kind];
    for (int c = 0; c < s->shelves; c++) event->number[c] = c == now->wanted;
}

static double uniform(Philox p)
{
    return (double)((uint64_t)p.word[0] << 32 | p.word[1]) * 0x1p-64;
}

static void reset(const void *world, void *state, WorldDraw *draw, WorldEvent *event)
{
    const SmallShop *s = world;
    const int wanted = (int)(world_draw(draw).word[0] * (uint64_t)s->shelves >> 32);
    Shopper *now = state;
    *now = (Shopper){wanted, wanted, 1};
    event->item = wanted * s->ranks;
    fill_event(s, now, SHOP_VIEW, event);
    event->reward = 0.0f; /* this item was not chosen */
}

static void step(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event)
{
    const SmallShop *s = world;
    Shopper *now = state;
    Outcome out[OUTCOMES_MAX];
    const int count = outcomes(s, now, item, out);
    double u = uniform(world_draw(draw));
    int i = 0;
    for (; i < count - 1 && u >= out[i].probability; i++) u -= out[i].probability;
    *now = out[i].next;
    fill_event(s, now, out[i].kind, event);
    if (out[i].kind == SHOP_LEAVE) event->end = END_TERMINAL;
}

static int64_t state_number(const SmallShop *s, const Shopper *now)
{
    return ((int64_t)now->wanted * s->shelves + now->shown) * s->bored + now->row - 1;
}

static int64_t mdp_state(const void *world, const void *state)
{
    return state_number(world, state);
}

static Status fill_pair(const SmallShop *s, Mdp *mdp, const Shopper *now, int32_t item)
{
    Outcome out[OUTCOMES_MAX];
    const int count = outcomes(s, now, item, out);
    for (int i = 0; i < count; i++)
        TRY(mdp_add(mdp, out[i].kind == SHOP_LEAVE ? MDP_TERMINAL : state_number(s, &out[i].next),
                    out[i].probability, shop_event_reward[out[i].kind]));
    mdp_next(mdp);
    return OK;
}

static Status make_mdp(const void *world, Mdp *mdp)
{
    const SmallShop *s = world;
    const int32_t items = s->shelves * s->ranks;
    TRY(mdp_open(mdp, (int64_t)s->shelves * s->shelves * s->bored, items, DISCOUNT));
    Shopper now;
    for (now.wanted = 0; now.wanted < s->shelves; now.wanted++)
        for (now.shown = 0; now.shown < s->shelves; now.shown++)
            for (now.row = 1; now.row <= s->bored; now.row++)
                for (int32_t item = 0; item < items; item++) TRY(fill_pair(s, mdp, &now, item));
    for (int c = 0; c < s->shelves; c++)
        mdp->start[state_number(s, &(Shopper){c, c, 1})] = 1.0 / s->shelves;
    return mdp_check(mdp);
}

/* ---- Baselines ------------------------------------------------------------------------------- */

/* The item with the highest expected reward of the next event. */
static int32_t act_myopic(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    const SmallShop *s = w->parameters;
    int32_t best = 0;
    double best_reward = -1.0;
    (void)draw;
    for (int32_t item = 0; item < w->spec.items; item++) {
        Outcome out[OUTCOMES_MAX];
        const int count = outcomes(s, state, item, out);
        double reward = 0.0;
        for (int i = 0; i < count; i++)
            reward += out[i].probability * shop_event_reward[out[i].kind];
        if (reward > best_reward) best = item, best_reward = reward;
    }
    *propensity = 1.0f;
    return best;
}

static int32_t act_wanted(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    (void)draw;
    *propensity = 1.0f;
    return ((const Shopper *)state)->wanted * ((const SmallShop *)w->parameters)->ranks;
}

static const WorldBaseline baselines[] = {
    {"wanted", "the first item of the shelf that the shopper wants", false, act_wanted},
    {"myopic", "the best item for the next reward, knowing the law of choices", false, act_myopic},
    {0},
};

/* ---- Opening --------------------------------------------------------------------------------- */

static void fill_spec(const SmallShop *s, WorldSpec *spec)
{
    static const char *const wants[] = {"wants_0", "wants_1", "wants_2",
                                        "wants_3", "wants_4", "wants_5"};
    *spec = (WorldSpec){
        .items = (int64_t)s->shelves * s->ranks,
        .actions = SHOP_KINDS,
        .action_name = shop_event_name,
        .action_reward = shop_event_reward,
        .action_impression = shop_event_impression,
        .numbers = s->shelves,
        .number_name = wants,
        .item_features = {.kinds = 1, .kind_name = {"shelf"}, .category = s->category},
        .discount = DISCOUNT,
        .horizon = 200,
        .state_bytes = sizeof(Shopper),
    };
    spec->item_features.kind_rows[0] = spec->item_features.categories = s->shelves + 1;
    for (int c = 0; c < s->shelves; c++) spec->number_std[c] = 1.0f;
}

static Status open_shop(void **world, WorldSpec *spec, const WorldSettings *settings)
{
    const double *x = settings->number;
    SmallShop *s = calloc(1, sizeof *s);
    *world = s;
    if (!s) return FAIL(ERR_MEMORY, "no memory for a small shop");
    *s = (SmallShop){
        .shelves = (int)x[SHELVES],
        .ranks = (int)x[RANKS],
        .bored = (int)x[BORED],
        .affinity = x[AFFINITY],
        .shelf_step = x[SHELF_STEP],
        .boredom = x[BOREDOM],
        .margin = x[MARGIN],
        .drift = x[DRIFT],
        .taste = shop_event_taste(x[VIEW], x[LEAVE], x[BUY], x[BUY], 0.0),
    };
    s->category = calloc((size_t)(s->shelves * s->ranks), sizeof *s->category);
    if (!s->category) return FAIL(ERR_MEMORY, "no memory for a small shop");
    for (int32_t i = 0; i < s->shelves * s->ranks; i++) s->category[i] = 1 + shelf_of(s, i);
    fill_spec(s, spec);
    return OK;
}

static void close_shop(void *world)
{
    SmallShop *s = world;
    if (s) free(s->category);
    free(s);
}

const WorldKind small_shop_world = {
    .name = "small-shop",
    .summary = "a few shelves, interest and boredom: a finite MDP, whose optimum is known",
    .options = options,
    .presets = presets,
    .open = open_shop,
    .close = close_shop,
    .reset = reset,
    .step = step,
    .baselines = baselines,
    .mdp = make_mdp,
    .mdp_state = mdp_state,
};
