/* SPDX-License-Identifier: Apache-2.0 */
/* Items that must not be chosen for a row: item[offset[i] .. offset[i+1]-1], ascending; in the
 * memory of the device. */
#ifndef SOUK_EXCLUSION_H
#define SOUK_EXCLUSION_H

#include <stdint.h>

#include "base/everywhere.h"

typedef struct {
    const int64_t *offset; /* [rows+1]; NULL: nothing is excluded */
    const int32_t *item;
} Exclusion;

/* The index in e->item of the row's first excluded item that is not below `item`. */
static EVERYWHERE inline int64_t exclusion_from(const Exclusion *e, int64_t row, int64_t item)
{
    int64_t from = e->offset[row], to = e->offset[row + 1];
    while (from < to) {
        const int64_t middle = from + (to - from) / 2;
        if (e->item[middle] < item)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

#endif
