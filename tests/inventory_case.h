/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories for tests. */
#ifndef SOUK_TEST_INVENTORY_CASE_H
#define SOUK_TEST_INVENTORY_CASE_H

#include "test.h"
#include "world/inventory/demand_text.h"
#include "world/inventory/inventory.h"

static inline Inventory open_inventory(InventorySettings s, const char *demand)
{
    Demand d;
    Inventory v;
    assert_ok(demand_text_parse(&d, demand));
    assert_ok(inventory_open(&v, &s, &d));
    return v;
}

#endif
