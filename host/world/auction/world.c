/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/world.h"

#include "world/auction/curve.h"
#include "world/auction/house.h"

enum { LOST, WON, CLICK, KINDS };
static const char *const kind_name[] = {"lost", "won", "click"};
static const char *const number_name[] = {"budget_left", "auctions_left", "pace", "value",
                                          "click_cost"};

/* ---- Episodes -------------------------------------------------------------------------------- */

/* The state of an episode. "Next" is the auction that comes. */
typedef struct {
    int64_t row; /* the row of the log with the episode's first auction */
    int32_t auction, auctions, budget;
    float shared;       /* market: z of the next auction */
    double value;       /* of the next auction */
    double cost, worth; /* so far; worth is the sum of the rewards */
    double expected;    /* sum of the values won */
    int32_t clicks;
    BidderPacing pacing[BIDDERS];
    MarketRival rival[]; /* [market.rivals] */
} Bidding;

/* Finds the value of the next auction. */
static void look_ahead(const AuctionHouse *h, Bidding *b, WorldDraw *draw)
{
    if (b->auction >= b->auctions)
        b->value = 0.0;
    else if (h->log.auctions)
        b->value = h->log.value[b->row + b->auction];
    else
        b->value = market_value(&h->market, draw, &b->shared);
}

/* Fills what the event shows. */
static void fill_event(const AuctionHouse *h, const Bidding *b, WorldEvent *event)
{
    const double left = (double)(b->auctions - b->auction) / b->auctions;
    event->time = b->auction * INT64_C(1000);
    event->number[AUCTION_BUDGET_LEFT] = (float)b->budget;
    event->number[AUCTION_AUCTIONS_LEFT] = (float)(b->auctions - b->auction);
    event->number[AUCTION_PACE] = left > 0.0 ? (float)((double)b->budget / h->budget / left) : 0.0f;
    event->number[AUCTION_VALUE] = (float)(b->value / h->past_value);
    event->number[AUCTION_CLICK_COST] =
        h->limit > 0.0 && b->expected > 0.0 ? (float)(b->cost / b->expected / h->limit) : 0.0f;
}

/* Episode e of a log is its e-th run of auctions, from the beginning again after the last one,
 * which may be shorter; with random_order it is any run. */
static void find_rows(const AuctionHouse *h, Bidding *b, WorldDraw *draw)
{
    const int64_t rows = h->log.auctions;
    const Philox p = world_draw(draw);
    b->auctions = h->auctions;
    if (rows == 0) return;
    if (h->random_order) {
        const int64_t starts = rows > h->auctions ? rows - h->auctions + 1 : 1;
        const uint64_t word = (uint64_t)p.word[0] << 32 | p.word[1];
        b->row = (int64_t)(word % (uint64_t)starts);
    } else {
        const int64_t episodes = (rows + h->auctions - 1) / h->auctions;
        b->row = (int64_t)(draw->episode % (uint64_t)episodes) * h->auctions;
    }
    if (rows - b->row < h->auctions) b->auctions = (int32_t)(rows - b->row);
}

static void reset(const void *world, void *state, WorldDraw *draw, WorldEvent *event)
{
    const AuctionHouse *h = world;
    Bidding *b = state;
    *b = (Bidding){.budget = h->budget};
    find_rows(h, b, draw);
    for (int k = 0; k < BIDDERS; k++) bidder_pacing_start(&b->pacing[k], &h->bidder[k]);
    if (h->log.auctions == 0) market_start(&h->market, b->rival, draw);
    look_ahead(h, b, draw);
    fill_event(h, b, event);
}

static int left_of(const AuctionHouse *h, const Bidding *b) { return h->auctions - b->auction; }

/* One auction of the log. */
static MarketOutcome replay(const AuctionHouse *h, const Bidding *b, int bid)
{
    const int64_t row = b->row + b->auction;
    if (bid < h->log.price[row]) return (MarketOutcome){0};
    return (MarketOutcome){
        .exposed = true, .clicked = h->log.click[row], .cost = h->log.price[row]};
}

/* One auction; returns its reward. */
static double take_part(const AuctionHouse *h, Bidding *b, int32_t item, WorldDraw *draw,
                        WorldEvent *event)
{
    const int wanted = auction_house_bid(h, item, b->value);
    const int bid = wanted < b->budget ? wanted : b->budget;
    const MarketOutcome o = h->log.auctions ? replay(h, b, bid)
                                            : market_auction(&h->market, b->rival, left_of(h, b),
                                                             bid, b->value, b->shared, draw);
    const double won = o.exposed ? b->value : 0.0;
    const double reward = h->clicks ? o.clicked : won / h->past_value;
    for (int k = BIDDER_PID; k <= BIDDER_LAGRANGIAN; k++)
        bidder_pacing_update(&b->pacing[k], &h->bidder[k], left_of(h, b), o.cost, won);
    b->budget -= (int)o.cost;
    b->cost += o.cost;
    b->expected += won;
    b->clicks += o.clicked;
    b->worth += reward;
    b->auction++;
    if (o.exposed && event->action == LOST) event->action = WON;
    if (o.clicked) event->action = CLICK;
    return reward;
}

static void step(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event)
{
    const AuctionHouse *h = world;
    Bidding *b = state;
    double reward = 0.0;
    for (int i = 0; i < h->period && b->auction < b->auctions && b->budget > 0; i++) {
        reward += take_part(h, b, item, draw, event);
        look_ahead(h, b, draw);
    }
    if (b->auction == b->auctions || b->budget <= 0) {
        const double clicks = h->clicks ? b->clicks : b->expected;
        if (clicks > 0.0)
            reward += b->worth * (auction_score(clicks, b->cost, h->limit) / clicks - 1.0);
        event->end = END_TERMINAL;
    }
    event->reward = (float)reward;
    fill_event(h, b, event);
}

/* ---- Policies -------------------------------------------------------------------------------- */

static int32_t act(const World *w, const void *state, BidderKind kind, float *propensity)
{
    const AuctionHouse *h = w->parameters;
    const Bidding *b = state;
    const int bid =
        bidder_bid(&h->bidder[kind], &b->pacing[kind], left_of(h, b), b->budget, b->value);
    *propensity = 1.0f;
    return auction_house_choice(h, bid, b->value);
}

#define ACT(name, kind)                                                                            \
    static int32_t name(const World *w, const void *state, WorldDraw *draw, float *propensity)     \
    {                                                                                              \
        (void)draw;                                                                                \
        return act(w, state, kind, propensity);                                                    \
    }
ACT(act_linear, BIDDER_LINEAR)
ACT(act_max_ecpc, BIDDER_MAX_ECPC)
ACT(act_rlb, BIDDER_RLB)
ACT(act_ss_mdp, BIDDER_SS_MDP)
ACT(act_pid, BIDDER_PID)
ACT(act_lagrangian, BIDDER_LAGRANGIAN)

static const WorldBaseline baselines[] = {
    {"linear", "bids in proportion to the value of the auction", false, act_linear},
    {"max_ecpc", "bids the value times what a click cost in the past", false, act_max_ecpc},
    {"rlb", "dynamic programming: optimal if prices do not depend on values", false, act_rlb},
    {"ss_mdp", "rlb that ignores the value of the auction", false, act_ss_mdp},
    {"pid", "linear, with a controller that spends the budget evenly", false, act_pid},
    {"lagrangian", "bids the value times a price that keeps to the budget and the limit", false,
     act_lagrangian},
    {0},
};

/* ---- Opening --------------------------------------------------------------------------------- */

static void fill_spec(const AuctionHouse *h, WorldSpec *spec)
{
    static const float click_reward[] = {0.0f, 0.0f, 1.0f};
    static const float value_reward[] = {0.0f, 1.0f, 1.0f};
    *spec = (WorldSpec){.items = h->levels,
                        .actions = KINDS,
                        .action_name = kind_name,
                        .action_reward = h->clicks ? click_reward : value_reward,
                        .numbers = AUCTION_NUMBERS,
                        .number_name = number_name,
                        .number_mean = {(float)h->budget / 2, (float)h->auctions / 2, 1, 1, 0},
                        .number_std = {(float)h->budget / 3, (float)h->auctions / 3, 1, 1, 1},
                        .discount = 1.0,
                        .horizon = (h->auctions + h->period - 1) / h->period,
                        .state_bytes =
                            sizeof(Bidding) + (size_t)h->market.rivals * sizeof(MarketRival)};
}

static Status open_auction(void **world, WorldSpec *spec, const WorldSettings *settings)
{
    AuctionHouse *h;
    const Status st = auction_house_open(&h, settings);
    *world = h;
    if (st == OK) fill_spec(h, spec);
    return st;
}

static void close_auction(void *world) { auction_house_close(world); }

const WorldKind auction_world = {
    .name = "auction",
    .summary =
        "bids for impressions under a budget, in a market of rivals or a log that is replayed",
    .options = auction_house_options,
    .open = open_auction,
    .close = close_auction,
    .reset = reset,
    .step = step,
    .baselines = baselines,
    .print = auction_curve_print,
    .plot = auction_curve_plot,
};
