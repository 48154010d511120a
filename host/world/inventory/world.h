/* SPDX-License-Identifier: Apache-2.0 */
/* The world "inventory": orders for one product in one warehouse (inventory.h). A choice is an
 * order. An event shows what is in transit and on the shelf after the period; that is the whole
 * state of the MDP.
 *
 * The policies base_stock and reorder use the levels with the best mean reward per period in the
 * long run (plan.h), as the literature reports them, unless levels are given.
 */
#ifndef SOUK_INVENTORY_WORLD_H
#define SOUK_INVENTORY_WORLD_H

#include "world/world.h"

extern const WorldKind inventory_world;

#endif
