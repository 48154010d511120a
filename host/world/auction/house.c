/* From the settings of an auction world: the log or the market, the past, the bidders. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world/auction/world.h"

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
static const uint64_t PAST_SEED =
    UINT64_C(0x7061737400000000); /* apart from what worlds are opened with */

const WorldOption auction_house_options[] = {
    {WORLD_TEXT, "log", "", 0, 0, "bid log to replay, rows `click price value`; none: a market"},
    {WORLD_TEXT, "info", "", 0, 0,
     "JSON of the campaign's past (of the log: the rows before first)"},
    {WORLD_COUNT, "first", "0", 0, 1e15, "first row of the log that is bid in"},
    {WORLD_COUNT, "rows", "0", 0, 1e15, "rows of the log that are bid in; 0: all from first on"},
    {WORLD_TEXT, "order", "sequence", 0, 0, "episodes of a log: in sequence, or random"},
    {WORLD_COUNT, "auctions", "500", 1, 100000, "of an episode"},
    {WORLD_REAL, "share", "0.125", 1e-6, 1, "budget over what all auctions cost on average"},
    {WORLD_COUNT, "budget", "0", 0, 1e9, "of an episode, instead of share; 0: by share"},
    {WORLD_COUNT, "highest", "300", 1, 1e6, "bid"},
    {WORLD_TEXT, "grid", "multiplier", 0, 0, "choices: multiplier of the linear bid, or bid"},
    {WORLD_COUNT, "levels", "16", 2, 1000, "choices of grid=multiplier"},
    {WORLD_COUNT, "period", "1", 1, 1000, "auctions that a choice is held for"},
    {WORLD_REAL, "base", "0", 0, 1e6, "bid for an average value; 0: tuned on the past"},
    {WORLD_REAL, "limit", "0", 0, 1e12, "on the cost of a click; 0: none"},
    {WORLD_TEXT, "reward", "value", 0, 0, "value (expected clicks) or click"},
    {WORLD_COUNT, "slots", "1", 1, 3, "market: 1 (second price) or 3, exposed 1, 0.8, 0.6"},
    {WORLD_COUNT, "bidders", "8", 2, RIVALS_MAX + 1, "market: the agent and its rivals"},
    {WORLD_REAL, "mean_value", "0.002", 1e-9, 1, "market: mean probability of a click"},
    {WORLD_REAL, "spread", "0.8", 0, 5, "market: standard deviation of its logarithm"},
    {WORLD_REAL, "common", "0.5", 0, 1, "market: share of it that all bidders have in common"},
    {WORLD_REAL, "price", "60", 1e-3, 1e6, "market: what rivals bid for an average value"},
    {0},
};

static Status choice(const WorldSettings *s, int option, const char *usual, const char *other,
                     bool *is_other)
{
    *is_other = !strcmp(s->text[option], other);
    if (*is_other || !strcmp(s->text[option], usual)) return OK;
    return FAIL(ERR_USAGE, "world auction: %s=\"%s\", expected %s or %s",
                auction_house_options[option].name, s->text[option], usual, other);
}

static Status read_settings(AuctionHouse *h, const WorldSettings *s)
{
    const double *x = s->number;
    bool bids;
    TRY(choice(s, GRID, "multiplier", "bid", &bids));
    TRY(choice(s, REWARD, "value", "click", &h->clicks));
    TRY(choice(s, ORDER, "sequence", "random", &h->random_order));
    if (x[SLOTS] == 2) return FAIL(ERR_USAGE, "world auction: slots=2, expected 1 or 3");
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

/* Rows first .. first+count-1 of `all`, as a log of its own. */
static Status copy_rows(const BidLog *all, int64_t first, int64_t count, BidLog *part)
{
    TRY(bid_log_allocate(part, count));
    memcpy(part->price, all->price + first, (size_t)count * sizeof *part->price);
    memcpy(part->value, all->value + first, (size_t)count * sizeof *part->value);
    memcpy(part->click, all->click + first, (size_t)count * sizeof *part->click);
    part->auctions = count;
    return OK;
}

/* The log that is bid in and the log of the past. */
static Status read_log(AuctionHouse *h, const WorldSettings *s, BidLog *past)
{
    BidLog all;
    const int64_t first = (int64_t)s->number[FIRST], rows = (int64_t)s->number[ROWS];
    TRY(bid_log_read(&all, s->text[LOG], rows ? first + rows : 0));
    const int64_t there = all.auctions - first;
    Status st = OK;
    if (there <= 0 || (rows && there < rows))
        st = FAIL(ERR_USAGE, "world auction: %s has %lld rows, asked for first=%lld,rows=%lld",
                  s->text[LOG], (long long)all.auctions, (long long)first, (long long)rows);
    if (st == OK) st = copy_rows(&all, first, there, &h->log);
    if (st == OK) st = copy_rows(&all, 0, first ? first : there, past);
    bid_log_close(&all);
    return st;
}

static Status know_the_past(AuctionHouse *h, const WorldSettings *s, const BidLog *past)
{
    if (s->text[INFO][0])
        TRY(bid_log_campaign_read(&h->past, s->text[INFO]));
    else
        TRY(bid_log_campaign_count(&h->past, past));
    h->past_value = h->past.clicks / h->past.impressions;
    if (h->budget) return OK;
    const double budget = h->past.cost / h->past.impressions * s->number[SHARE] * h->auctions;
    if (budget >= 1.0 && budget <= 1e9) return h->budget = (int)budget, OK;
    return FAIL(ERR_USAGE, "world auction: a share of %g is a budget of %g, expected 1 to 1e9",
                s->number[SHARE], budget);
}

static Status make_bidders(AuctionHouse *h, const BidLog *past)
{
    TRY(rlb_solve(&h->rlb, &h->past, h->auctions, h->budget, h->highest));
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
    AuctionHouse *h = *house = calloc(1, sizeof *h);
    if (!h) return FAIL(ERR_MEMORY, "no memory for an auction");
    Status st = read_settings(h, settings);
    if (st == OK && settings->text[LOG][0])
        st = read_log(h, settings, &past);
    else if (st == OK)
        st = market_past(&h->market, PAST_SEED, PAST_AUCTIONS, &past);
    if (st == OK) st = know_the_past(h, settings, &past);
    if (st == OK) st = make_bidders(h, &past);
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
