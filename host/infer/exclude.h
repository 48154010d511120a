/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of items that must not be chosen, one list a row of a batch, collected in memory of the
 * host and handed to the ops of the catalogue as an Exclusion (kernels/catalogue/exclusion.h). The
 * memory is kept from one batch to the next and grows only for longer lists.
 */
#ifndef SOUK_EXCLUDE_H
#define SOUK_EXCLUDE_H

#include "base/device.h"
#include "catalogue/exclusion.h"

typedef struct {
    int64_t rows, row_capacity, item_capacity;
    int64_t *offset; /* [rows+1] */
    int32_t *item;   /* [offset[rows]] ascending within a row, without repeats */
} Exclude;

void exclude_begin(Exclude *e); /* no rows */
void exclude_close(Exclude *e); /* safe on {0} */

/* Add a row: the items of `base` [bases], ascending and without repeats, and those of `more`
 * [mores], in any order and with repeats; `more` is sorted in place, and items below 0 in it are
 * none. Both may be empty. */
Status exclude_add(Exclude *e, const int32_t *base, int64_t bases, int32_t *more, int64_t mores);

/* The lists of all rows, in scratch of the device; {0} where every list is empty. */
Exclusion exclude_on_device(Device *dev, const Exclude *e);

/* The items of the catalogue that neither row `row` of `e`, where it has rows, nor `shut` [shuts],
 * ascending, lists: how many of `items` there are, and number `number` of them, ascending. */
int64_t exclude_left(const Exclude *e, int64_t row, const int32_t *shut, int64_t shuts,
                     int64_t items);
int32_t exclude_pick(const Exclude *e, int64_t row, const int32_t *shut, int64_t shuts,
                     int32_t number);

/* Sort `item`. */
void exclude_sort(int32_t *item, int64_t count);

#endif
