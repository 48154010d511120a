/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/gram.h"

#include <inttypes.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "evaluate/ranking/bars/inverse.h"

/* The ones of X by columns: column c has them in the rows row[offset[c]] .. row[offset[c+1]-1]. */
typedef struct {
    int64_t *offset; /* [columns+1] */
    int32_t *row;
} Columns;

static int64_t ones(const Gram *g) { return g->first[g->rows]; }
static int64_t square(int32_t n) { return (int64_t)n * n; }

/* A one that is met out of order costs about as much as four products of dense matrices. */
static bool by_rows(const Gram *g)
{
    const double u = g->rows, n = g->columns;
    return u * u * u + 4.0 * (u + n) * (double)ones(g) < n * n * n;
}

int64_t gram_scratch(const Gram *g, int threads)
{
    const int64_t lists =
        ((int64_t)g->columns + 1) * (int64_t)sizeof(int64_t) + ones(g) * (int64_t)sizeof(int32_t);
    const int64_t side =
        by_rows(g) ? 2 * square(g->rows) + (int64_t)threads * g->rows : square(g->columns);
    return lists + side * (int64_t)sizeof(double) +
           inverse_scratch(by_rows(g) ? g->rows : g->columns, threads);
}

static Status no_memory(const Gram *g)
{
    return FAIL(ERR_MEMORY, "no memory to invert a matrix over %" PRId32 " items", g->columns);
}

static Status list_columns(Columns *c, const Gram *g)
{
    c->offset = calloc((size_t)g->columns + 1, sizeof *c->offset);
    c->row = malloc((size_t)ones(g) * sizeof *c->row + 1);
    if (!c->offset || !c->row) return no_memory(g);
    for (int64_t i = 0; i < ones(g); i++) c->offset[g->one[i] + 1]++;
    for (int32_t k = 0; k < g->columns; k++) c->offset[k + 1] += c->offset[k];
    /* Filled from the end, each offset goes back to the start of its column. */
    for (int32_t r = g->rows; r-- > 0;)
        for (int64_t i = g->first[r]; i < g->first[r + 1]; i++)
            c->row[--c->offset[g->one[i] + 1]] = r;
    for (int32_t k = 0; k < g->columns; k++) c->offset[k] = c->offset[k + 1];
    c->offset[g->columns] = ones(g);
    return OK;
}

/* ---- By columns ------------------------------------------------------------------------------ */

/* The lower triangle of D + X'X. */
static void fill_columns(double *gram, const Gram *g, const Columns *c, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64)
    for (int32_t k = 0; k < g->columns; k++) {
        double *row = gram + (int64_t)k * g->columns;
        for (int32_t j = 0; j <= k; j++) row[j] = 0.0;
        for (int64_t i = c->offset[k]; i < c->offset[k + 1]; i++)
            for (int64_t s = g->first[c->row[i]]; s < g->first[c->row[i] + 1]; s++)
                if (g->one[s] <= k) row[g->one[s]] += 1.0;
        row[k] += g->diagonal[k];
    }
}

static Status invert_columns(float *inverse, double *diagonal, const Gram *g, const Columns *c,
                             int threads)
{
    double *gram = malloc((size_t)square(g->columns) * sizeof *gram + 1);
    if (!gram) return no_memory(g);
    fill_columns(gram, g, c, threads);
    const Status st = inverse_of_spd(inverse, diagonal, gram, g->columns, threads);
    free(gram);
    return st;
}

/* ---- By rows --------------------------------------------------------------------------------- */

/* The lower triangle of I + X D^-1 X'. */
static void fill_rows(double *kernel, const Gram *g, const Columns *c, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64)
    for (int32_t r = 0; r < g->rows; r++) {
        double *row = kernel + (int64_t)r * g->rows;
        for (int32_t q = 0; q <= r; q++) row[q] = 0.0;
        for (int64_t i = g->first[r]; i < g->first[r + 1]; i++) {
            const int32_t k = g->one[i];
            for (int64_t s = c->offset[k]; s < c->offset[k + 1] && c->row[s] <= r; s++)
                row[c->row[s]] += 1.0 / g->diagonal[k];
        }
        row[r] += 1.0;
    }
}

/* Row k of P up to the diagonal, and its mirror image; sum [rows] is a thread's own. */
static void compose_row(float *inverse, double *diagonal, const Gram *g, const Columns *c,
                        const double *middle, int32_t k, double *sum)
{
    for (int32_t r = 0; r < g->rows; r++) sum[r] = 0.0;
    for (int64_t i = c->offset[k]; i < c->offset[k + 1]; i++) {
        const double *row = middle + (int64_t)c->row[i] * g->rows;
        for (int32_t r = 0; r < g->rows; r++) sum[r] += row[r];
    }
    for (int32_t j = 0; j <= k; j++) {
        double taken = 0.0;
        for (int64_t i = c->offset[j]; i < c->offset[j + 1]; i++) taken += sum[c->row[i]];
        taken /= g->diagonal[j] * g->diagonal[k];
        if (j == k) diagonal[k] = 1.0 / g->diagonal[k] - taken;
        const float value = (float)(j == k ? diagonal[k] : -taken);
        inverse[(int64_t)k * g->columns + j] = inverse[(int64_t)j * g->columns + k] = value;
    }
}

static Status invert_rows(float *inverse, double *diagonal, const Gram *g, const Columns *c,
                          int threads)
{
    double *kernel = malloc((size_t)square(g->rows) * sizeof *kernel + 1);
    double *middle = malloc((size_t)square(g->rows) * sizeof *middle + 1);
    double *sums = malloc((size_t)threads * (size_t)g->rows * sizeof *sums + 1);
    Status st = kernel && middle && sums ? OK : no_memory(g);
    if (st == OK) {
        fill_rows(kernel, g, c, threads);
        st = inverse_of_spd_f64(middle, kernel, g->rows, threads);
    }
    if (st == OK) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64)
        for (int32_t k = 0; k < g->columns; k++)
            compose_row(inverse, diagonal, g, c, middle, k,
                        sums + (int64_t)omp_get_thread_num() * g->rows);
    }
    free(kernel);
    free(middle);
    free(sums);
    return st;
}

Status gram_invert(float *inverse, double *diagonal, const Gram *g, int threads)
{
    Columns c = {0};
    Status st;
    TRY_OR_FAIL(st, list_columns(&c, g));
    TRY_OR_FAIL(st, (by_rows(g) ? invert_rows : invert_columns)(inverse, diagonal, g, &c, threads));
fail:
    free(c.offset);
    free(c.row);
    return st;
}
