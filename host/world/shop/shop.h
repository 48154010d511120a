/* The shop: shoppers whose interests drift, before a catalogue of up to a million items.
 *
 * Interests and items are vectors of SHOP_LATENT numbers. An item is seen in the light of
 *
 *     x = affinity <u, v> + appeal - boredom max(0, <e, v>) - repeat [shown lately] - position log(1 + t)
 *     y = impatience x (skips in a row, at most 5)
 *
 * u the interest, v the item (both of about unit length), e what was shown before, fading by `keep` a
 * step, t the place in the list. The choice itself is shop_choice.h. Then
 *
 *     look   u += pull (v - u)                            interest follows the eye
 *     buy    u += satiation (c - u)                       and turns to the shelf that goes with it
 *     always u += drift x uniform noise; e = keep e + v
 *
 * What is never shown by an event: u and e. Looks tell of them. An item tells its shelf and the logarithm of
 * its rank there. Rewards by kind of event (shop_choice.h). The catalogue and tastes are the settings', or
 * fitted to a log (shop_fit.h). A step costs the same for any catalogue: it touches one item.
 */
#ifndef SOUK_SHOP_H
#define SOUK_SHOP_H

#include "world/shop/choice.h"
#include "world/world.h"

enum { SHOP_LATENT = 8, SHOP_LATELY = 8, SHOP_NEAR = 128, SHOP_SKIPS = 5, SHOP_GUIDE = 256 };

typedef struct {
    float latent[SHOP_LATENT];
    float appeal;
    int32_t shelf;
} ShopItem;

typedef struct ShopFit ShopFit; /* shop_fit.h */

typedef struct {
    int64_t items;
    int32_t shelves;
    ShopItem *item;               /* [items] */
    float (*centre)[SHOP_LATENT]; /* [shelves] mean direction of a shelf */
    int32_t *goes_with;           /* [shelves] shelf wanted after a purchase */
    int64_t *first;               /* [shelves+1] into `ranked` */
    int32_t *ranked;              /* [items] items by shelf, then by falling appeal */
    int32_t *place;               /* [items] rank within the shelf */
    double *shelf_share;          /* [shelves] cumulative popularity */
    int32_t *category;            /* [items] a feature: shelf + 1, row 0 is "unknown" */
    float *rank;                  /* [items] another: log(1 + place), normalised */
    float rank_mean, rank_std;
    ShopTaste taste;
    double farther[SHOP_NEAR];     /* position log(1 + t) for the first t */
    double unrest[SHOP_SKIPS + 1]; /* exp(y), by skips in a row */
    int32_t guide[SHOP_GUIDE + 1]; /* into shelf_share: the shelf of k / SHOP_GUIDE */
    double affinity, boredom, repeat, position, impatience, keep, pull, satiation, drift;
    double gap_mean, gap_std; /* of log milliseconds between events */
    ShopFit *fit;             /* how it was fitted; NULL: it was not */
} Shop;

typedef struct {
    float interest[SHOP_LATENT], shown[SHOP_LATENT];
    int32_t lately[SHOP_LATELY]; /* ring of items shown, -1: none */
    int32_t steps, skips;
    int32_t seen_shelf, seen_place; /* of the last look: what the shop itself can know */
    int64_t time;
} ShopVisit;

/* The law of showing `item` now: probabilities of each kind of event. */
void shop_item_law(const Shop *s, const ShopVisit *visit, int32_t item, double law[SHOP_KINDS]);
/* A shelf by popularity; the item of a rank of it by popularity, both from a uniform number. */
int32_t shop_popular_shelf(const Shop *s, double uniform);

extern const WorldBaseline shop_policies[];

/* A policy's habits, by what happened last: how often it shows an item of the shelf last looked at, or of the
 * one that goes with that; the rank there; and its Q, the mean return from such choices on, parted by what the
 * rewards are for. Of the episodes that are there to their end (WorldKind's print). */
Status shop_print(const World *w, const WorldEvent *event, int64_t count, FILE *out);

/* Room for items and shelves. */
Status shop_room(Shop *s, int64_t items, int32_t shelves);
/* Latents: to length 1; plus normal noise of deviation `scale`; of an item, about the centre of its shelf. */
void shop_unit(float *v);
void shop_add_normal(float *v, double scale, uint64_t seed, uint64_t which);
void shop_place_item(Shop *s, int64_t item, double spread, uint64_t seed);
/* From item[].shelf, item[].appeal and shelf_share: guide, ranked, first, place, category, rank. */
Status shop_rank(Shop *s);

#endif
