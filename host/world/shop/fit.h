/* SPDX-License-Identifier: Apache-2.0 */
/* A shop that is fitted to a behaviour file (log.h).
 *
 *   shelves     the category of the items
 *   popularity  of a shelf: the share of sessions that begin there (+ 1/2)
 *   appeal      the logarithm of an item's looks (+ 1/2), less that of the best item of its shelf
 *   centres     shelves that are looked at one after the other are close (centres.h)
 *   goes with   the shelf that most often comes next after a purchase, beyond its popularity; where
 *               nothing was bought, after any look
 *   gaps        mean and deviation of the logarithm of the time between looks (and skips)
 *   utilities   leave, cart, purchase and review; also view, where the log tells about skips or has
 *               more looks than a session of the shop can have. They are found by the method of
 *               simulated moments (McFadden 1989): the shop plays sessions with its policy `shelf`
 *               until the looks of a session, and the shares of looks that go further, are those
 *               of the log
 *
 * Utilities that cannot be estimated from a log (affinity, boredom, drift, …) keep the values of
 * the settings, and so does `view` in all other cases. Items are drawn about the centre of their
 * shelf with `spread`, as in any shop.
 */
#ifndef SOUK_SHOP_FIT_H
#define SOUK_SHOP_FIT_H

#include "world/shop/log.h"
#include "world/shop/shop.h"

/* Utilities: the logarithms of the odds in ShopTaste. */
typedef struct {
    double view, leave, cart, purchase, review;
} ShopUtilities;

struct ShopFit {
    char *path;
    int64_t sessions;
    ShopMoments wanted, reached; /* the log's, the shop's */
    ShopUtilities utilities;
};

/* Fills an empty shop with the catalogue of the log: items, shelves, centres, popularity, gaps. */
Status shop_fit_catalogue(Shop *s, const ShopLog *log, double spread, uint64_t seed);

/* Fits the taste of the shop, from the utilities `start` on, and fills s->fit. `w` is the world
 * "shop" whose parameters are `s`. `path` names the log. ERR_USAGE where the moments are not
 * reached. */
Status shop_fit_taste(Shop *s, const World *w, const ShopLog *log, const char *path,
                      ShopUtilities start);

void shop_fit_close(ShopFit *fit); /* safe on NULL */
/* Prints the moments of the log and of the shop. */
void shop_fit_describe(const ShopFit *fit, FILE *out);

#endif
