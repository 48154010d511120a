/* SPDX-License-Identifier: Apache-2.0 */
/* The optimal bidder when prices do not depend on values (Cai et al., "Real-Time Bidding by
 * Reinforcement Learning in Display Advertising", WSDM 2017), by dynamic programming.
 *
 * V(n, b) is the expected value won in n auctions with the budget b, when every auction has the
 * mean value v' = clicks / impressions of the campaign's past and the price d with probability
 * m(d):
 *
 *   V(n, b) = V(n-1, b) + sum_{d <= a} m(d) (v' + V(n-1, b-d) - V(n-1, b)),   V(0, b) = V(n, 0) = 0
 *   a       = max {d <= min(b, highest): v' + V(n-1, b-d) - V(n-1, b) >= 0}
 *
 * The bid for an auction of value v is a with v in place of v'.
 */
#ifndef SOUK_RLB_H
#define SOUK_RLB_H

#include "world/auction/bid_log.h"

typedef struct {
    int auctions, budget, highest;
    double mean_value; /* v' */
    double *value;     /* [auctions, budget + 1] V(n, b), n = 0 .. auctions-1 */
} Rlb;

/* Runs over b on `threads` threads (0: all processors), with the same bits for any number.
 * ERR_MEMORY. */
Status rlb_solve(Rlb *rlb, const Campaign *campaign, int auctions, int budget, int highest,
                 int threads);
void rlb_close(Rlb *rlb); /* safe on {0} */
/* The bid for an auction of value `value` with `left` auctions to go, this one included, and the
 * budget `budget` left. */
int rlb_bid(const Rlb *rlb, int left, int budget, double value);

#endif
