/* SPDX-License-Identifier: Apache-2.0 */
/* The item vectors of a start, divided between the ids of items and their categories, so that the
 * vector of an item, which is the sum of both (kernels/items.h), stays what it was:
 *
 *   category[c] = 1/kinds times the mean vector of the known items of c
 *   id[a]       = vector[a] - sum_k category[category[a, k]]
 *
 * A known item is one with popularity above 0. A new item has the id 0: it begins where its
 * categories are. A category of which no item is known, and "unknown", row 0 of each kind, are 0.
 */
#ifndef SOUK_SHARES_H
#define SOUK_SHARES_H

#include "data/behaviour/behaviour.h"

/* ids [items, dim] are the vectors, and are overwritten; category [categories, dim]. Host memory:
 * 8 bytes a category. */
Status shares(float *ids, float *category, const float *popularity, int64_t items, int64_t dim,
              const FeatureSet *features);

#endif
