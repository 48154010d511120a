/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/house.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOG,
    INFO,
    FIRST,
    ROWS,
    ORDER,
    AUCTIONS,
    SHARE,
    BUDGET,
    HIGHEST,
    GRID,
    LEVELS,
    PERIOD,
    BASE,
    LIMIT,
    REWARD,
    SLOTS,
    BIDDERS_HERE,
    MEAN_VALUE,
    SPREAD,
    COMMON,
    PRICE
};
enum { PAST_AUCTIONS = 50000 };
/* A seed that worlds are unlikely to be played with. */
static const uint64_t PAST_SEED = UINT64_C(0x7061737400000000);

const WorldOption auction_house_options[] = {
    [LOG] =
        {WORLD_TEXT, "log", "", 0, 0,
         "file of auctions to replay, with rows `click price value`; empty: a simulated market"},
    [INFO] = {WORLD_TEXT, "info", "", 0, 0,
              "JSON file about the campaign's past; empty: the rows of the log before first"},
    [FIRST] = {WORLD_COUNT, "first", "0", 0, 1e15, "first row of the log to bid in"},
    [ROWS] = {WORLD_COUNT, "rows", "0", 0, 1e15, "rows of the log to bid in; 0: all from first on"},
    [ORDER] = {WORLD_TEXT, "order", "sequence", 0, 0,
               "where the episodes of a log begin: in sequence, or random"},
    [AUCTIONS] = {WORLD_COUNT, "auctions", "500", 1, 100000, "auctions of an episode"},
    [SHARE] = {WORLD_REAL, "share", "0.125", 1e-6, 1,
               "budget of an episode, as a share of what all its auctions cost on average"},
    [BUDGET] = {WORLD_COUNT, "budget", "0", 0, 1e9,
                "budget of an episode as a number; 0: by share"},
    [HIGHEST] = {WORLD_COUNT, "highest", "300", 1, 1e6, "highest bid"},
    [GRID] = {WORLD_TEXT, "grid", "multiplier", 0, 0,
              "what a choice is: a multiplier of the linear bid, or the bid itself"},
    [LEVELS] = {WORLD_COUNT, "levels", "16", 2, 1000, "number of choices with grid=multiplier"},
    [PERIOD] = {WORLD_COUNT, "period", "1", 1, 1000, "auctions that one choice holds for"},
    [BASE] = {WORLD_REAL, "base", "0", 0, 1e6,
              "linear bid for an auction of average value; 0: the best one on the past"},
    [LIMIT] = {WORLD_REAL, "limit", "0", 0, 1e12, "limit on the cost of a click; 0: no limit"},
    [REWARD] = {WORLD_TEXT, "reward", "value", 0, 0,
                "reward of an impression: its value (expected clicks), or 1 for a click"},
    [SLOTS] = {WORLD_COUNT, "slots", "1", 1, 3,
               "market: 1 slot (second price), or 3 slots, exposed with 1, 0.8 and 0.6"},
    [BIDDERS_HERE] = {WORLD_COUNT, "bidders", "8", 2, MARKET_RIVALS_MAX + 1,
                      "market: number of bidders, the agent included"},
    [MEAN_VALUE] = {WORLD_REAL, "mean_value", "0.002", 1e-9, 1,
                    "market: mean value of an auction, which is the probability of a click"},
    [SPREAD] = {WORLD_REAL, "spread", "0.8", 0, 5,
                "market: standard deviation of the logarithm of the value"},
    [COMMON] = {WORLD_REAL, "common", "0.5", 0, 1,
                "market: share of that variance that all bidders have in common"},
    [PRICE] = {WORLD_REAL, "price", "60", 1e-3, 1e6,
               "market: what rivals bid for an auction of average value"},
    {0},
};

static Status either(const WorldSettings *s, int option, const char *other, bool *is_other)
{
    return world_either("auction", &auction_house_options[option], s->text[option], other,
                        is_other);
}

static Status read_settings(AuctionHouse *h, const WorldSettings *s)
{
    const double *x = s->number;
    bool bids;
    TRY(either(s, GRID, "bid", &bids));
    TRY(either(s, REWARD, "click", &h->clicks));
    TRY(either(s, ORDER, "random", &h->random_order));
    if (x[SLOTS] == 2) return FAIL(ERR_USAGE, "world auction: slots=2, want 1 or 3");
    h->auctions = (int)x[AUCTIONS];
    h->budget = (int)x[BUDGET];
    h->highest = (int)x[HIGHEST];
    h->grid = bids ? GRID_BID : GRID_MULTIPLIER;
    h->levels = bids ? h->highest + 1 : (int)x[LEVELS];
    h->period = (int)x[PERIOD];
    h->base = x[BASE];
    h->limit = x[LIMIT];
    if (s->text[LOG][0]) return OK;
    h->market = (Market){.rivals = (int)x[BIDDERS_HERE] - 1,
                         .auctions = h->auctions,
                         .highest = h->highest,
                         .mean_value = x[MEAN_VALUE],
                         .spread = x[SPREAD],
                         .common = x[COMMON],
                         .price = x[PRICE],
                         .rules = x[SLOTS] == 1 ? auction_second_price() : auction_three_slots()};
    return OK;
}

/* Copies the rows first .. first+count-1 of `all` into a log of their own. */
static Status copy_rows(const BidLog *all, int64_t first, int64_t count, BidLog *part)
{
    TRY(bid_log_allocate(part, count));
    memcpy(part->price, all->price + first, (size_t)count * sizeof *part->price);
    memcpy(part->value, all->value + first, (size_t)count * sizeof *part->value);
    memcpy(part->click, all->click + first, (size_t)count * sizeof *part->click);
    part->auctions = count;
    return OK;
}

/* Reads the log to bid in and the log of the past. */
static Status read_log(AuctionHouse *h, const WorldSettings *s, BidLog *past)
{
    BidLog all;
    const int64_t first = (int64_t)s->number[FIRST], rows = (int64_t)s->number[ROWS];
    TRY(bid_log_read(&all, s->text[LOG], rows ? first + rows : 0));
    const int64_t there = all.auctions - first;
    Status st;
    if (there <= 0 || (rows && there < rows))
        TRY_OR_FAIL(st, FAIL(ERR_USAGE,
                             "world auction: %s has %" PRId64 " rows, want first=%" PRId64
                             ",rows=%" PRId64,
                             s->text[LOG], all.auctions, first, rows));
    TRY_OR_FAIL(st, copy_rows(&all, first, there, &h->log));
    TRY_OR_FAIL(st, copy_rows(&all, 0, first ? first : there, past));
fail:
    bid_log_close(&all);
    return st;
}

static Status measure_past(AuctionHouse *h, const WorldSettings *s, const BidLog *past)
{
    if (s->text[INFO][0])
        TRY(bid_log_campaign_read(&h->past, s->text[INFO]));
    else
        TRY(bid_log_campaign_count(&h->past, past));
    h->past_value = h->past.clicks / h->past.impressions;
    if (h->budget) return OK;
    const double budget = h->past.cost / h->past.impressions * s->number[SHARE] * h->auctions;
    if (budget >= 1.0 && budget <= 1e9) return h->budget = (int)budget, OK;
    return FAIL(ERR_USAGE, "world auction: share=%g is a budget of %g, want 1 to 1e9",
                s->number[SHARE], budget);
}

static Status make_bidders(AuctionHouse *h, const BidLog *past)
{
    TRY(rlb_solve(&h->rlb, &h->past, h->auctions, h->budget, h->highest, 0));
    Bidder linear = bidder_of(BIDDER_LINEAR, &h->past, h->auctions, h->budget, h->highest);
    if (h->base == 0.0) {
        bidder_tune(&linear, past);
        h->base = linear.base;
    }
    for (BidderKind kind = 0; kind < BIDDERS; kind++) {
        h->bidder[kind] = bidder_of(kind, &h->past, h->auctions, h->budget, h->highest);
        if (kind != BIDDER_MAX_ECPC) h->bidder[kind].base = h->base;
        h->bidder[kind].limit = h->limit;
        h->bidder[kind].rlb = &h->rlb;
    }
    return OK;
}

Status auction_house_open(AuctionHouse **house, const WorldSettings *settings)
{
    BidLog past = {0};
    Status st;
    AuctionHouse *h = *house = calloc(1, sizeof *h);
    if (!h) return FAIL(ERR_MEMORY, "no memory for an auction house");
    TRY_OR_FAIL(st, read_settings(h, settings));
    if (settings->text[LOG][0])
        TRY_OR_FAIL(st, read_log(h, settings, &past));
    else
        TRY_OR_FAIL(st, market_past(&h->market, PAST_SEED, PAST_AUCTIONS, &past));
    TRY_OR_FAIL(st, measure_past(h, settings, &past));
    TRY_OR_FAIL(st, make_bidders(h, &past));
fail:
    bid_log_close(&past);
    return st;
}

void auction_house_close(AuctionHouse *h)
{
    if (!h) return;
    bid_log_close(&h->log);
    bid_log_campaign_close(&h->past);
    rlb_close(&h->rlb);
    free(h);
}

/* ---- Bids ------------------------------------------------------------------------------------ */

int auction_house_bid(const AuctionHouse *h, int32_t item, double value)
{
    if (h->grid == GRID_BID || item == 0) return item;
    const int middle = h->levels / 2;
    const double factor = exp2((item - middle) * 0.25);
    return (int)fmin(h->base * factor * value / h->past_value, h->highest);
}

int32_t auction_house_choice(const AuctionHouse *h, double bid, double value)
{
    if (h->grid == GRID_BID) return (int32_t)bid;
    const int32_t middle = h->levels / 2;
    int32_t best = middle;
    for (int32_t k = 0; k < h->levels; k++) {
        const double off = fabs(auction_house_bid(h, k, value) - bid);
        const double least = fabs(auction_house_bid(h, best, value) - bid);
        if (off < least || (off == least && abs(k - middle) < abs(best - middle))) best = k;
    }
    return best;
}
