/* SPDX-License-Identifier: Apache-2.0 */
/* The world "auction": bids for impressions under a budget, in a log of real auctions that is
 * replayed or in a simulated market of rivals. An episode is a run of auctions with one budget. A
 * choice holds for `period` auctions.
 *
 *   grid=multiplier  choice 0 bids nothing; choice k bids base 2^((k - levels/2) / 4) v / v', where
 *                    v is the predicted value of the auction and v' its mean in the past: the
 *                    linear bidder's bid, or more, or less
 *   grid=bid         choice k bids k; the choices are all whole bids 0 .. highest
 *
 * An event says what was won (lost, won or click), and shows numbers that hold before the next
 * auction: budget_left, auctions_left, pace = (share of the budget left) / (share of the auctions
 * left), value = v / v' of the next auction, and click_cost = (cost per expected click so far) /
 * limit, which is 0 without a limit. The episode ends when its auctions or its budget are used up.
 *
 *   reward=click     1 for a click
 *   reward=value     v / v' of an impression won: the expected clicks, in units of an average
 *                    impression
 *
 * With a limit on the cost of a click, the last reward corrects the sum W of the rewards to
 * AuctionNet's score, W min(1, (limit / cost of a click)^2).
 *
 * What a bidder knows about the past (v', the distribution of prices, costs and clicks) comes from
 * `info` or, without it, from the rows of the log before `first`; with first=0 from the log itself.
 * In a market it comes from a run in which the agent takes no part. `base` is tuned on the same
 * past unless it is given.
 */
#ifndef SOUK_AUCTION_WORLD_H
#define SOUK_AUCTION_WORLD_H

#include "world/world.h"

extern const WorldKind auction_world;

#endif
