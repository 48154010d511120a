/* SPDX-License-Identifier: Apache-2.0 */
#include "world/kinds.h"

#include "world/auction/world.h"
#include "world/inventory/world.h"
#include "world/shop/small_shop.h"
#include "world/shop/world.h"

const WorldKind *const world_kinds[] = {
    &shop_world, &small_shop_world, &inventory_world, &auction_world, NULL,
};
