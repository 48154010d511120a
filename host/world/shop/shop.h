/* SPDX-License-Identifier: Apache-2.0 */
/* The shop: shoppers whose interests drift look at a catalogue of up to a million items.
 *
 * Interests and items are vectors of SHOP_LATENT numbers. The relevance x of an item and the
 * impatience y of the shopper, which enter the law of event.h, are
 *
 *     x = affinity <u, v> + appeal - boredom max(0, <e, v>) - repeat [shown lately]
 *         - position log(1 + t)
 *     y = impatience x (skips in a row, at most SHOP_SKIPS) + fatigue max(0, <e, v>)
 *
 * with u the interest and v the item (both of length about 1), e the sum of the items shown before,
 * which fades by the factor `keep` at every step, and t the number of items shown before. Then
 *
 *     look      u += pull (v - u)            the interest moves to what was looked at
 *     purchase  u += satiation (c - u)       and on to the centre c of the shelf that goes with it
 *     always    u += drift x uniform noise;  e = keep e + v
 *
 * No event shows u and e; looks give evidence about them. An item has two features, its shelf and
 * the logarithm of its rank on the shelf. The kind of an event decides its reward (event.h). The
 * catalogue and the tastes come from the settings (world.h) or are fitted to a log (fit.h). A step
 * takes the same time for any size of the catalogue, as it touches one item.
 */
#ifndef SOUK_SHOP_H
#define SOUK_SHOP_H

#include "world/shop/event.h"
#include "world/shop/latent.h"
#include "world/world.h"

/* The last SHOP_LATELY items count as shown lately; the attention of the first SHOP_NEAR steps is
 * tabulated; SHOP_SKIPS skips in a row make a shopper as impatient as more do; SHOP_GUIDE entries
 * speed up the search for a shelf. */
enum { SHOP_LATELY = 8, SHOP_NEAR = 128, SHOP_SKIPS = 5, SHOP_GUIDE = 256 };

typedef struct {
    float latent[SHOP_LATENT];
    float appeal;
    int32_t shelf;
} ShopItem;

typedef struct ShopFit ShopFit; /* fit.h */

typedef struct {
    /* The catalogue (catalogue.h). */
    int64_t items;
    int32_t shelves;
    ShopItem *item;                /* [items] */
    float (*centre)[SHOP_LATENT];  /* [shelves] mean direction of the items of a shelf */
    int32_t *goes_with;            /* [shelves] the shelf that is wanted after a purchase */
    int64_t *first;                /* [shelves+1] first entry of a shelf in `ranked` */
    int32_t *ranked;               /* [items] items by shelf, on a shelf by falling appeal */
    int32_t *place;                /* [items] rank on the shelf, from 0 */
    double *shelf_share;           /* [shelves] cumulative popularity of the shelves */
    int32_t *category;             /* [items] feature: shelf + 1, as row 0 is "unknown" */
    float *rank;                   /* [items] feature: log(1 + place), normalised */
    float rank_mean, rank_std;     /* constants that normalise `rank` */
    int32_t guide[SHOP_GUIDE + 1]; /* the shelf at k / SHOP_GUIDE of shelf_share */
    /* The shoppers. */
    ShopTaste taste;
    double farther[SHOP_NEAR];     /* position log(1 + t), by t */
    double unrest[SHOP_SKIPS + 1]; /* exp(y), by skips in a row */
    double affinity, boredom, fatigue, repeat, position, impatience, keep, pull, satiation, drift;
    double gap_mean, gap_std; /* mean and deviation of log(milliseconds between events) */
    ShopFit *fit;             /* NULL: the shop was not fitted to a log */
} Shop;

typedef struct {
    float interest[SHOP_LATENT], shown[SHOP_LATENT]; /* u and e */
    int32_t lately[SHOP_LATELY];                     /* ring of the items shown; -1: none yet */
    int32_t steps, skips;                            /* t; skips in a row */
    int32_t seen_shelf, seen_place; /* shelf and place of the last look, which the shop sees too */
    int64_t time;
} ShopVisit;

/* The law of showing `item` now: the probability of each kind of event. */
void shop_item_law(const Shop *s, const ShopVisit *visit, int32_t item, double law[SHOP_KINDS]);

/* The shelf that a uniform number in [0, 1) draws, by popularity. */
int32_t shop_popular_shelf(const Shop *s, double uniform);

/* reset, step and prefetch of the kind (world/world.h); `world` is a Shop, `state` a ShopVisit. */
void shop_reset(const void *world, void *state, WorldDraw *draw, WorldEvent *event);
void shop_step(const void *world, void *state, int32_t item, WorldDraw *draw, WorldEvent *event);
void shop_prefetch(const void *world, int32_t item);

#endif
