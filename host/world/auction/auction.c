/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/auction.h"

AuctionRules auction_second_price(void) { return (AuctionRules){1, {1.0}, 0.0}; }

AuctionRules auction_three_slots(void) { return (AuctionRules){3, {1.0, 0.8, 0.6}, 0.0}; }

void auction_run(const AuctionRules *rules, const double *bid, int bidders, AuctionSlot *slot)
{
    const int slots = rules->slots;
    REQUIRE(slots > 0 && slots <= AUCTION_SLOTS_MAX, "%d slots, want 1 to %d", slots,
            AUCTION_SLOTS_MAX);
    REQUIRE(bidders >= 0 && bidders <= AUCTION_BIDDERS_MAX, "%d bidders, want 0 to %d", bidders,
            AUCTION_BIDDERS_MAX);
    /* The ranking has one bid more than there are slots, because that bid is the price of the last
     * slot. */
    int ranked[AUCTION_SLOTS_MAX + 1], count = 0;
    for (int b = 0; b < bidders; b++) {
        if (!(bid[b] > 0.0 && bid[b] >= rules->reserve)) continue;
        int at = count;
        while (at > 0 && bid[ranked[at - 1]] < bid[b]) at--;
        if (at > slots) continue;
        for (int k = count <= slots ? count++ : slots; k > at; k--) ranked[k] = ranked[k - 1];
        ranked[at] = b;
    }
    for (int k = 0; k < slots; k++) {
        slot[k] = (AuctionSlot){-1, 0.0};
        if (k >= count) continue;
        const double next = k + 1 < count ? bid[ranked[k + 1]] : 0.0;
        slot[k] = (AuctionSlot){ranked[k], next > rules->reserve ? next : rules->reserve};
    }
}

double auction_score(double value, double cost, double limit)
{
    if (limit <= 0.0 || cost <= limit * value) return value;
    const double ratio = limit * value / cost;
    return value * ratio * ratio;
}
