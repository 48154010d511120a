/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A number is a pure function of (key, counter): no state, so any thread and
 * any device draws the same bits, and a resumed run needs no generator saved.
 */
#ifndef SOUK_RNG_H
#define SOUK_RNG_H

#include <math.h>
#include <stdint.h>

#include "base/everywhere.h"

typedef struct {
    uint32_t word[4];
} Philox;

EVERYWHERE static inline Philox philox(uint64_t key, uint64_t counter_high, uint64_t counter_low)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)counter_low, c1 = (uint32_t)(counter_low >> 32);
    uint32_t c2 = (uint32_t)counter_high, c3 = (uint32_t)(counter_high >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    const Philox p = {{c0, c1, c2, c3}};
    return p;
}

/* Uniform in [0, 1), a multiple of 2^-24. */
EVERYWHERE static inline float philox_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* Uniform in [0, 2^64). */
EVERYWHERE static inline uint64_t philox_u64(uint64_t key, uint64_t counter_high,
                                             uint64_t counter_low)
{
    const Philox p = philox(key, counter_high, counter_low);
    return (uint64_t)p.word[0] << 32 | p.word[1];
}

/* Standard normal (Box-Muller), from two words. */
EVERYWHERE static inline float philox_normal(uint32_t a, uint32_t b)
{
    const double u = ((double)a + 1.0) * 0x1p-32, v = (double)b * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

#endif
