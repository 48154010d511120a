/* SPDX-License-Identifier: Apache-2.0 */
/* One product in one warehouse, reviewed every period: newsvendor, lost sales with a lead time,
 * perishable stock. In each period:
 *
 *   1. The state is seen: units in transit, and on the shelf by age. `order` units are ordered;
 *      with lead 0 they arrive now.
 *   2. Demand comes. The shelf serves it, oldest (or youngest) units first. The rest is lost.
 *   3. Units at the end of their life expire; the others age by one period.
 *   4. With lead >= 1, the order of lead - 1 periods ago arrives, fresh.
 *
 *   reward = price * sold - order_cost * order - fixed_cost * (order > 0)
 *          - shortage_cost * lost - wastage_cost * (expired + refused) - holding_cost * kept
 *
 * where `kept` is the number of units on the shelf after step 3. So an order is on the shelf for
 * the demand of the period `lead` periods later, and serves `life` periods. With life 0 units never
 * expire. Then the shelf takes at most `capacity` units; units that arrive beyond that are refused,
 * and cost as much as wastage.
 *
 *   De Moor, Gijsbrechts, Boute, EJOR 2022    lead >= 1, finite life, both issuing orders
 *   Hendrix, Ortega, Haijema, Buisman, Garcia, Computers & Operations Research 2019 (one product)
 *                                             lead 1, oldest first, only price and order_cost
 *   lost sales (Zipkin, Operations Research 2008)   lead >= 1, life 0
 *   newsvendor                                lead 0, life 1: there is no state; a salvage value is
 *                                             a negative wastage_cost
 *
 * The state is a number of units in each of `places` places. First come the lead - 1 orders in
 * transit, the latest first; then the shelf by age, the freshest first. (With lead 0 the freshest
 * units are not in the state: they are being ordered.) The index of a state is mixed radix, the
 * last place fastest.
 */
#ifndef SOUK_INVENTORY_H
#define SOUK_INVENTORY_H

#include <stdbool.h>

#include "world/inventory/demand.h"

enum { INVENTORY_PLACES_MAX = 16 };

typedef struct {
    int life;      /* periods that a unit serves; 0: no limit */
    int lead;      /* periods from order to arrival */
    int order_max; /* orders are 0 .. order_max */
    int capacity;  /* the most units on the shelf; only with life 0 */
    bool youngest_first;
    double price, order_cost, fixed_cost, shortage_cost, wastage_cost, holding_cost;
} InventorySettings;

typedef struct {
    InventorySettings is;
    Demand demand; /* owned */
    int in_transit, ages, places;
    int limit[INVENTORY_PLACES_MAX]; /* most units in a place */
    int64_t states;
} Inventory;

/* What happened in a period, in units. */
typedef struct {
    int sold, lost, expired, refused, kept;
} InventoryPeriod;

/* Owns `demand` from then on, even when it fails. ERR_USAGE for settings that are not valid. */
Status inventory_open(Inventory *inventory, const InventorySettings *settings, Demand *demand);
void inventory_close(Inventory *inventory); /* safe on {0} */

/* One period from `state`, which becomes the next state. Returns the reward. */
double inventory_period(const Inventory *inventory, int *state, int order, int demand,
                        InventoryPeriod *period);

int64_t inventory_index(const Inventory *inventory, const int *state);
void inventory_state(const Inventory *inventory, int64_t index, int *state);

/* Units that can serve the demand of the coming period after an order of `order`. All demands above
 * that lead to the same next state. */
int inventory_shelf(const Inventory *inventory, const int *state, int order);
/* The inventory position: units in transit and on the shelf. */
int inventory_position(const Inventory *inventory, const int *state);

/* Base-stock: order = min(level - position, order_max) where position < level, else 0. */
int inventory_base_stock(const Inventory *inventory, const int *state, int level);
/* (s, S) = (reorder, level): the same where position <= s, else 0. Base-stock S is (S - 1, S). */
int inventory_reorder(const Inventory *inventory, const int *state, int reorder, int level);

#endif
