/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/market.h"

#include <math.h>
#include <stdlib.h>

#define BASE_SPREAD 0.3 /* standard deviation of the logarithm of a rival's base */

static double uniform(uint32_t word) { return (double)word * 0x1p-32; }

void market_start(const Market *m, MarketRival *rival, WorldDraw *draw)
{
    const BidderKind kind[] = {BIDDER_LINEAR, BIDDER_PID, BIDDER_LAGRANGIAN};
    for (int b = 0; b < m->rivals; b++) {
        const Philox p = world_draw(draw);
        const double share = m->price * m->auctions * m->rules.slots / (m->rivals + 1);
        const double budget = fmax(1.0, floor((0.5 + uniform(p.word[2])) * share));
        const double base = m->price * exp(BASE_SPREAD * philox_normal(p.word[0], p.word[1]));
        rival[b] = (MarketRival){.bidder = {.kind = kind[b % 3],
                                            .auctions = m->auctions,
                                            .budget = (int)budget,
                                            .highest = m->highest,
                                            .mean_value = m->mean_value,
                                            .base = base,
                                            .period = m->auctions < 100 ? 1 : m->auctions / 100},
                                 .budget = budget};
        bidder_pacing_start(&rival[b].pacing, &rival[b].bidder);
    }
}

static double value_of(const Market *m, float shared, float own)
{
    const double z = sqrt(m->common) * shared + sqrt(1.0 - m->common) * own;
    return fmin(1.0, m->mean_value * exp(m->spread * z - 0.5 * m->spread * m->spread));
}

double market_value(const Market *m, WorldDraw *draw, float *shared)
{
    const Philox p = world_draw(draw);
    *shared = philox_normal(p.word[0], p.word[1]);
    return value_of(m, *shared, philox_normal(p.word[2], p.word[3]));
}

/* What a bid must reach to take a slot: the lowest of the `slots` highest rival bids, or the
 * reserve where a slot is free. */
static double entry_price(const AuctionRules *rules, const double *bid, int bidders)
{
    AuctionSlot slot[AUCTION_SLOTS_MAX];
    auction_run(rules, bid, bidders, slot);
    const int last = slot[rules->slots - 1].bidder;
    return last < 0 ? rules->reserve : bid[last];
}

/* Exposes each slot with the probability of the rules, charges the bidder that has it, and updates
 * the rivals. */
static void settle(const Market *m, MarketRival *rival, int left, const AuctionSlot *slot,
                   const double *value, MarketOutcome *mine, WorldDraw *draw)
{
    double cost[MARKET_RIVALS_MAX + 1] = {0}, won[MARKET_RIVALS_MAX + 1] = {0};
    for (int k = 0; k < m->rules.slots; k++) {
        const Philox p = world_draw(draw);
        const int b = slot[k].bidder;
        if (b < 0 || uniform(p.word[0]) >= m->rules.exposure[k]) continue;
        cost[b] = slot[k].price;
        won[b] = value[b];
        if (b > 0) continue;
        mine->exposed = true;
        mine->cost = slot[k].price;
        mine->clicked = uniform(p.word[1]) < value[0];
    }
    for (int b = 0; b < m->rivals; b++) {
        rival[b].budget -= cost[b + 1];
        bidder_pacing_update(&rival[b].pacing, &rival[b].bidder, left, cost[b + 1], won[b + 1]);
    }
}

MarketOutcome market_auction(const Market *m, MarketRival *rival, int left, double bid,
                             double value, float shared, WorldDraw *draw)
{
    double bids[MARKET_RIVALS_MAX + 1] = {bid}, values[MARKET_RIVALS_MAX + 1] = {value};
    AuctionSlot slot[AUCTION_SLOTS_MAX];
    MarketOutcome mine = {0};
    for (int b = 0; b < m->rivals; b++) {
        const Philox p = world_draw(draw);
        values[b + 1] = value_of(m, shared, philox_normal(p.word[0], p.word[1]));
        bids[b + 1] = bidder_bid(&rival[b].bidder, &rival[b].pacing, left, (int)rival[b].budget,
                                 values[b + 1]);
    }
    mine.entry = entry_price(&m->rules, bids + 1, m->rivals);
    auction_run(&m->rules, bids, m->rivals + 1, slot);
    settle(m, rival, left, slot, values, &mine, draw);
    return mine;
}

Status market_past(const Market *m, uint64_t seed, int64_t auctions, BidLog *log)
{
    MarketRival rival[MARKET_RIVALS_MAX];
    TRY(bid_log_allocate(log, auctions));
    for (int64_t i = 0; i < auctions; i++) {
        const int64_t episode = i / m->auctions, at = i % m->auctions;
        WorldDraw draw = {seed, (uint64_t)episode, (uint64_t)at << 16};
        float shared;
        if (at == 0) market_start(m, rival, &draw);
        const double value = market_value(m, &draw, &shared);
        const MarketOutcome o =
            market_auction(m, rival, m->auctions - (int)at, 0.0, value, shared, &draw);
        log->price[i] = (int32_t)ceil(o.entry);
        log->value[i] = value;
        log->click[i] = uniform(world_draw(&draw).word[0]) < value;
    }
    log->auctions = auctions;
    return OK;
}
