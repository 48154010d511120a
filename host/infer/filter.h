/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of items by a category of theirs, for RecommendOptions. A category is one of the features
 * of the items of the catalogue. Its values are numbers from 0 to kind_rows - 1; 0 is "unknown".
 * The names that the log has for them are not read.
 */
#ifndef SOUK_FILTER_H
#define SOUK_FILTER_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* The number of a category, by name. ERR_USAGE, listing the categories that there are, where the
 * items have no such one. */
Status filter_kind(const Behaviour *catalogue, const char *name, int *kind);

/* The row of an item in a category, 0 .. kind_rows[kind] - 1. */
int32_t filter_row(const Behaviour *catalogue, int kind, int32_t item);

/* Keep of the list *item [*count] the items whose row in `kind` is one of `row` [rows], in place.
 * Where *item is NULL all items are listed first, in memory that the caller frees. ERR_USAGE where
 * there is no such row. */
Status filter_rows(const Behaviour *catalogue, int kind, const int32_t *row, int64_t rows,
                   int32_t **item, int64_t *count);

#endif
