/* SPDX-License-Identifier: Apache-2.0 */
#include "world/inventory/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "world/mdp_gain.h"

enum { SWEEPS = 100000 };
#define TOLERANCE 1e-6 /* tolerance of the values */

/* Adds the outcomes of an order: one for each demand below what the shelf holds, and one for all
 * other demands, which empty it. */
static Status add_pair(const Inventory *v, const int *state, int order, Mdp *m)
{
    const Demand *d = &v->demand;
    const int shelf = inventory_shelf(v, state, order);
    const int last = shelf < d->max ? shelf : d->max;
    double lost = 0.0; /* expected units of demand beyond `last` */
    for (int k = last + 1; k <= d->max; k++) lost += d->probability[k] * (k - last);
    for (int k = 0; k <= last; k++) {
        int next[INVENTORY_PLACES_MAX];
        InventoryPeriod period;
        for (int i = 0; i < v->places; i++) next[i] = state[i];
        double reward = inventory_period(v, next, order, k, &period);
        double probability = d->probability[k];
        if (k == last && shelf < d->max) {
            probability = 1.0 - (last ? d->cumulative[last - 1] : 0.0);
            reward -= v->is.shortage_cost * lost / probability;
        }
        TRY(mdp_add(m, inventory_index(v, next), probability, reward));
    }
    if (m->outcomes > INVENTORY_PLAN_OUTCOMES_MAX)
        return FAIL(ERR_USAGE,
                    "an inventory of %" PRId64 " states has too many transitions, want at most %d",
                    v->states, INVENTORY_PLAN_OUTCOMES_MAX);
    mdp_next(m);
    return OK;
}

Status inventory_plan_mdp(const Inventory *v, double discount, const int64_t *order, Mdp *m)
{
    int state[INVENTORY_PLACES_MAX];
    const int orders = order ? 1 : v->is.order_max + 1;
    Status st;
    TRY(mdp_open(m, v->states, orders, discount));
    for (int64_t s = 0; s < v->states; s++) {
        inventory_state(v, s, state);
        for (int a = 0; a < orders; a++)
            TRY_OR_FAIL(st, add_pair(v, state, order ? (int)order[s] : a, m));
    }
    m->start[0] = 1.0;
    return OK;
fail:
    mdp_close(m);
    return st;
}

static Status solve(const Inventory *v, double discount, const Mdp *m, double *value,
                    int64_t *policy)
{
    double *h = malloc((size_t)v->states * sizeof *h);
    if (!h) return FAIL(ERR_MEMORY, "no memory for the values of %" PRId64 " states", v->states);
    Status st;
    if (discount == 1.0) {
        st = mdp_gain(m, TOLERANCE, SWEEPS, value, h, policy);
    } else {
        st = mdp_solve(m, TOLERANCE, SWEEPS, h, policy);
        *value = h[0];
    }
    free(h);
    return st;
}

static Status allocate(const Inventory *v, InventoryPlan *plan)
{
    *plan = (InventoryPlan){.order = malloc((size_t)v->states * sizeof *plan->order)};
    if (plan->order) return OK;
    return FAIL(ERR_MEMORY, "no memory for the orders of %" PRId64 " states", v->states);
}

void inventory_plan_close(InventoryPlan *plan)
{
    free(plan->order);
    *plan = (InventoryPlan){0};
}

Status inventory_plan_optimum(const Inventory *v, double discount, InventoryPlan *plan)
{
    Mdp m = {0};
    Status st;
    TRY(allocate(v, plan));
    TRY_OR_FAIL(st, inventory_plan_mdp(v, discount, NULL, &m));
    TRY_OR_FAIL(st, solve(v, discount, &m, &plan->value, plan->order));
fail:
    mdp_close(&m);
    if (st != OK) inventory_plan_close(plan);
    return st;
}

Status inventory_plan_rule(const Inventory *v, double discount, int reorder, int level,
                           InventoryPlan *plan)
{
    Mdp m = {0};
    int state[INVENTORY_PLACES_MAX];
    Status st;
    TRY(allocate(v, plan));
    for (int64_t s = 0; s < v->states; s++) {
        inventory_state(v, s, state);
        plan->order[s] = inventory_reorder(v, state, reorder, level);
    }
    TRY_OR_FAIL(st, inventory_plan_mdp(v, discount, plan->order, &m));
    TRY_OR_FAIL(st, solve(v, discount, &m, &plan->value, NULL));
fail:
    mdp_close(&m);
    if (st != OK) inventory_plan_close(plan);
    return st;
}

/* ---- Rules ----------------------------------------------------------------------------------- */

enum { SETTLING = 1000 }; /* periods before a simulated mean is taken */

static double simulated_mean(const Inventory *v, int64_t periods, int reorder, int level)
{
    int state[INVENTORY_PLACES_MAX] = {0};
    double sum = 0.0;
    for (int64_t t = 0; t < SETTLING + periods; t++) {
        InventoryPeriod period;
        const int demand = demand_draw(&v->demand, philox(0, 0, (uint64_t)t).word[0]);
        const int order = inventory_reorder(v, state, reorder, level);
        const double reward = inventory_period(v, state, order, demand, &period);
        if (t >= SETTLING) sum += reward;
    }
    return sum / (double)periods;
}

/* Makes (s, S) the best if it is better by more than the errors of the two values. */
static Status try_levels(const Inventory *v, double discount, int64_t periods, int reorder,
                         int level, InventoryLevels *best)
{
    double value;
    REQUIRE(periods == 0 || discount == 1.0, "a simulated run with discount %g, want 1", discount);
    if (periods) {
        value = simulated_mean(v, periods, reorder, level);
    } else {
        InventoryPlan plan;
        TRY(inventory_plan_rule(v, discount, reorder, level, &plan));
        value = plan.value;
        inventory_plan_close(&plan);
    }
    if (value > best->value + 2.0 * TOLERANCE) *best = (InventoryLevels){reorder, level, value};
    return OK;
}

static int last_level(const Inventory *v)
{
    return (v->is.lead + 2) * demand_fractile(&v->demand, 0.999);
}

Status inventory_plan_best_base_stock(const Inventory *v, double discount, int64_t periods,
                                      InventoryLevels *best)
{
    *best = (InventoryLevels){.value = -INFINITY};
    for (int level = 0; level <= last_level(v); level++)
        TRY(try_levels(v, discount, periods, level - 1, level, best));
    return OK;
}

Status inventory_plan_best_reorder(const Inventory *v, double discount, int64_t periods,
                                   InventoryLevels *best)
{
    TRY(inventory_plan_best_base_stock(v, discount, periods, best));
    for (double before = -INFINITY; best->value > before;) {
        before = best->value;
        const int level = best->level;
        for (int reorder = 0; reorder < level; reorder++)
            TRY(try_levels(v, discount, periods, reorder, level, best));
        const int reorder = best->reorder;
        for (int upto = reorder + 1; upto <= last_level(v); upto++)
            TRY(try_levels(v, discount, periods, reorder, upto, best));
    }
    return OK;
}
