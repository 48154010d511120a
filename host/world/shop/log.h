/* What a behaviour file says of its shop: counts of looks by item and shelf, of sessions, and of how far looks
 * went. From the train split.
 *
 * A session is an episode of a user. A look is a run of events of one item in it, with the furthest kind among
 * them; kinds by the names of their actions: skip, view, cart, purchase, review, leave; any other counts as a
 * view. Skips and leavings are no looks; most logs have none. A shelf is a category of the items; those without
 * items are left out, and the most popular come first.
 */
#ifndef SOUK_SHOP_LOG_H
#define SOUK_SHOP_LOG_H

#include "data/behaviour/behaviour.h"

/* From one shelf to another, look after look. */
typedef struct {
    int32_t from, to;
    int64_t count, bought; /* `bought`: where the first of the two looks was a purchase */
} ShelfPair;

/* Of the looks of a session after its first one. */
typedef struct {
    double looks;                  /* a session */
    double skips;                  /* a look; < 0: the log tells none */
    double cart, purchase, review; /* shares: of looks, of carts, of purchases */
} ShopMoments;

typedef struct {
    int64_t items, sessions;
    int32_t shelves;
    int32_t *shelf;  /* [items] */
    int64_t *looks;  /* [items] */
    int64_t *starts; /* [shelves] sessions whose first look was there, falling */
    ShelfPair *pair; /* [pairs] of different shelves, in order of (from, to) */
    int64_t pairs;
    ShopMoments moments;
    double gap_mean, gap_std; /* of the logarithm of milliseconds between looks and skips */
} ShopLog;

/* Sums of which moments are made. */
typedef struct {
    int64_t sessions, looks, skips, cart, purchase, review;
    int64_t cut; /* sessions that did not end by themselves; counted of played ones only */
} ShopCounts;
/* A look that went as far as `kind` (shop_choice.h). */
void shop_log_count_look(ShopCounts *c, int kind);
/* Shares are of one more event of either kind, so that none is 0 or 1. */
ShopMoments shop_log_moments(const ShopCounts *c, bool tells_skips);

/* `category`: name of the items' category; "": their first. */
Status shop_log_read(ShopLog *log, const char *path, const char *category);
void shop_log_close(ShopLog *log); /* safe on {0} */

#endif
