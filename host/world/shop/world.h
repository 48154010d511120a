/* SPDX-License-Identifier: Apache-2.0 */
/* The world "shop" (shop.h). */
#ifndef SOUK_SHOP_WORLD_H
#define SOUK_SHOP_WORLD_H

#include "world/world.h"

extern const WorldKind shop_world;

#endif
