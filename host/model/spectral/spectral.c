/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spectral/spectral.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/rng.h"
#include "model/spectral/svd.h"

static double length_of(const float *vector, int64_t dim)
{
    double sum = 0.0;
    for (int64_t c = 0; c < dim; c++) sum += (double)vector[c] * vector[c];
    return sqrt(sum);
}

/* Divides each vector by the root of its length, then scales all to their mean length. Sets
 * `placed` where the vector is not 0. */
static void scale(float *vectors, uint8_t *placed, int64_t items, const SpectralOptions *o)
{
    double sum = 0.0;
    int64_t count = 0;
    for (int64_t i = 0; i < items; i++) {
        const double length = length_of(vectors + i * o->dim, o->dim);
        placed[i] = length > 0.0;
        count += placed[i];
        sum += sqrt(length);
    }
    for (int64_t i = 0; i < items; i++) {
        float *vector = vectors + i * o->dim;
        if (!placed[i]) continue;
        const double factor = o->length * (double)count / sum / sqrt(length_of(vector, o->dim));
        for (int64_t c = 0; c < o->dim; c++) vector[c] = (float)(vector[c] * factor);
    }
}

/* ---- Items without neighbours ---------------------------------------------------------------- */

/* Row 0 of a kind is "unknown": it says nothing. */
static bool is_known(const FeatureSet *f, int kind, int32_t category)
{
    int32_t first = 0;
    for (int k = 0; k < kind; k++) first += f->kind_rows[k];
    return category != first;
}

/* The sum of the vectors of a category's items into sum [categories, dim], and their number. */
static void add_up(float *sum, int64_t *count, const float *vectors, const uint8_t *placed,
                   int64_t items, int64_t dim, const FeatureSet *f)
{
    for (int64_t i = 0; i < items; i++) {
        for (int k = 0; k < f->kinds && placed[i]; k++) {
            const int32_t category = f->category[i * f->kinds + k];
            count[category]++;
            for (int64_t c = 0; c < dim; c++) sum[category * dim + c] += vectors[i * dim + c];
        }
    }
}

/* The vector of an item from its categories; false: they have no item with a vector. */
static bool from_categories(float *vector, int64_t item, const float *sum, const int64_t *count,
                            int64_t dim, const FeatureSet *f)
{
    int shares = 0;
    for (int k = 0; k < f->kinds; k++) {
        const int32_t category = f->category[item * f->kinds + k];
        if (!is_known(f, k, category) || !count[category]) continue;
        for (int64_t c = 0; c < dim; c++)
            vector[c] += sum[category * dim + c] / (float)count[category];
        shares++;
    }
    for (int64_t c = 0; c < dim && shares; c++) vector[c] /= (float)shares;
    return shares > 0;
}

static void draw(float *vector, int64_t item, const SpectralOptions *o)
{
    for (int64_t c = 0; c < o->dim; c++) {
        const Philox p =
            philox(o->seed, UINT64_C(0x7370656300000000), (uint64_t)(item * o->dim + c));
        vector[c] = o->spread * philox_normal(p.word[0], p.word[1]);
    }
}

static Status place_others(float *vectors, const uint8_t *placed, int64_t items,
                           const FeatureSet *f, const SpectralOptions *o)
{
    const size_t categories = (size_t)f->categories;
    float *sum = calloc(categories * (size_t)o->dim + 1, sizeof *sum);
    int64_t *count = calloc(categories + 1, sizeof *count);
    if (sum && count) {
        add_up(sum, count, vectors, placed, items, o->dim, f);
        for (int64_t i = 0; i < items; i++) {
            float *vector = vectors + i * o->dim;
            if (!placed[i] && !from_categories(vector, i, sum, count, o->dim, f))
                draw(vector, i, o);
        }
    }
    const bool done = sum && count;
    free(sum);
    free(count);
    return done ? OK : FAIL(ERR_MEMORY, "no memory for %zu mean vectors", categories);
}

/* ---- All ------------------------------------------------------------------------------------- */

static Status decompose(float **vectors, const CountTable *table, const SpectralOptions *o)
{
    SparseRows a = {0};
    Progress progress;
    float *value = malloc((size_t)o->dim * sizeof *value);
    Status st = value ? pmi_open(&a, table, o->threads)
                      : FAIL(ERR_MEMORY, "no memory for %" PRId64 " numbers", o->dim);
    progress_begin(&progress, "placing items", SVD_PASSES, o->listener);
    if (st == OK) st = svd_scaled(vectors, value, &a, o->dim, o->seed, o->threads, &progress);
    progress_end(&progress, NULL);
    pmi_close(&a);
    free(value);
    return st;
}

Status spectral_vectors(float **vectors, const CountTable *table, const FeatureSet *features,
                        const SpectralOptions *o)
{
    const int64_t items = table->item.dim[0];
    *vectors = NULL;
    TRY(decompose(vectors, table, o));
    uint8_t *placed = malloc((size_t)items);
    Status st = placed ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", items);
    if (st == OK) {
        scale(*vectors, placed, items, o);
        st = place_others(*vectors, placed, items, features, o);
    }
    free(placed);
    if (st == OK) return OK;
    free(*vectors);
    *vectors = NULL;
    return st;
}
