/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of bags share: random bags, some of them empty, and their entries by row. */
#ifndef SOUK_TEST_BAG_CASE_H
#define SOUK_TEST_BAG_CASE_H

#include "op.h"

#include "bag.h"

/* Up to `most` rows a bag. Row 0 is in every bag that is not empty. */
static inline Bags make_bags(int64_t bags, int64_t rows, int64_t most, uint64_t seed)
{
    const Tensor offset = NEW(I64, bags + 1), at = NEW(I64, rows + 1);
    int64_t *o = offset.data, *r = at.data;
    const Tensor has = NEW(U8, bags, rows);
    uint8_t *in = has.data;
    for (int64_t b = 0; b < bags; b++) {
        const int64_t size = (int64_t)(philox_u64(seed, 1, (uint64_t)b) % (uint64_t)(most + 1));
        for (int64_t j = 0; j < size; j++)
            in[b * rows +
               (j ? (int64_t)(philox_u64(seed, 2, (uint64_t)(b * most + j)) % (uint64_t)rows)
                  : 0)] = 1;
        o[b + 1] = o[b];
        for (int64_t k = 0; k < rows; k++) o[b + 1] += in[b * rows + k];
    }
    const Bags c = {offset, NEW(I32, o[bags]), at, NEW(I32, o[bags])};
    int64_t j = 0, i = 0;
    for (int64_t b = 0; b < bags; b++)
        for (int64_t k = 0; k < rows; k++)
            if (in[b * rows + k]) i32(c.row)[j++] = (int32_t)k;
    for (int64_t k = 0; k < rows; k++) {
        for (int64_t b = 0; b < bags; b++)
            if (in[b * rows + k]) i32(c.bag)[i++] = (int32_t)b;
        r[k + 1] = i;
    }
    return c;
}

#endif
