/* SPDX-License-Identifier: Apache-2.0 */
/* A table of what a policy shows in a shop, for a person to read. */
#ifndef SOUK_SHOP_PRINT_H
#define SOUK_SHOP_PRINT_H

#include "world/world.h"

/* print of the kind (world/world.h). One row for each kind of the last event: how often the policy
 * then shows an item of the shelf last looked at, and of the shelf that goes with it; the rank of
 * the item there; and Q, the mean return from such choices on, split by the kind of event that
 * brings the reward. Reads only the episodes that are complete in `event`. */
Status shop_print(const World *w, const WorldEvent *event, int64_t count, FILE *out);

#endif
