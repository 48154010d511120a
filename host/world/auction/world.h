/* Bidding for impressions under a budget, as a world: a log of real auctions replayed, or a market of
 * rivals. An episode is a run of auctions with a budget; a choice is held for `period` of them.
 *
 *   grid=multiplier  choice 0 bids nothing, choice k bids base 2^((k - levels/2) / 4) v / v', with v the
 *                    predicted value of the auction and v' its mean in the past: the linear bidder's bid,
 *                    higher or lower
 *   grid=bid         choice k bids k: the levels are all whole bids 0 .. highest
 *
 * An event tells what was won, and what is seen of the next auction: budget_left, auctions_left, pace =
 * (share of the budget left) / (share of the auctions left), value = v / v' of the next auction, and
 * click_cost = (cost of a click so far) / limit, 0 without a limit. An episode ends with its auctions or
 * its budget.
 *
 *   reward=click     1 for a click
 *   reward=value     v / v' of what is won: the expected clicks, in units of an average impression
 *
 * With a limit on the cost of a click the last reward corrects the sum of rewards W to AuctionNet's
 * score, W min(1, (limit / cost of a click)^2).
 *
 * What a bidder knows of the past (v', the prices' distribution, cost and clicks): of a log, `info`, or
 * else the rows before `first`, or else (first=0) the log itself; of a market, a run in which the agent
 * took no part. `base` is tuned on the same past unless given. */
#ifndef SOUK_AUCTION_WORLD_H
#define SOUK_AUCTION_WORLD_H

#include "world/auction/market.h"

typedef enum { GRID_MULTIPLIER, GRID_BID } BidGrid;

typedef struct {
    int auctions, budget, highest, levels, period;
    BidGrid grid;
    bool clicks;       /* reward=click */
    bool random_order; /* of a log's episodes */
    double base, limit;
    double past_value; /* v' */
    BidLog log;        /* the rows that are bid in; auctions 0: the market */
    Market market;
    Campaign past;
    Rlb rlb;
    Bidder bidder[BIDDERS];
} AuctionHouse;

typedef struct {
    int64_t row; /* of the log, of the episode's first auction */
    int32_t auction, auctions, budget;
    float shared;       /* of the coming auction; market */
    double value;       /* of the coming auction */
    double cost, worth; /* so far; worth in the reward's unit */
    double expected;    /* sum of v won */
    int32_t clicks;
    Pacing pacing[BIDDERS];
    Rival rival[]; /* [market.rivals] */
} Bidding;

extern const WorldOption auction_house_options[];
Status auction_house_open(AuctionHouse **house, const WorldSettings *settings);
void auction_house_close(AuctionHouse *house); /* safe on NULL */

/* The bid curve (WorldKind's print): the mean bid by the value of the auction, at each third of the time and
 * at each pace. */
Status auction_curve_print(const World *w, const WorldEvent *event, int64_t count, FILE *out);
/* The same as a plot (WorldKind's plot): a panel a third of the time, a line a pace. */
Status auction_curve_plot(const World *w, const WorldEvent *event, int64_t count,
                          const char *folder, const char *name);

/* Numbers of an event, in order. */
enum {
    AUCTION_BUDGET_LEFT,
    AUCTION_AUCTIONS_LEFT,
    AUCTION_PACE,
    AUCTION_VALUE,
    AUCTION_CLICK_COST,
    AUCTION_NUMBERS
};

/* What choice `item` bids at `value`, before the budget's limit. */
int auction_world_bid(const AuctionHouse *house, int32_t item, double value);
/* The choice whose bid at `value` is nearest to `bid`; of equally near ones the one nearest to the linear
 * bid, which is the middle. */
int32_t auction_world_choice(const AuctionHouse *house, double bid, double value);

#endif
