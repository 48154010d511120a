/* The exact optimum of an inventory, and the best rules of thumb: base-stock (S) and (s, S), found by
 * exact evaluation of each.
 *
 * What is optimised is the expected discounted reward from the empty warehouse, or, where the discount
 * is 1, the mean reward a period in the long run. */
#ifndef SOUK_INVENTORY_PLAN_H
#define SOUK_INVENTORY_PLAN_H

#include "world/inventory/inventory.h"
#include "world/mdp.h"

/* An MDP whose states are those of inventory_index and whose actions are the orders 0 .. order_max;
 * or, with `order` [states], that one order in each state, as its only action. The rewards of demands
 * with the same next state are averaged: an outcome's reward is the expected one. It starts empty.
 * ERR_USAGE above OUTCOMES_MAX outcomes. */
enum { OUTCOMES_MAX = 50000000 };
Status inventory_plan_mdp(const Inventory *inventory, double discount, const int64_t *order,
                          Mdp *mdp);

typedef struct {
    double value;   /* as above */
    int64_t *order; /* [states] */
} InventoryPlan;

/* The optimum by value iteration, to 1e-6 of `value`. Where orders are equally good, the least. */
Status inventory_plan_optimum(const Inventory *inventory, double discount, InventoryPlan *plan);
/* The orders of (s, S), and what they bring. */
Status inventory_plan_rule(const Inventory *inventory, double discount, int reorder, int level,
                           InventoryPlan *plan);
void inventory_plan_close(InventoryPlan *plan); /* safe on {0} */

typedef struct {
    int reorder, level; /* base-stock: reorder = level - 1 */
    double value;
} InventoryLevels;

/* The best S, the least of equally good ones, of 0 .. (lead + 2) F^-1(0.999). periods 0: each is evaluated
 * exactly; else by the mean of a simulated run of so many periods, all with the same demand, which any
 * number of states allows (discount 1). */
Status inventory_plan_best_base_stock(const Inventory *inventory, double discount, int64_t periods,
                                      InventoryLevels *best);
/* A (s, S) that neither another s nor another S of that range betters, from the best base-stock on. */
Status inventory_plan_best_reorder(const Inventory *inventory, double discount, int64_t periods,
                                   InventoryLevels *best);

/* What a place of the state holds: "age_1", "ordered_2_ago", "stock". */
enum { INVENTORY_NAME = 32 };
void inventory_print_name(const Inventory *inventory, int place, char name[INVENTORY_NAME]);

/* The table of a plan for a person: orders by the units in two places, one down and one across (the
 * freshest stock down, from many to few, and the next older across, as the literature prints it), one
 * table for each combination of the other places. Up to `most` units of a place. A negative order prints
 * as a point: nothing is known of it. */
void inventory_print(FILE *out, const Inventory *inventory, const int64_t *order, int most);

#endif
