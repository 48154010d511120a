/* Rivals that bid beside the agent: the market of a simulated auction.
 *
 * In each auction bidder b, the agent being 0, values the impression at
 *
 *     v_b = mean_value exp(spread z_b - spread^2 / 2),  z_b = sqrt(common) z + sqrt(1 - common) n_b
 *
 * with normal z, n_b: the mean is mean_value, and what is good is good for all to some extent. Rival b paces
 * its bids as a bidder of bidders.h does, in turn linear, pid and lagrangian, with a budget and a base of
 * its own, drawn anew in every episode: base price e^(0.3 n), budget (1/2 .. 3/2) price x auctions x
 * slots / bidders. Budgets run out and controllers answer, so prices drift within an episode. */
#ifndef SOUK_AUCTION_MARKET_H
#define SOUK_AUCTION_MARKET_H

#include "world/auction/auction.h"
#include "world/auction/bidder.h"
#include "world/world.h"

enum { RIVALS_MAX = 31 };

typedef struct {
    int rivals, auctions, highest;
    double mean_value, spread, common, price;
    AuctionRules rules;
} Market;

typedef struct {
    Bidder bidder;
    Pacing pacing;
    double budget; /* left */
} Rival;

/* What an auction was for the agent. */
typedef struct {
    bool exposed, clicked;
    double cost;
    double
        entry; /* the lowest price at which a bid takes a slot; the highest rival bid where slots = 1 */
} MarketOutcome;

/* The rivals of an episode. */
void market_start(const Market *m, Rival *rival, WorldDraw *draw);
/* The agent's value of the coming auction, and the normal z that all share. */
double market_value(const Market *m, WorldDraw *draw, float *shared);
/* One auction: everyone bids, slots are sold, shown, clicked and paid. */
MarketOutcome market_auction(const Market *m, Rival *rival, int left, double bid, double value,
                             float shared, WorldDraw *draw);
/* A log of `auctions` auctions in which the agent took no part: the price is `entry`. */
Status market_past(const Market *m, uint64_t seed, int64_t auctions, BidLog *log);

#endif
