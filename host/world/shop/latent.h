/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of interests and items in a shop. */
#ifndef SOUK_SHOP_LATENT_H
#define SOUK_SHOP_LATENT_H

#include <stdint.h>

enum { SHOP_LATENT = 8 };

static inline double shop_latent_dot(const float *a, const float *b)
{
    float sum = 0.0f;
    for (int k = 0; k < SHOP_LATENT; k++) sum += a[k] * b[k];
    return sum;
}

/* from += share (to - from) */
static inline void shop_latent_move(float *from, const float *to, double share)
{
    for (int k = 0; k < SHOP_LATENT; k++) from[k] += (float)share * (to[k] - from[k]);
}

/* Scales v to length 1. */
void shop_latent_normalise(float *v);

/* Adds normal noise of standard deviation `scale`, drawn by (seed, which). */
void shop_latent_add_normal(float *v, double scale, uint64_t seed, uint64_t which);

#endif
