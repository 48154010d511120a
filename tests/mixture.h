/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the loss of two masses share. */
#ifndef SOUK_TEST_MIXTURE_H
#define SOUK_TEST_MIXTURE_H

#include "op.h"

#include "catalogue/catalogue.h"

/* A second mass: about as large as the first, far larger, far smaller, none; with and without the
 * target. And space for what is written. */
static inline CatalogueMixture make_mixture(int64_t rows)
{
    const CatalogueMixture m = {NORMAL(71, 2, rows), NORMAL(72, 1, rows), NEW(F32, rows),
                                NEW(F32, rows)};
    for (int64_t i = 0; i < rows; i++) {
        f32(m.other)[i] += (float)(i % 4 == 1 ? 40 : i % 4 == 2 ? -40 : 4);
        f32(m.other_target)[i] += f32(m.other)[i] - 3.0f;
        if (i % 4 == 3) f32(m.other)[i] = -INFINITY;
        if (i % 2) f32(m.other_target)[i] = -INFINITY;
    }
    return m;
}

#endif
