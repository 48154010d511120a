/* Bidders for a sequence of second-price auctions under a budget, and their replay on a log.
 *
 * An episode is `auctions` auctions with a budget; a bidder sees how many are left (n, itself
 * included), what is left of the budget (b), the predicted value v of the auction, and bids a whole
 * number 0 .. min(b, highest). It wins where its bid is not below the price and pays the price; without
 * budget it takes no part.
 * Means over the campaign's past: v' = clicks / impressions, c' = cost / impressions.
 *
 *   linear     base v / v'
 *   max_ecpc   v cost / clicks: never above what a click cost in the past
 *   rlb        the optimum when prices are drawn independently of values (Cai et al., "Real-Time
 *              Bidding by Reinforcement Learning in Display Advertising", WSDM 2017):
 *                V(n, b) = V(n-1, b) + sum_{d <= a} m(d) (v' + V(n-1, b-d) - V(n-1, b)),
 *                a = max {d <= min(b, highest): v' + V(n-1, b-d) - V(n-1, b) >= 0},
 *              V(0, b) = V(n, 0) = 0,
 *                bid = the same with v in place of v'
 *   ss_mdp     rlb that bids with v' whatever v is (Yuan, Wang, "Sequential selection of
 *              correlated ads by POMDPs", CIKM 2012, as compared there)
 *   pid        base v / v' e^u; u is the PID control of the money spent so far towards spending the
 *              budget evenly, updated every `period` auctions (Zhang, Rong, Wang, Zhu, Wang,
 *              "Feedback control of real-time display advertising", WSDM 2016)
 *   lagrangian bid = v (1 + mu limit) / (lambda + mu): the optimum of maximising value under a
 *              budget (lambda) and a limit on the cost of a click (mu); both multipliers follow
 *              their constraints by dual ascent in their logarithms, every `period` auctions
 */
#ifndef SOUK_BIDDERS_H
#define SOUK_BIDDERS_H

#include <stdbool.h>

#include "world/auction/bid_log.h"

/* ---- The optimal value -------------------------------------------------------------------- */

typedef struct {
    int auctions, budget, highest;
    double mean_value; /* v' */
    double *value;     /* [auctions, budget + 1]: V(n, b), n = 0 .. auctions-1 */
} Rlb;

/* Parallel over b; the same bits for any number of threads. ERR_MEMORY. */
Status rlb_solve(Rlb *rlb, const Campaign *campaign, int auctions, int budget, int highest);
void rlb_close(Rlb *rlb); /* safe on {0} */
/* The bid with `left` auctions to go, this one included. */
int rlb_bid(const Rlb *rlb, int left, int budget, double value);

/* ---- Bidders ------------------------------------------------------------------------------ */

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
    int auctions, budget, highest; /* of an episode; `highest` bid */
    double mean_value;             /* v' */
    double base;                   /* of linear and pid; max_ecpc: cost / clicks */
    double limit;                  /* lagrangian: on the cost of a click; 0: none */
    int period;                    /* auctions between updates */
    const Rlb *rlb;                /* of rlb and ss_mdp; outlives the bidder */
} Bidder;

/* What a bidder remembers within an episode. */
typedef struct {
    double u, sum, last; /* pid: control, sum of errors, last error */
    double lambda, mu;   /* lagrangian */
    double cost, value;  /* so far */
    double spent;        /* since the last update */
} Pacing;

/* Defaults of `kind` for a campaign: base c' (a mean value bids the mean price); period 1/100 of
 * the episode. */
Bidder bidder_of(BidderKind kind, const Campaign *campaign, int auctions, int budget, int highest);
/* At the start of an episode. */
void bidder_pacing_start(Pacing *p, const Bidder *bidder);
int bidder_bid(const Bidder *bidder, const Pacing *p, int left, int budget, double value);
/* After each auction: what it cost and was worth (0, 0 where it was lost). */
void bidder_pacing_update(Pacing *p, const Bidder *bidder, int left, double cost, double value);

/* ---- Replay ------------------------------------------------------------------------------- */

typedef struct {
    int64_t auctions, impressions, clicks, cost;
    double value; /* predicted, of the impressions */
} Replay;

/* One episode after another through the log; the last may be shorter. */
Replay bidder_replay(const Bidder *bidder, const BidLog *log);
/* Set `base` to that of 1.05^k, 1 <= 1.05^k <= highest, which wins most value on `log`. */
void bidder_tune(Bidder *bidder, const BidLog *log);

#endif
