/* SPDX-License-Identifier: Apache-2.0 */
#include "world/auction/rlb.h"

#include <stdlib.h>

#include "base/parallel.h"

#define VALUES_MAX (INT64_C(1) << 30)

/* Within this difference, winning and keeping the money count as equally good; then the bidder
 * bids. It is far above the rounding of V and far below the value of any auction. */
#define TIE 1e-12

/* The highest bid at which winning is worth its price, given the value of the auction and the row
 * V(n-1, .). V does not fall with the budget, so lower prices are worth paying too. */
static int worth(const double *next, int budget, int highest, double value)
{
    int bid = 0;
    const int most = budget < highest ? budget : highest;
    while (bid < most && value + next[budget - bid - 1] - next[budget] >= -TIE) bid++;
    return bid;
}

Status rlb_solve(Rlb *rlb, const Campaign *c, int auctions, int budget, int highest, int threads)
{
    REQUIRE(auctions > 0 && budget > 0 && highest > 0, "%d auctions, budget %d, highest bid %d",
            auctions, budget, highest);
    const int64_t row = (int64_t)budget + 1;
    *rlb = (Rlb){auctions, budget, highest, c->clicks / c->impressions, NULL};
    if (row <= VALUES_MAX / auctions) rlb->value = calloc((size_t)(row * auctions), sizeof(double));
    if (!rlb->value)
        return FAIL(ERR_MEMORY, "no memory for the value of %d auctions by %d budgets", auctions,
                    budget);
    for (int n = 1; n < auctions; n++) {
        const double *next = rlb->value + (n - 1) * row;
        double *now = rlb->value + n * row;
#pragma omp parallel for schedule(static) num_threads(parallel_threads(threads))
        for (int b = 1; b <= budget; b++) {
            const int bid = worth(next, b, highest, rlb->mean_value);
            double value = next[b];
            for (int d = 0; d <= bid && d < c->prices; d++)
                value += c->price[d] * (rlb->mean_value + next[b - d] - next[b]);
            now[b] = value;
        }
    }
    return OK;
}

void rlb_close(Rlb *rlb)
{
    free(rlb->value);
    *rlb = (Rlb){0};
}

int rlb_bid(const Rlb *rlb, int left, int budget, double value)
{
    REQUIRE(left > 0 && left <= rlb->auctions && budget >= 0 && budget <= rlb->budget,
            "%d auctions left of %d, budget %d of %d", left, rlb->auctions, budget, rlb->budget);
    return worth(rlb->value + (int64_t)(left - 1) * (rlb->budget + 1), budget, rlb->highest, value);
}
