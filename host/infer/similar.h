/* SPDX-License-Identifier: Apache-2.0 */
/* Items that are similar to an item, without any history: by what the model has learned of the
 * items, and by what was counted in its log. */
#ifndef SOUK_SIMILAR_H
#define SOUK_SIMILAR_H

#include "infer/session.h"

typedef struct {
    int32_t item;
    double
        cosine; /* of the angle between both vectors E (host/model/README.md section 3), -1 to 1 */
} SimilarVector;

typedef struct {
    int32_t item;
    double next; /* how often it came directly after the other one in the counted splits, */
    double after, before; /*    and the sums of the weights of pairs with it at g <= COUNT_GAP
                                events after the other one, before it (counts/table.h) */
} SimilarCounts;

/* The k items with the nearest vectors, by falling cosine and of equal ones the lower items, into
 * out [k]; *found is how many they are. The item itself is left out, and so are items whose vectors
 * are 0, and items that must not be chosen (model_shut). Computes the vectors of the whole
 * catalogue. */
Status similar_by_vectors(Session *s, int32_t item, int64_t k, SimilarVector *out, int64_t *found);

/* The k strongest neighbours that the count table keeps for the item, by falling after + before / 2
 * and of equal ones the lower items; likewise. None of a model without a count table. *times is the
 * number of counted events of the item. */
Status similar_by_counts(Session *s, int32_t item, int64_t k, SimilarCounts *out, int64_t *found,
                         double *times);

#endif
