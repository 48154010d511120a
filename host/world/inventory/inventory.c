/* SPDX-License-Identifier: Apache-2.0 */
#include "world/inventory/inventory.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define STATES_MAX INT64_C(100000000)

static Status check(const InventorySettings *s)
{
    if (s->life < 0 || s->lead < 0 || s->life + s->lead > INVENTORY_PLACES_MAX)
        return FAIL(ERR_USAGE,
                    "life %d and lead %d periods, want neither negative and at most %d together",
                    s->life, s->lead, INVENTORY_PLACES_MAX);
    if (s->order_max < 1 || s->order_max > DEMAND_MAX)
        return FAIL(ERR_USAGE, "orders of up to %d units, want 1 to %d", s->order_max, DEMAND_MAX);
    if ((s->life == 0) != (s->capacity > 0) || s->capacity > DEMAND_MAX)
        return FAIL(ERR_USAGE,
                    "capacity %d with life %d, want 1 to %d units for stock that keeps (life 0), 0 "
                    "for stock that perishes",
                    s->capacity, s->life, DEMAND_MAX);
    const double number[] = {s->price,         s->order_cost,   s->fixed_cost,
                             s->shortage_cost, s->wastage_cost, s->holding_cost};
    for (int i = 0; i < 6; i++)
        if (!isfinite(number[i]))
            return FAIL(ERR_USAGE, "a price or cost is %g, want a finite number", number[i]);
    return OK;
}

static Status lay_out(Inventory *v)
{
    const InventorySettings *s = &v->is;
    v->in_transit = s->lead > 0 ? s->lead - 1 : 0;
    v->ages = s->life == 0 ? 1 : s->lead > 0 ? s->life : s->life - 1;
    v->places = v->in_transit + v->ages;
    v->states = 1;
    for (int i = 0; i < v->places; i++) {
        v->limit[i] = s->life == 0 && i == v->in_transit ? s->capacity : s->order_max;
        v->states *= v->limit[i] + 1;
        if (v->states > STATES_MAX)
            return FAIL(ERR_USAGE,
                        "the inventory has too many states, want at most %" PRId64
                        " (life %d, lead %d, orders of up to %d units)",
                        STATES_MAX, s->life, s->lead, s->order_max);
    }
    return OK;
}

Status inventory_open(Inventory *v, const InventorySettings *settings, Demand *demand)
{
    *v = (Inventory){.is = *settings, .demand = *demand};
    *demand = (Demand){0};
    Status st;
    TRY_OR_FAIL(st, check(settings));
    TRY_OR_FAIL(st, lay_out(v));
    return OK;
fail:
    inventory_close(v);
    return st;
}

void inventory_close(Inventory *v)
{
    demand_close(&v->demand);
    *v = (Inventory){0};
}

int64_t inventory_index(const Inventory *v, const int *state)
{
    int64_t index = 0;
    for (int i = 0; i < v->places; i++) {
        REQUIRE(state[i] >= 0 && state[i] <= v->limit[i], "place %d holds %d units, want 0 to %d",
                i, state[i], v->limit[i]);
        index = index * (v->limit[i] + 1) + state[i];
    }
    return index;
}

void inventory_state(const Inventory *v, int64_t index, int *state)
{
    REQUIRE(index >= 0 && index < v->states, "state %" PRId64 ", want 0 to %" PRId64, index,
            v->states - 1);
    for (int i = v->places - 1; i >= 0; i--) {
        state[i] = (int)(index % (v->limit[i] + 1));
        index /= v->limit[i] + 1;
    }
}

int inventory_position(const Inventory *v, const int *state)
{
    int position = 0;
    for (int i = 0; i < v->places; i++) position += state[i];
    return position;
}

/* Fills the shelf as demand finds it, the freshest units first, and returns the number of its ages.
 * With lead 0 an order of stock that keeps joins the stock, up to the capacity. */
static int open_shelf(const Inventory *v, const int *state, int order, int *shelf, int *refused)
{
    const int *ages = state + v->in_transit;
    *refused = 0;
    if (v->is.lead > 0) {
        memcpy(shelf, ages, (size_t)v->ages * sizeof *shelf);
        return v->ages;
    }
    if (v->is.life == 0) {
        const int space = v->is.capacity - ages[0];
        *refused = order > space ? order - space : 0;
        shelf[0] = ages[0] + order - *refused;
        return 1;
    }
    shelf[0] = order;
    memcpy(shelf + 1, ages, (size_t)v->ages * sizeof *shelf);
    return v->ages + 1;
}

int inventory_shelf(const Inventory *v, const int *state, int order)
{
    int shelf[INVENTORY_PLACES_MAX + 1], refused, units = 0;
    const int ages = open_shelf(v, state, order, shelf, &refused);
    for (int i = 0; i < ages; i++) units += shelf[i];
    return units;
}

/* Serves the demand from the shelf; returns the units sold. */
static int serve(const Inventory *v, int *shelf, int ages, int demand)
{
    int wanted = demand;
    for (int i = 0; i < ages; i++) {
        int *age = &shelf[v->is.youngest_first ? i : ages - 1 - i];
        const int served = wanted < *age ? wanted : *age;
        *age -= served;
        wanted -= served;
    }
    return demand - wanted;
}

/* Steps 3 and 4: the rest of the shelf and the units in transit become the next state. */
static void close_shelf(const Inventory *v, const int *shelf, int ages, int order, int *state,
                        InventoryPeriod *p)
{
    const int arrives = v->is.lead == 0 ? 0 : v->in_transit == 0 ? order : state[v->in_transit - 1];
    int *next = state + v->in_transit;
    if (v->is.life == 0) {
        p->kept = shelf[0];
        const int space = v->is.capacity - p->kept;
        if (arrives > space) p->refused += arrives - space;
        next[0] = p->kept + (arrives < space ? arrives : space);
    } else {
        p->expired = shelf[ages - 1];
        for (int i = 0; i < ages - 1; i++) p->kept += shelf[i];
        const int fresh = v->is.lead > 0;
        if (fresh) next[0] = arrives;
        memcpy(next + fresh, shelf, (size_t)(ages - 1) * sizeof *shelf);
    }
    if (v->in_transit == 0) return;
    memmove(state + 1, state, (size_t)(v->in_transit - 1) * sizeof *state);
    state[0] = order;
}

double inventory_period(const Inventory *v, int *state, int order, int demand,
                        InventoryPeriod *period)
{
    const InventorySettings *s = &v->is;
    REQUIRE(order >= 0 && order <= s->order_max, "an order of %d units, want 0 to %d", order,
            s->order_max);
    REQUIRE(demand >= 0, "a demand of %d, want at least 0", demand);
    int shelf[INVENTORY_PLACES_MAX + 1];
    InventoryPeriod p = {0};
    const int ages = open_shelf(v, state, order, shelf, &p.refused);
    p.sold = serve(v, shelf, ages, demand);
    p.lost = demand - p.sold;
    close_shelf(v, shelf, ages, order, state, &p);
    *period = p;
    return s->price * p.sold - s->order_cost * order - s->fixed_cost * (order > 0) -
           s->shortage_cost * p.lost - s->wastage_cost * (p.expired + p.refused) -
           s->holding_cost * p.kept;
}

int inventory_reorder(const Inventory *v, const int *state, int reorder, int level)
{
    const int position = inventory_position(v, state);
    if (position > reorder || position >= level) return 0;
    return level - position < v->is.order_max ? level - position : v->is.order_max;
}

int inventory_base_stock(const Inventory *v, const int *state, int level)
{
    return inventory_reorder(v, state, level - 1, level);
}
