/* What a shopper does with the item shown: a multinomial logit (McFadden 1974) over looking at it,
 * passing on and leaving the shop, then a funnel of logits from the look to the cart, the purchase and
 * the review. One event says how far it went. Both shops choose by it.
 *
 *   P(look) : P(skip) : P(leave) = exp(view + x) : 1 : exp(leave + y)
 *   P(cart | look) = s(cart + x), P(purchase | cart) = s(purchase + x), P(review | purchase) = s(review)
 *
 * x is what speaks for the item here and now (relevance, less boredom, less attention further down the
 * list), y the shopper's impatience; s is the logistic function, and s(c + x) = o / (1 + o) of the odds
 * o = exp(c) exp(x): so a law takes one exponential, and that of y, of which there are few.
 */
#ifndef SOUK_SHOP_CHOICE_H
#define SOUK_SHOP_CHOICE_H

#include <math.h>

enum { SHOP_SKIP, SHOP_VIEW, SHOP_CART, SHOP_PURCHASE, SHOP_REVIEW, SHOP_LEAVE, SHOP_KINDS };
static const char *const shop_kind_name[SHOP_KINDS] = {"skip",     "view",   "cart",
                                                       "purchase", "review", "leave"};
/* A purchase that is reviewed is worth both. */
static const float shop_kind_reward[SHOP_KINDS] = {0.0f, 0.2f, 0.5f, 1.0f, 1.2f, 0.0f};

/* exp() of the constants of the utilities: odds at x = y = 0. */
typedef struct {
    double view, leave, cart, purchase, review;
} ShopTaste;
static inline ShopTaste shop_taste(double view, double leave, double cart, double purchase,
                                   double review)
{
    return (ShopTaste){exp(view), exp(leave), exp(cart), exp(purchase), exp(review)};
}

/* Within +-300: what exp() and its products can hold. */
static inline double shop_held(double x) { return x > 300.0 ? 300.0 : x < -300.0 ? -300.0 : x; }

/* exp(y) */
static inline double shop_unrest(double y) { return exp(shop_held(y)); }

/* Probability of each kind of event, given x and exp(y); they add up to 1. */
static inline void shop_law(double law[SHOP_KINDS], const ShopTaste *t, double x, double unrest)
{
    const double for_it = exp(shop_held(x));
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

/* The kind that a uniform number in [0, 1) falls on. */
static inline int shop_choose(const double law[SHOP_KINDS], double uniform)
{
    int kind = 0;
    for (; kind < SHOP_KINDS - 1 && uniform >= law[kind]; kind++) uniform -= law[kind];
    return kind;
}

static inline double shop_reward(const double law[SHOP_KINDS])
{
    double sum = 0.0;
    for (int k = 0; k < SHOP_KINDS; k++) sum += law[k] * shop_kind_reward[k];
    return sum;
}

#endif
