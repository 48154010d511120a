/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/purchase_rates.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define PRIOR_WEIGHT 10.0 /* how many transitions with the overall rate smooth each rate */

static double smoothed(double purchases, double events, double overall)
{
    return (purchases + PRIOR_WEIGHT * overall) / (events + PRIOR_WEIGHT);
}

/* Counts purchases and events, count[.][0] and [1]: rows 0 .. items-1 are by item, the next
 * `actions` rows by action, and the last row is of all. */
static void count_transitions(int64_t (*count)[2], const Histories *h, int purchase)
{
    const int64_t all = (int64_t)h->items + h->actions;
    for (int64_t u = 0; u < h->users; u++)
        for (int64_t first = h->train[u][0], end = h->train[u][1],
                     e = schema_next_time(h->tie, first, end);
             e < end; e++) {
            const int64_t last = schema_first_of_time(h->tie, e) - 1;
            const int64_t keys[] = {h->item[last], (int64_t)h->items + h->action[last], all};
            for (int k = 0; k < 3; k++) {
                count[keys[k]][0] += h->action[e] == purchase;
                count[keys[k]][1]++;
            }
        }
}

Status purchase_rates_fit(PurchaseRates *r, const Histories *h, int purchase)
{
    REQUIRE(purchase >= 0 && purchase < h->actions, "action %d, want 0 to %d", purchase,
            h->actions - 1);
    *r = (PurchaseRates){.purchase = purchase};
    const int64_t all = (int64_t)h->items + h->actions;
    int64_t(*count)[2] = calloc((size_t)all + 1, sizeof *count);
    r->item = malloc(((size_t)h->items + 1) * sizeof *r->item);
    if (!count || !r->item) {
        free(count);
        purchase_rates_close(r);
        return FAIL(ERR_MEMORY, "no memory for the purchase rates of %" PRId32 " items", h->items);
    }
    count_transitions(count, h, purchase);
    r->overall = ((double)count[all][0] + 1.0) / ((double)count[all][1] + 2.0);
    for (int64_t k = 0; k < all; k++) {
        const double rate = smoothed((double)count[k][0], (double)count[k][1], r->overall);
        if (k < h->items)
            r->item[k] = rate;
        else
            r->action[k - h->items] = rate;
    }
    free(count);
    return OK;
}

void purchase_rates_close(PurchaseRates *r)
{
    free(r->item);
    *r = (PurchaseRates){0};
}

static double logit(double p) { return log(p / (1.0 - p)); }

static Status rate_all(const Scorer *self, const Histories *h, const ScoredEvents *events,
                       const ScoreOptions *options, Ranking *ranking, float *purchase)
{
    REQUIRE(!ranking && options->purchase >= 0, "%s ranks nothing", self->name);
    const PurchaseRates *r = self->state;
    for (int64_t u = 0; u < events->users; u++) {
        const int64_t first = h->offset[events->user[u]];
        int64_t bought = 0, e = first;
        for (int64_t i = events->first[u]; i < events->first[u + 1]; i++) {
            for (; e < events->known[i]; e++) bought += h->action[e] == r->purchase;
            const double item = r->item[h->item[e - 1]], action = r->action[h->action[e - 1]];
            const double rate[RATES] = {
                [RATE_USER] = smoothed((double)bought, (double)(e - first), r->overall),
                [RATE_ITEM] = item,
                [RATE_ACTION] = action,
                [RATE_ITEM_ACTION] = logit(item) + logit(action) - logit(r->overall)};
            purchase[i] = (float)rate[self->kind];
        }
    }
    return OK;
}

void purchase_rates_scorers(const PurchaseRates *r, Scorer *out)
{
    static const char *const name[RATES] = {"user so far", "last item", "last action",
                                            "item and action"};
    for (int k = 0; k < RATES; k++)
        out[k] = (Scorer){.name = name[k],
                          .baseline = true,
                          .predicts = true,
                          .state = (void *)(uintptr_t)r,
                          .kind = k,
                          .score = rate_all};
}
