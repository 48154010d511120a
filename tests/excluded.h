/* SPDX-License-Identifier: Apache-2.0 */
/* Exclusions for tests: up to EXCLUDED items of a row, spread over the catalogue; none of row 3. */
#ifndef SOUK_TEST_EXCLUDED_H
#define SOUK_TEST_EXCLUDED_H

#include "catalogue/exclusion.h"
#include "op.h"

enum { EXCLUDED = 8 };

typedef struct {
    Tensor offset, item; /* i64 [rows+1], i32 [rows, EXCLUDED] */
} Excluded;

static inline Excluded make_excluded(int64_t rows, int64_t items)
{
    const Excluded x = {NEW(I64, rows + 1), NEW(I32, rows * EXCLUDED)};
    int64_t *offset = x.offset.data;
    for (int64_t i = 0; i < rows; i++) {
        offset[i + 1] = offset[i];
        for (int64_t a = i % 4; i != 3 && a < items - 1 && offset[i + 1] - offset[i] < EXCLUDED;
             a += 1 + items / 9)
            i32(x.item)[offset[i + 1]++] = (int32_t)a;
    }
    return x;
}

static inline Exclusion exclusion_of(Excluded x) { return (Exclusion){x.offset.data, i32(x.item)}; }

static inline bool is_excluded(Excluded x, int64_t row, int64_t item)
{
    const int64_t *offset = x.offset.data;
    bool found = false;
    for (int64_t k = offset[row]; k < offset[row + 1]; k++) found |= i32(x.item)[k] == item;
    return found;
}

#endif
