/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spectral/pmi.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const double POWER = 0.75;

static double near(const CountTable *t, int64_t x) { return f32(t->weight)[x] * (4.0 / 3.0); }

/* log of the sum of m(z)^power */
static double log_total(const CountTable *t, int64_t items)
{
    double total = 0.0;
    for (int64_t z = 0; z < items; z++) total += pow(near(t, z), POWER);
    return log(total);
}

static float information(const CountTable *t, int64_t x, int64_t place, double total)
{
    const int32_t y = i32(t->item)[place];
    const double pairs = (double)f32(t->after)[place] + f32(t->before)[place];
    const double least = fmin(near(t, x), near(t, y));
    const double more = log(pairs / near(t, x)) - POWER * log(near(t, y)) + total;
    const double discount = pairs / (pairs + 1.0) * least / (least + 1.0);
    return more > 0.0 ? (float)(more * discount) : 0.0f;
}

Status pmi_open(SparseRows *a, const CountTable *t, int threads)
{
    const int64_t rows = t->item.dim[0], width = t->item.dim[1];
    const double total = log_total(t, rows);
    *a = (SparseRows){rows, width, i32(t->item), malloc((size_t)(rows * width) * sizeof(float))};
    if (!a->value)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " neighbours of %" PRId64 " items", width,
                    rows);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t x = 0; x < rows; x++)
        for (int64_t k = x * width; k < (x + 1) * width; k++)
            a->value[k] = a->column[k] >= 0 ? information(t, x, k, total) : 0.0f;
    return OK;
}

void pmi_close(SparseRows *a)
{
    free(a->value);
    *a = (SparseRows){0};
}
