/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of events in a shop, and the law by which a shopper answers the item shown.
 *
 * The law is a multinomial logit (McFadden 1974) over looking at the item, skipping it and leaving
 * the shop, followed by a funnel of logits from the look to the cart, the purchase and the review.
 * One event says how far the shopper went. The shop and the small shop both use it.
 *
 *   P(look) : P(skip) : P(leave) = exp(view + x) : 1 : exp(leave + y)
 *   P(cart | look) = s(cart + x), P(purchase | cart) = s(purchase + x), P(review | purchase) =
 *   s(review)
 *
 * x is the relevance of the item here and now (less boredom, less attention further down the list),
 * y the impatience of the shopper, and s the logistic function. s(c + x) = o / (1 + o) with the
 * odds o = exp(c) exp(x). So the law needs only exp(x) and exp(y), and y has few values.
 */
#ifndef SOUK_SHOP_EVENT_H
#define SOUK_SHOP_EVENT_H

#include <math.h>
#include <stdbool.h>

enum { SHOP_SKIP, SHOP_VIEW, SHOP_CART, SHOP_PURCHASE, SHOP_REVIEW, SHOP_LEAVE, SHOP_KINDS };
extern const char *const shop_event_name[SHOP_KINDS];
extern const float shop_event_reward[SHOP_KINDS];
/* The item was shown, and the shopper did not even look at it. */
extern const bool shop_event_impression[SHOP_KINDS];

/* exp() of the constants of the utilities: the odds at x = y = 0. */
typedef struct {
    double view, leave, cart, purchase, review;
} ShopTaste;
static inline ShopTaste shop_event_taste(double view, double leave, double cart, double purchase,
                                         double review)
{
    return (ShopTaste){exp(view), exp(leave), exp(cart), exp(purchase), exp(review)};
}

/* Within +-300, so that exp() and products of two of its values stay finite. */
static inline double shop_event_bounded(double x)
{
    return x > 300.0 ? 300.0 : x < -300.0 ? -300.0 : x;
}

/* exp(y) */
static inline double shop_event_unrest(double y) { return exp(shop_event_bounded(y)); }

/* The probability of each kind of event, given x and exp(y); they add up to 1. */
static inline void shop_event_law(double law[SHOP_KINDS], const ShopTaste *t, double x,
                                  double unrest)
{
    const double for_it = exp(shop_event_bounded(x));
    const double look = t->view * for_it, leave = t->leave * unrest, all = 1.0 + look + leave;
    const double cart = t->cart * for_it / (1.0 + t->cart * for_it);
    const double purchase = t->purchase * for_it / (1.0 + t->purchase * for_it);
    const double review = t->review / (1.0 + t->review), viewed = look / all;
    law[SHOP_SKIP] = 1.0 / all;
    law[SHOP_VIEW] = viewed * (1.0 - cart);
    law[SHOP_CART] = viewed * cart * (1.0 - purchase);
    law[SHOP_PURCHASE] = viewed * cart * purchase * (1.0 - review);
    law[SHOP_REVIEW] = viewed * cart * purchase * review;
    law[SHOP_LEAVE] = leave / all;
}

/* The kind that a uniform number in [0, 1) draws. */
static inline int shop_event_draw(const double law[SHOP_KINDS], double uniform)
{
    int kind = 0;
    for (; kind < SHOP_KINDS - 1 && uniform >= law[kind]; kind++) uniform -= law[kind];
    return kind;
}

/* The expected reward. */
static inline double shop_event_expected_reward(const double law[SHOP_KINDS])
{
    double sum = 0.0;
    for (int k = 0; k < SHOP_KINDS; k++) sum += law[k] * shop_event_reward[k];
    return sum;
}

/* Whether the shopper at least looked at the item. */
static inline bool shop_event_is_look(int kind) { return !shop_event_impression[kind]; }

#endif
