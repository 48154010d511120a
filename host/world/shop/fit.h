/* A shop fitted to a behaviour file (shop_log.h):
 *
 *   shelves     the items' category; popularity: the share of sessions that begin there (+ 1/2)
 *   appeal      log of an item's looks (+ 1/2) less that of the best of its shelf
 *   centres     shelves that are looked at one after the other lie together: the leading eigenvectors of their
 *               positive pointwise mutual information (Levy and Goldberg 2014), less the mean, of unit length
 *   goes with   the shelf that most often comes next after a purchase, beyond its popularity; where nothing was
 *               bought, after any look
 *   gaps        mean and deviation of the logarithm of the time between looks (and skips)
 *   utilities   of leaving, cart, purchase and review, and of looking where the log tells skips, or has more
 *               looks than a session has room for: by the method of simulated moments (McFadden 1989). The shop
 *               plays sessions with its policy `shelf` until looks a session and the shares of looks that go
 *               further are the log's.
 *
 * What no log tells (affinity, boredom, drift …) stays as the settings have it, and `view` begins there; items lie about their shelf's
 * centre by `spread`, as in any shop.
 */
#ifndef SOUK_SHOP_FIT_H
#define SOUK_SHOP_FIT_H

#include "world/shop/log.h"
#include "world/shop/shop.h"

/* Utilities, on whose logit scale moments are fitted. */
typedef struct {
    double view, leave, cart, purchase, review;
} ShopUtilities;

struct ShopFit {
    char *path;
    int64_t sessions;
    ShopMoments wanted, reached;
    ShopUtilities utilities;
};

/* Centres of the log's shelves. `seed` for those that the log tells nothing of. */
Status shop_fit_centres(const ShopLog *log, uint64_t seed, float (*centre)[SHOP_LATENT]);

/* The log's catalogue into an empty shop: items, shelves, centres, shares, gaps. */
Status shop_fit_catalogue(Shop *s, const ShopLog *log, double spread, uint64_t seed);

/* The shop's taste, and the fit of it: from `start`; the spec is the world's. Fails where the moments are not
 * reached. */
Status shop_fit_taste(Shop *s, const WorldSpec *spec, const ShopLog *log, const char *path,
                      ShopUtilities start);

void shop_fit_close(ShopFit *fit); /* safe on NULL */
void shop_fit_describe(const ShopFit *fit, FILE *out);

#endif
