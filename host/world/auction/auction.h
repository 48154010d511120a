/* Auctions of advertising slots, and what a bidder may know.
 *
 * Generalised second price (Edelman, Ostrovsky, Schwarz, American Economic Review 2007; Varian,
 * IJIO 2007): bids are ranked, the k-th highest takes slot k and, when its advertisement is exposed,
 * pays the bid ranked k + 1, or the reserve price where that is higher. Slot k is exposed with
 * probability exposure[k]. One slot is the second-price auction of Vickrey. */
#ifndef SOUK_AUCTION_H
#define SOUK_AUCTION_H

#include <stdint.h>

#include "base/status.h"

enum { SLOTS_MAX = 8, BIDDERS_MAX = 256 };

typedef struct {
    int slots;
    double exposure[SLOTS_MAX]; /* not increasing */
    double reserve;             /* bids below it take no part */
} AuctionRules;

/* 1 slot always exposed; or slots exposed 1, 0.8, 0.6. */
AuctionRules auction_second_price(void);
AuctionRules auction_three_slots(void);

typedef struct {
    int bidder; /* -1: the slot stays empty */
    double price;
} AuctionSlot;

/* Who takes each of the rules' slots and for how much. Bids of 0 and below the reserve lose; equal bids
 * rank by bidder, lowest first. */
void auction_run(const AuctionRules *rules, const double *bid, int bidders, AuctionSlot *slot);

/* sum of values won, worth less above the limit on the cost of an action (AuctionNet, NeurIPS 2024):
 * value * min(1, (limit / cpa)^2), cpa = cost / value. limit 0: none. */
double auction_score(double value, double cost, double limit);

#endif
