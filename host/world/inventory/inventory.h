/* One product in one warehouse, reviewed every period: newsvendor, lost sales with a lead time,
 * perishable stock. A period goes:
 *
 *   1. the state is seen: units in transit and on the shelf, by age; `order` units are ordered;
 *      with lead 0 they arrive now
 *   2. demand comes and is served from the shelf, oldest (or youngest) units first; what is not
 *      served is lost
 *   3. units at the end of their life expire; the others age by one period
 *   4. with lead >= 1 the order of lead - 1 periods ago arrives, fresh
 *
 *   reward = price * sold - order_cost * order - fixed_cost * (order > 0)
 *          - shortage_cost * lost - wastage_cost * (expired + refused) - holding_cost * kept
 *
 * kept: units on the shelf after step 3. So an order is on the shelf for the demand `lead` periods
 * later and serves `life` periods. life 0 keeps for ever; then the shelf holds at most `capacity`
 * units, and what arrives beyond is refused, paid for and wasted.
 *
 *   De Moor, Gijsbrechts, Boute, EJOR 2022    lead >= 1, finite life, both issuing orders
 *   Hendrix, Ortega, Haijema, Buisman, Garcia, Computers & Operations Research 2019 (one product)
 *                                             lead 1, oldest first, price and order_cost only
 *   lost sales (Zipkin, Operations Research 2008)   lead >= 1, life 0
 *   newsvendor                                lead 0, life 1: no state; a salvage value is a
 *                                             negative wastage_cost
 *
 * State: `places` numbers of units. First the lead - 1 orders in transit, latest first; then the
 * shelf by age, freshest first (with lead 0 without the age that is only now ordered). Its index
 * is mixed radix, the last place fastest. */
#ifndef SOUK_INVENTORY_H
#define SOUK_INVENTORY_H

#include <stdbool.h>

#include "world/inventory/demand.h"

enum { INVENTORY_PLACES_MAX = 16 };

typedef struct {
    int life;      /* periods that a unit serves; 0: for ever */
    int lead;      /* periods from order to arrival */
    int order_max; /* orders are 0 .. order_max */
    int capacity;  /* units on the shelf, life 0 only */
    bool youngest_first;
    double price, order_cost, fixed_cost, shortage_cost, wastage_cost, holding_cost;
} InventorySettings;

typedef struct {
    InventorySettings is;
    Demand demand; /* owned */
    int in_transit, ages, places;
    int limit[INVENTORY_PLACES_MAX]; /* largest number of units in a place */
    int64_t states;
} Inventory;

/* What a period did, in units. */
typedef struct {
    int sold, lost, expired, refused, kept;
} InventoryPeriod;

/* Takes `demand` over, also when it fails. ERR_USAGE for settings that make no warehouse. */
Status inventory_open(Inventory *inventory, const InventorySettings *settings, Demand *demand);
void inventory_close(Inventory *inventory); /* safe on {0} */

/* The period from `state`, which becomes the next one. Returns the reward. */
double inventory_period(const Inventory *inventory, int *state, int order, int demand,
                        InventoryPeriod *period);

int64_t inventory_index(const Inventory *inventory, const int *state);
void inventory_state(const Inventory *inventory, int64_t index, int *state);

/* Units on the shelf that can serve the demand of the coming period, with an order of `order`: the
 * demands above all lead to the same next state. */
int inventory_shelf(const Inventory *inventory, const int *state, int order);
/* Units in transit and on the shelf: the inventory position. */
int inventory_position(const Inventory *inventory, const int *state);

/* Orders up to a level: order = min(level - position, order_max) where position < level, else 0. */
int inventory_base_stock(const Inventory *inventory, const int *state, int level);
/* (s, S): the same where position <= s, else 0. Base-stock S is (S - 1, S). */
int inventory_reorder(const Inventory *inventory, const int *state, int reorder, int level);

#endif
