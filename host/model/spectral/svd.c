/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spectral/svd.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/spectral/eigen.h"

enum { GRAM_ROWS = 8, CHUNK = 256 };

typedef struct {
    const SparseRows *a;
    int64_t rows, columns; /* of the two dense arrays */
    float *x, *y;          /* [rows, columns] */
    double *inner,
        *value;  /* [columns, columns] inner products, then their eigenvectors; [columns] */
    float *turn; /* [columns, columns] */
    float *row;  /* [threads, columns] */
    int threads;
    Progress *progress;
    int64_t passes; /* products so far */
} Svd;

/* ---- Products -------------------------------------------------------------------------------- */

static Status count_pass(Svd *s) { return progress_update(s->progress, ++s->passes, NULL); }

/* y = A x */
static Status multiply(Svd *s)
{
    const SparseRows *a = s->a;
    const int64_t columns = s->columns;
#pragma omp parallel for num_threads(s->threads) schedule(static, CHUNK)
    for (int64_t i = 0; i < s->rows; i++) {
        float *y = s->y + i * columns;
        memset(y, 0, (size_t)columns * sizeof *y);
        for (int64_t k = i * a->width; k < (i + 1) * a->width && a->column[k] >= 0; k++) {
            const float *x = s->x + a->column[k] * columns, value = a->value[k];
            for (int64_t c = 0; c < columns; c++) y[c] += value * x[c];
        }
    }
    return count_pass(s);
}

/* x = A^T y. Each thread adds up a part of the rows of x, from all rows of A in their order. */
static Status multiply_transposed(Svd *s)
{
    const SparseRows *a = s->a;
    const int64_t columns = s->columns;
#pragma omp parallel num_threads(s->threads)
    {
        const int64_t part = omp_get_thread_num(), parts = omp_get_num_threads();
        const int64_t low = s->rows * part / parts, high = s->rows * (part + 1) / parts;
        memset(s->x + low * columns, 0, (size_t)((high - low) * columns) * sizeof *s->x);
        for (int64_t i = 0; i < s->rows; i++) {
            const float *y = s->y + i * columns;
            for (int64_t k = i * a->width; k < (i + 1) * a->width; k++) {
                if (a->column[k] < 0 || a->column[k] >= high) break;
                if (a->column[k] < low) continue;
                float *x = s->x + a->column[k] * columns;
                for (int64_t c = 0; c < columns; c++) x[c] += a->value[k] * y[c];
            }
        }
    }
    return count_pass(s);
}

/* ---- Inner products -------------------------------------------------------------------------- */

/* Rows first .. end-1 of inner = z^T z, from the diagonal on. */
static void inner_rows(Svd *s, const float *z, int64_t first, int64_t end)
{
    const int64_t columns = s->columns;
    double *to = s->inner + first * columns;
    memset(to, 0, (size_t)((end - first) * columns) * sizeof *to);
    for (int64_t i = 0; i < s->rows; i++) {
        const float *row = z + i * columns;
        for (int64_t b = first; b < end; b++) {
            const double by = row[b];
            for (int64_t c = first; c < columns; c++) to[(b - first) * columns + c] += by * row[c];
        }
    }
}

/* The eigenvectors of z^T z into `inner`, by rows, and their values. */
static Status decompose(Svd *s, const float *z)
{
    const int64_t parts = (s->columns + GRAM_ROWS - 1) / GRAM_ROWS;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic, 1)
    for (int64_t part = 0; part < parts; part++) {
        const int64_t first = part * GRAM_ROWS, end = first + GRAM_ROWS;
        inner_rows(s, z, first, end < s->columns ? end : s->columns);
    }
    return eigen_symmetric(s->inner, s->value, s->columns);
}

/* to = z turn, turn [columns, wanted]. Rows of `to` have `stride` numbers; it may be z where those
 * are `columns`. */
static void turn(const Svd *s, float *to, int64_t stride, const float *z, int64_t wanted)
{
#pragma omp parallel num_threads(s->threads)
    {
        float *row = s->row + omp_get_thread_num() * s->columns;
#pragma omp for schedule(static, CHUNK)
        for (int64_t i = 0; i < s->rows; i++) {
            float *sum = to + i * stride;
            memcpy(row, z + i * s->columns, (size_t)s->columns * sizeof *row);
            memset(sum, 0, (size_t)stride * sizeof *sum);
            for (int64_t c = 0; c < s->columns; c++) {
                const float *by = s->turn + c * wanted, value = row[c];
                for (int64_t j = 0; j < wanted; j++) sum[j] += value * by[j];
            }
        }
    }
}

/* Whether direction j, counted from the last, is more than rounding. */
static bool is_there(const Svd *s, int64_t j)
{
    const double *last = s->value + s->columns - 1;
    return last[-j] > 1e-10 * last[0];
}

/* turn[., j] = eigenvector j, counted from the last, times the power of its value; 0 where it is
 * only rounding. */
static void set_turn(Svd *s, int64_t wanted, double power)
{
    for (int64_t j = 0; j < wanted; j++) {
        const int64_t from = s->columns - 1 - j;
        const double scale = is_there(s, j) ? pow(s->value[from], power) : 0.0;
        for (int64_t c = 0; c < s->columns; c++)
            s->turn[c * wanted + j] = (float)(scale * s->inner[from * s->columns + c]);
    }
}

static Status orthogonalise(Svd *s, float *z)
{
    TRY(decompose(s, z));
    set_turn(s, s->columns, -0.5);
    turn(s, z, s->columns, z, s->columns);
    return OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void draw(Svd *s, uint64_t seed)
{
#pragma omp parallel for num_threads(s->threads) schedule(static)
    for (int64_t i = 0; i < s->rows * s->columns; i++) {
        const Philox p = philox(seed, UINT64_C(0x7376640000000000), (uint64_t)i);
        s->x[i] = philox_normal(p.word[0], p.word[1]);
    }
}

static Status allocate(Svd *s, int64_t rank)
{
    const size_t rows = (size_t)s->rows, columns = (size_t)s->columns;
    s->x = malloc(rows * (columns > (size_t)rank ? columns : (size_t)rank) * sizeof *s->x);
    s->y = malloc(rows * columns * sizeof *s->y);
    s->inner = malloc(columns * columns * sizeof *s->inner);
    s->value = malloc(columns * sizeof *s->value);
    s->turn = malloc(columns * columns * sizeof *s->turn);
    s->row = malloc((size_t)s->threads * columns * sizeof *s->row);
    if (s->x && s->y && s->inner && s->value && s->turn && s->row) return OK;
    return FAIL(ERR_MEMORY, "no memory for two arrays of %zu rows of %zu numbers", rows, columns);
}

static void release(Svd *s)
{
    free(s->x);
    free(s->y);
    free(s->inner);
    free(s->value);
    free(s->turn);
    free(s->row);
}

/* The columns of y: an orthogonal basis that A maps to nearly all that it has. */
static Status find_range(Svd *s, uint64_t seed)
{
    enum { ROUNDS = 2 };
    draw(s, seed);
    TRY(multiply(s));
    TRY(orthogonalise(s, s->y));
    for (int i = 0; i < ROUNDS; i++) {
        TRY(multiply_transposed(s));
        TRY(orthogonalise(s, s->x));
        TRY(multiply(s));
        TRY(orthogonalise(s, s->y));
    }
    return orthogonalise(s, s->y); /* once more: the first time leaves errors of rounding */
}

Status svd_scaled(float **vectors, float *value, const SparseRows *a, int64_t rank, uint64_t seed,
                  int threads, Progress *progress)
{
    Svd s = {.a = a, .rows = a->rows, .threads = threads, .progress = progress};
    Status st;
    s.columns = rank + SVD_MORE < a->rows ? rank + SVD_MORE : a->rows;
    const int64_t wanted = rank < s.columns ? rank : s.columns;
    TRY_OR_FAIL(st, allocate(&s, rank));
    TRY_OR_FAIL(st, find_range(&s, seed));
    TRY_OR_FAIL(st, multiply_transposed(&s));
    TRY_OR_FAIL(st, decompose(&s, s.x));
    set_turn(&s, wanted, 0.25);
    turn(&s, s.x, rank, s.y, wanted);
    for (int64_t j = 0; j < rank; j++)
        value[j] = j < wanted && is_there(&s, j) ? (float)sqrt(s.value[s.columns - 1 - j]) : 0.0f;
    *vectors = s.x;
    s.x = NULL;
fail:
    release(&s);
    return st;
}
