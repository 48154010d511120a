/* SPDX-License-Identifier: Apache-2.0 */
/* The bid curve of a policy: its mean bid by the value of the auction, for each third of the
 * episode and each pace. (Pace = share of the budget left / share of the auctions left.)
 */
#ifndef SOUK_AUCTION_CURVE_H
#define SOUK_AUCTION_CURVE_H

#include "world/world.h"

/* print of the kind (world/world.h): the curve as a table. */
Status auction_curve_print(const World *w, const WorldEvent *event, int64_t count, FILE *out);
/* plot of the kind: one panel for each third of the episode, with one line for each pace. */
Status auction_curve_plot(const World *w, const WorldEvent *event, int64_t count,
                          const char *folder, const char *name);

#endif
