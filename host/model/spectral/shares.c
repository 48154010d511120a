/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spectral/shares.h"

#include <stdlib.h>
#include <string.h>

/* The sums of the vectors of the known items, and their number. */
static void add_up(float *sum, int64_t *count, const float *vectors, const float *popularity,
                   int64_t items, int64_t dim, const FeatureSet *f)
{
    memset(sum, 0, (size_t)(f->categories * dim) * sizeof *sum);
    for (int64_t a = 0; a < items; a++)
        for (int k = 0; k < f->kinds && popularity[a] > 0.0f; k++) {
            const int32_t c = f->category[a * f->kinds + k];
            count[c]++;
            for (int64_t d = 0; d < dim; d++) sum[c * dim + d] += vectors[a * dim + d];
        }
}

static void divide(float *sum, int64_t *count, int64_t dim, const FeatureSet *f)
{
    for (int k = 0, unknown = 0; k < f->kinds; unknown += f->kind_rows[k++]) count[unknown] = 0;
    for (int32_t c = 0; c < f->categories; c++)
        for (int64_t d = 0; d < dim; d++) {
            const float all = sum[c * dim + d];
            sum[c * dim + d] = count[c] ? all / (float)(count[c] * f->kinds) : 0.0f;
        }
}

static void subtract(float *id, const float *category, const int32_t *of_item, int64_t dim,
                     int kinds)
{
    for (int k = 0; k < kinds; k++)
        for (int64_t d = 0; d < dim; d++) id[d] -= category[of_item[k] * dim + d];
}

Status shares(float *ids, float *category, const float *popularity, int64_t items, int64_t dim,
              const FeatureSet *f)
{
    int64_t *count = calloc((size_t)f->categories + 1, sizeof *count);
    if (!count) return FAIL(ERR_MEMORY, "no memory for %d categories", f->categories);
    add_up(category, count, ids, popularity, items, dim, f);
    divide(category, count, dim, f);
    for (int64_t a = 0; a < items; a++) {
        float *id = ids + a * dim;
        if (popularity[a] > 0.0f)
            subtract(id, category, f->category + a * f->kinds, dim, f->kinds);
        else
            memset(id, 0, (size_t)dim * sizeof *id);
    }
    free(count);
    return OK;
}
