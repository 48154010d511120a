/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/latent.h"

#include <math.h>

#include "base/rng.h"

void shop_latent_normalise(float *v)
{
    const double length = sqrt(shop_latent_dot(v, v));
    for (int k = 0; k < SHOP_LATENT; k++) v[k] = (float)(v[k] / length);
}

void shop_latent_add_normal(float *v, double scale, uint64_t seed, uint64_t which)
{
    for (int k = 0; k < SHOP_LATENT; k++) {
        const Philox p = philox(seed, which, (uint64_t)k);
        v[k] += (float)scale * philox_normal(p.word[0], p.word[1]);
    }
}
