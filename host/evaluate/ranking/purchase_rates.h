/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines for "is the next event a purchase?": rates of purchases, counted over the transitions
 * (event, next event) of the train histories, where the event is the last one of an earlier time.
 * Each is smoothed by 10 transitions of the overall rate p:
 *
 *   user so far      (purchases in the history before the event + 10 p) / (its events + 10)
 *   last item        purchases among the events that followed an event of the history's last item
 *   last action      the same, by the last event's action
 *   item and action  both, as if they were independent:
 *                    logit = logit(item) + logit(action) - logit(p)
 *
 * p itself is (purchases + 1) / (transitions + 2), so that no logit is infinite.
 */
#ifndef SOUK_PURCHASE_RATES_H
#define SOUK_PURCHASE_RATES_H

#include "evaluate/ranking/scorer.h"

enum { RATE_USER, RATE_ITEM, RATE_ACTION, RATE_ITEM_ACTION, RATES };

typedef struct {
    int purchase;               /* the action that is counted */
    double overall;             /* p */
    double *item;               /* [items] smoothed rate after an event of the item */
    double action[ACTIONS_MAX]; /* smoothed rate after an event of the action */
} PurchaseRates;

Status purchase_rates_fit(PurchaseRates *r, const Histories *h, int purchase);
void purchase_rates_close(PurchaseRates *r); /* safe on {0} */

/* Fills out [RATES]; `r` must outlive the scorers. */
void purchase_rates_scorers(const PurchaseRates *r, Scorer *out);

#endif
