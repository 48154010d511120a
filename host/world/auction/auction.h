/* SPDX-License-Identifier: Apache-2.0 */
/* Auctions of advertising slots.
 *
 * Generalised second price (Edelman, Ostrovsky, Schwarz, American Economic Review 2007; Varian,
 * IJIO 2007): bids are ranked, and the k-th highest bid takes slot k. When its advertisement is
 * exposed, the bidder pays the bid ranked k + 1, or the reserve price where that is higher. Slot k
 * is exposed with probability exposure[k]. With one slot this is Vickrey's second-price auction.
 */
#ifndef SOUK_AUCTION_H
#define SOUK_AUCTION_H

#include <stdint.h>

#include "base/status.h"

enum { AUCTION_SLOTS_MAX = 8, AUCTION_BIDDERS_MAX = 256 };

typedef struct {
    int slots;
    double exposure[AUCTION_SLOTS_MAX]; /* not increasing */
    double reserve;                     /* bids below it take no part */
} AuctionRules;

/* One slot, which is always exposed. */
AuctionRules auction_second_price(void);
/* Three slots, exposed with probability 1, 0.8 and 0.6. */
AuctionRules auction_three_slots(void);

typedef struct {
    int bidder; /* -1: no bidder takes the slot */
    double price;
} AuctionSlot;

/* Fills slot[rules->slots] with the bidder that takes each slot, and the price. Bids of 0 and bids
 * below the reserve take no slot. Equal bids rank by bidder, the lowest first. */
void auction_run(const AuctionRules *rules, const double *bid, int bidders, AuctionSlot *slot);

/* The score of AuctionNet (NeurIPS 2024): the sum `value` of the values won, reduced where an
 * action cost more than the limit: value min(1, (limit / cpa)^2) with cpa = cost / value. limit 0:
 * there is no limit. */
double auction_score(double value, double cost, double limit);

#endif
