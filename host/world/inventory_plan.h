/* The exact optimum of an inventory, and the best rules of thumb: base-stock (S) and (s, S), found by
 * exact evaluation of each.
 *
 * What is optimised is the expected discounted reward from the empty warehouse, or, where the discount
 * is 1, the mean reward a period in the long run. */
#ifndef SOUK_INVENTORY_PLAN_H
#define SOUK_INVENTORY_PLAN_H

#include "world/inventory.h"
#include "world/mdp.h"

/* An MDP whose states are those of inventory_index and whose actions are the orders 0 .. order_max;
 * or, with `order` [states], that one order in each state, as its only action. The rewards of demands
 * with the same next state are averaged: an outcome's reward is the expected one. It starts empty. */
Status inventory_mdp(const Inventory *inventory, double discount, const int64_t *order, Mdp *mdp);

typedef struct {
    double value;   /* as above */
    int64_t *order; /* [states] */
} InventoryPlan;

/* The optimum by value iteration, to 1e-6 of `value`. Where orders are equally good, the least. */
Status inventory_optimum(const Inventory *inventory, double discount, InventoryPlan *plan);
/* The orders of (s, S), and what they bring. */
Status inventory_rule(const Inventory *inventory, double discount, int reorder, int level,
                      InventoryPlan *plan);
void inventory_plan_close(InventoryPlan *plan); /* safe on {0} */

typedef struct {
    int reorder, level; /* base-stock: reorder = level - 1 */
    double value;
} InventoryLevels;

/* The best S of 0, 1, …, and the least of those; ends when LEVELS_PAST in a row were worse than the best.
 */
enum { LEVELS_PAST = 8 };
Status inventory_best_base_stock(const Inventory *inventory, double discount,
                                 InventoryLevels *best);
/* The best (s, S), s < S, S as far as LEVELS_PAST beyond the best base-stock's. */
Status inventory_best_reorder(const Inventory *inventory, double discount, InventoryLevels *best);

/* The table of a plan for a person: orders by the units in two places, one down and one across (the
 * freshest stock down, from many to few, and the next older across, as the literature prints it), one
 * table for each combination of the other places. Up to `most` units of a place. A negative order prints
 * as a point: nothing is known of it. */
void inventory_print(FILE *out, const Inventory *inventory, const int64_t *order, int most);

#endif
