/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/bidder.h"

#include <math.h>

#define STEP     0.1  /* step size of the multipliers' dual ascent, per period */
#define RISE_MAX 10.0 /* relative overspending of a period counts up to this */
/* Gains of the PID controller, and the bound of its control. */
#define PROPORTIONAL 1.0
#define INTEGRAL     0.1
#define DERIVATIVE   0.1
#define CONTROL_MAX  3.0

const char *const bidder_name[BIDDERS] = {"linear", "max_ecpc", "rlb",
                                          "ss_mdp", "pid",      "lagrangian"};

Bidder bidder_of(BidderKind kind, const Campaign *c, int auctions, int budget, int highest)
{
    REQUIRE(auctions > 0 && budget > 0 && highest > 0, "%d auctions, budget %d, highest bid %d",
            auctions, budget, highest);
    return (Bidder){.kind = kind,
                    .auctions = auctions,
                    .budget = budget,
                    .highest = highest,
                    .mean_value = c->clicks / c->impressions,
                    .base =
                        kind == BIDDER_MAX_ECPC ? c->cost / c->clicks : c->cost / c->impressions,
                    .period = auctions < 100 ? 1 : auctions / 100};
}

void bidder_pacing_start(BidderPacing *p, const Bidder *b)
{
    *p = (BidderPacing){.lambda = b->mean_value / b->base};
    if (b->limit > 0.0) p->mu = p->lambda;
}

/* The bid before bounds and rounding. */
static double wanted(const Bidder *b, const BidderPacing *p, double value)
{
    switch (b->kind) {
    case BIDDER_LINEAR: return value * b->base / b->mean_value;
    case BIDDER_MAX_ECPC: return value * b->base;
    case BIDDER_PID: return value * b->base / b->mean_value * exp(p->u);
    default: return value * (1.0 + p->mu * b->limit) / (p->lambda + p->mu);
    }
}

int bidder_bid(const Bidder *b, const BidderPacing *p, int left, int budget, double value)
{
    if (b->kind == BIDDER_RLB) return rlb_bid(b->rlb, left, budget, value);
    if (b->kind == BIDDER_SS_MDP) return rlb_bid(b->rlb, left, budget, b->mean_value);
    const int most = budget < b->highest ? budget : b->highest;
    const double bid = wanted(b, p, value);
    return bid < most ? (int)bid : most;
}

static double bounded(double x, double most) { return x > most ? most : x < -most ? -most : x; }

/* The error of the controller is the share of the money that should be spent by now and is not
 * spent. */
static void control(BidderPacing *p, const Bidder *b, int done)
{
    const double planned = (double)b->budget * done / b->auctions;
    const double error = bounded(1.0 - p->cost / planned, 1.0);
    p->sum = bounded(p->sum + error, CONTROL_MAX / INTEGRAL);
    p->u = bounded(PROPORTIONAL * error + INTEGRAL * p->sum + DERIVATIVE * (error - p->last),
                   CONTROL_MAX);
    p->last = error;
}

/* lambda, the price of money, rises where the period spent more than its even share of the money
 * left; mu rises where clicks cost more than the limit. */
static void ascend(BidderPacing *p, const Bidder *b, int done)
{
    const double had = b->budget - p->cost + p->spent;
    const double planned = had * b->period / (b->auctions - done + b->period);
    if (planned > 0.0) p->lambda *= exp(STEP * fmin(p->spent / planned - 1.0, RISE_MAX));
    if (p->value > 0.0 && b->limit > 0.0)
        p->mu *= exp(STEP * bounded(p->cost / (b->limit * p->value) - 1.0, 1.0));
    p->spent = 0.0;
}

void bidder_pacing_update(BidderPacing *p, const Bidder *b, int left, double cost, double value)
{
    const int done = b->auctions - left + 1;
    p->cost += cost;
    p->spent += cost;
    p->value += value;
    if (done % b->period) return;
    control(p, b, done);
    ascend(p, b, done);
}

BidderReplay bidder_replay(const Bidder *b, const BidLog *log)
{
    BidderReplay r = {.auctions = log->auctions};
    BidderPacing pacing = {0};
    int budget = 0;
    for (int64_t i = 0; i < log->auctions; i++) {
        const int left = b->auctions - (int)(i % b->auctions);
        if (left == b->auctions) {
            bidder_pacing_start(&pacing, b);
            budget = b->budget;
        }
        const int bid = bidder_bid(b, &pacing, left, budget, log->value[i]);
        const bool won = budget > 0 && bid >= log->price[i];
        if (won) {
            budget -= log->price[i];
            r.impressions++;
            r.clicks += log->click[i];
            r.cost += log->price[i];
            r.value += log->value[i];
        }
        bidder_pacing_update(&pacing, b, left, won ? log->price[i] : 0.0,
                             won ? log->value[i] : 0.0);
    }
    return r;
}

void bidder_tune(Bidder *b, const BidLog *log)
{
    double best = b->base, most = -1.0;
    for (double base = 1.0; base <= b->highest; base *= 1.05) {
        b->base = base;
        const double value = bidder_replay(b, log).value;
        if (value <= most) continue;
        most = value;
        best = base;
    }
    b->base = best;
}
