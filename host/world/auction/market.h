/* SPDX-License-Identifier: Apache-2.0 */
/* The market of a simulated auction: rivals that bid beside the agent.
 *
 * Bidder 0 is the agent. In each auction bidder b values the impression at
 *
 *     v_b = mean_value exp(spread z_b - spread^2 / 2),  z_b = sqrt(common) z + sqrt(1 - common) n_b
 *
 * with normal z and n_b. So the mean of v_b is mean_value, and an impression that is good for one
 * bidder is partly good for all. Rivals bid as the bidders of bidder.h: linear, pid and lagrangian
 * in turn. The base of a rival is price e^(0.3 n) and its budget (1/2 .. 3/2) price x auctions x
 * slots / bidders, both drawn anew in every episode. As budgets run out and controllers react,
 * prices drift within an episode.
 */
#ifndef SOUK_AUCTION_MARKET_H
#define SOUK_AUCTION_MARKET_H

#include "world/auction/auction.h"
#include "world/auction/bidder.h"
#include "world/world.h"

enum { MARKET_RIVALS_MAX = 31 };

typedef struct {
    int rivals, auctions, highest;
    double mean_value, spread, common, price;
    AuctionRules rules;
} Market;

typedef struct {
    Bidder bidder;
    BidderPacing pacing;
    double budget; /* left */
} MarketRival;

/* The result of an auction for the agent. */
typedef struct {
    bool exposed, clicked;
    double cost;
    /* The lowest bid that takes a slot; with one slot it is the highest bid of the rivals. */
    double entry;
} MarketOutcome;

/* Draws the rivals of an episode: rival [m->rivals]. */
void market_start(const Market *m, MarketRival *rival, WorldDraw *draw);
/* Draws the agent's value of the next auction; *shared is the z that all bidders share. */
double market_value(const Market *m, WorldDraw *draw, float *shared);
/* One auction: all bid; slots are sold, exposed, clicked and paid. `left` is the number of auctions
 * left, including this one; `bid` and `value` are those of the agent. */
MarketOutcome market_auction(const Market *m, MarketRival *rival, int left, double bid,
                             double value, float shared, WorldDraw *draw);
/* A log of `auctions` auctions in which the agent took no part; the price is `entry`. */
Status market_past(const Market *m, uint64_t seed, int64_t auctions, BidLog *log);

#endif
