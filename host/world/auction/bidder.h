/* SPDX-License-Identifier: Apache-2.0 */
/* Bidders for a sequence of second-price auctions under a budget, and their replay on a log.
 *
 * An episode is `auctions` auctions with one budget. Before each auction a bidder sees the number n
 * of auctions left (including this one), the budget b that is left, and the predicted value v of
 * the auction. It bids a whole number 0 .. min(b, highest). It wins where the bid is not below the
 * price, and pays the price. Without a budget it does not bid. With the means of the campaign's
 * past v' = clicks / impressions and c' = cost / impressions:
 *
 *   linear      base v / v'
 *   max_ecpc    v cost / clicks: a click costs at most what it cost in the past
 *   rlb         the dynamic program of rlb.h
 *   ss_mdp      rlb that bids with v' whatever v is (Yuan, Wang, "Sequential selection of
 *               correlated ads by POMDPs", CIKM 2012, as Cai et al. compare it)
 *   pid         base v / v' e^u: u is the PID control of the money spent so far, which aims at
 *               spending the budget evenly; it changes every `period` auctions (Zhang, Rong, Wang,
 *               Zhu, Wang, "Feedback control of real-time display advertising", WSDM 2016)
 *   lagrangian  v (1 + mu limit) / (lambda + mu): the optimum of the value won under a budget, with
 *               multiplier lambda, and under a limit on the cost of a click, with multiplier mu.
 *               Both multipliers follow their constraints by dual ascent in their logarithms, every
 *               `period` auctions
 */
#ifndef SOUK_BIDDER_H
#define SOUK_BIDDER_H

#include <stdbool.h>

#include "world/auction/rlb.h"

typedef enum {
    BIDDER_LINEAR,
    BIDDER_MAX_ECPC,
    BIDDER_RLB,
    BIDDER_SS_MDP,
    BIDDER_PID,
    BIDDER_LAGRANGIAN,
    BIDDERS
} BidderKind;
extern const char *const bidder_name[BIDDERS];

typedef struct {
    BidderKind kind;
    int auctions, budget; /* of an episode */
    int highest;          /* highest bid */
    double mean_value;    /* v' */
    double base;          /* base of the bids of linear and pid; for max_ecpc cost / clicks */
    double limit;         /* for lagrangian: limit on the cost of a click; 0: there is none */
    int period;           /* auctions between updates */
    const Rlb *rlb;       /* for rlb and ss_mdp; must outlive the bidder */
} Bidder;

/* The memory of a bidder within an episode. */
typedef struct {
    double u, sum, last; /* pid: control, sum of errors, last error */
    double lambda, mu;   /* lagrangian: the multipliers */
    double cost, value;  /* since the start of the episode */
    double spent;        /* since the last update */
} BidderPacing;

/* A bidder with the defaults of `kind` for a campaign: base c', so that an auction of mean value
 * gets the mean price as its bid, and a period of 1/100 of the episode. */
Bidder bidder_of(BidderKind kind, const Campaign *campaign, int auctions, int budget, int highest);
/* Call it at the start of an episode. */
void bidder_pacing_start(BidderPacing *p, const Bidder *bidder);
int bidder_bid(const Bidder *bidder, const BidderPacing *p, int left, int budget, double value);
/* Call it after each auction, with the price that was paid and the value that was won; 0 and 0
 * where the auction was lost. */
void bidder_pacing_update(BidderPacing *p, const Bidder *bidder, int left, double cost,
                          double value);

/* ---- Replay ---------------------------------------------------------------------------------- */

typedef struct {
    int64_t auctions, impressions, clicks, cost;
    double value; /* sum of the values of the impressions */
} BidderReplay;

/* Bids in one episode after another through the log; the last episode may be shorter. */
BidderReplay bidder_replay(const Bidder *bidder, const BidLog *log);
/* Sets `base` to the 1.05^k, 1 <= 1.05^k <= highest, that wins most value on `log`. */
void bidder_tune(Bidder *bidder, const BidLog *log);

#endif
