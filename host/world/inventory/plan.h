/* SPDX-License-Identifier: Apache-2.0 */
/* The exact optimum of an inventory, and the best rules of thumb: base-stock (S) and (s, S), each
 * of them evaluated exactly.
 *
 * The objective is the expected discounted reward from the empty warehouse or, with discount 1, the
 * mean reward per period in the long run.
 */
#ifndef SOUK_INVENTORY_PLAN_H
#define SOUK_INVENTORY_PLAN_H

#include "world/inventory/inventory.h"
#include "world/mdp.h"

enum { INVENTORY_PLAN_OUTCOMES_MAX = 50000000 };

/* The inventory as an MDP. Its states are those of inventory_index; its actions are the orders 0 ..
 * order_max or, with `order` [states], only the one order of each state. Demands that lead to the
 * same next state share an outcome, whose reward is the expected one. The MDP starts with an empty
 * warehouse. ERR_USAGE above INVENTORY_PLAN_OUTCOMES_MAX outcomes. */
Status inventory_plan_mdp(const Inventory *inventory, double discount, const int64_t *order,
                          Mdp *mdp);

typedef struct {
    double value;   /* value of the objective */
    int64_t *order; /* [states] */
} InventoryPlan;

/* The optimum by value iteration, to 1e-6 of `value`. Of equally good orders it takes the
 * smallest. */
Status inventory_plan_optimum(const Inventory *inventory, double discount, InventoryPlan *plan);
/* The orders of (s, S) = (reorder, level), and their value. */
Status inventory_plan_rule(const Inventory *inventory, double discount, int reorder, int level,
                           InventoryPlan *plan);
void inventory_plan_close(InventoryPlan *plan); /* safe on {0} */

typedef struct {
    int reorder, level; /* s, S; base-stock has reorder = level - 1 */
    double value;
} InventoryLevels;

/* The best S of 0 .. (lead + 2) F^-1(0.999), where F is the distribution of the demand. Of equally
 * good levels it takes the smallest. periods 0: each S is evaluated exactly. Else it is evaluated
 * by the mean of a simulated run of so many periods, with the same demand for every S; this allows
 * any number of states, and needs discount 1. */
Status inventory_plan_best_base_stock(const Inventory *inventory, double discount, int64_t periods,
                                      InventoryLevels *best);
/* Starts from the best base-stock and changes s or S, within that range, until no change of one of
 * them makes (s, S) better. */
Status inventory_plan_best_reorder(const Inventory *inventory, double discount, int64_t periods,
                                   InventoryLevels *best);

#endif
