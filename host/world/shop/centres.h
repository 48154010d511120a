/* SPDX-License-Identifier: Apache-2.0 */
/* The centres of shelves, from a log: shelves that are looked at one after the other are close.
 *
 * The centres are the leading eigenvectors of the positive pointwise mutual information of shelves
 * (Levy and Goldberg 2014): how much more often than by chance shoppers look at two shelves one
 * after the other. The mean of the centres is subtracted, and each is scaled to length 1.
 */
#ifndef SOUK_SHOP_CENTRES_H
#define SOUK_SHOP_CENTRES_H

#include "world/shop/latent.h"
#include "world/shop/log.h"

/* centre [shelves]. A shelf about which the log says nothing gets a random centre, drawn with
 * `seed`. */
Status shop_centres_fit(const ShopLog *log, uint64_t seed, float (*centre)[SHOP_LATENT]);

#endif
