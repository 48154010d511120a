/* SPDX-License-Identifier: Apache-2.0 */
/* An auction house: everything that the world "auction" (world.h) needs, made from its settings.
 * These are the log that is replayed or the market that is simulated, what is known about the past,
 * and the bidders.
 */
#ifndef SOUK_AUCTION_HOUSE_H
#define SOUK_AUCTION_HOUSE_H

#include "world/auction/market.h"

typedef enum { GRID_MULTIPLIER, GRID_BID } AuctionGrid;

typedef struct {
    int auctions, budget, highest, levels, period;
    AuctionGrid grid;
    bool clicks;       /* whether reward=click */
    bool random_order; /* of a log's episodes */
    double base, limit;
    double past_value; /* v', mean value of the past */
    BidLog log;        /* the rows to bid in; auctions 0: the market is simulated */
    Market market;
    Campaign past;
    Rlb rlb;
    Bidder bidder[BIDDERS];
} AuctionHouse;

extern const WorldOption auction_house_options[];
/* Close *house even where this fails. */
Status auction_house_open(AuctionHouse **house, const WorldSettings *settings);
void auction_house_close(AuctionHouse *house); /* safe on NULL */

/* What choice `item` bids in an auction of value `value`, before the budget limits it. */
int auction_house_bid(const AuctionHouse *house, int32_t item, double value);
/* The choice whose bid for `value` is nearest to `bid`; if several are equally near, the choice
 * nearest to the linear bid, which is the middle of the grid. */
int32_t auction_house_choice(const AuctionHouse *house, double bid, double value);

/* The numbers of an event, in order (world.h). */
enum {
    AUCTION_BUDGET_LEFT,
    AUCTION_AUCTIONS_LEFT,
    AUCTION_PACE,
    AUCTION_VALUE,
    AUCTION_CLICK_COST,
    AUCTION_NUMBERS
};

#endif
