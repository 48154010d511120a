/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of the shop of a behaviour file: how often each item and shelf was looked at, how many
 * sessions there are, and how far looks went. Only the train split is read.
 *
 * A session is an episode of a user. A look is a run of consecutive events of one item; its kind is
 * the furthest of their kinds. The name of an action is its kind: skip, view, cart, purchase,
 * review or leave; an action of another name counts as a view, or as a skip where it is an
 * impression. Skips and leaves are not looks; most
 * logs have none. A shelf is a category of the items. Categories without items are left out; the
 * shelf on which most sessions begin is the first.
 */
#ifndef SOUK_SHOP_LOG_H
#define SOUK_SHOP_LOG_H

#include "data/behaviour/behaviour.h"

/* Looks at shelf `to` that came right after a look at another shelf, `from`. */
typedef struct {
    int32_t from, to;
    int64_t count, bought; /* `bought`: those where the look at `from` ended in a purchase */
} ShelfPair;

/* Moments of the looks of a session after its first one. */
typedef struct {
    double looks;                  /* per session */
    double skips;                  /* per look; < 0: the log has no skips */
    double cart, purchase, review; /* shares: of looks, of carts, of purchases */
} ShopMoments;

typedef struct {
    int64_t items, sessions;
    int32_t shelves;
    int32_t *shelf;  /* [items] */
    int64_t *looks;  /* [items] */
    int64_t *starts; /* [shelves] sessions that begin there, falling */
    ShelfPair *pair; /* [pairs] ascending in (from, to) */
    int64_t pairs;
    ShopMoments moments;
    double gap_mean, gap_std; /* mean and deviation of log(milliseconds between looks and skips) */
} ShopLog;

/* The sums that moments are made from. */
typedef struct {
    int64_t sessions, looks, skips, cart, purchase, review;
    int64_t cut; /* sessions that were truncated; only of simulated sessions */
} ShopCounts;
/* Counts a look whose furthest kind is `kind` (event.h). */
void shop_log_count_look(ShopCounts *c, int kind);
/* For the shares, one success and one failure are added, so that none is 0 or 1. */
ShopMoments shop_log_moments(const ShopCounts *c, bool tells_skips);

/* `category` names a category of the items; "": the first one. */
Status shop_log_read(ShopLog *log, const char *path, const char *category);
void shop_log_close(ShopLog *log); /* safe on {0} */

#endif
