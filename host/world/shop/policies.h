/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that come with the shop. Four of them use only what a shop knows without learning,
 * the sales of each item and the shopper's last look: popularity, bestsellers, shelf and trial.
 * `oracle` reads the shopper's interest.
 */
#ifndef SOUK_SHOP_POLICIES_H
#define SOUK_SHOP_POLICIES_H

#include "world/world.h"

extern const WorldBaseline shop_policies[]; /* the last one has the name NULL */

#endif
