/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/inverse.h"

#include <cblas.h>
#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK's Cholesky factor of a tile. OpenBLAS brings it, but no header that declares it. Its
 * matrices are stored by columns: the lower triangle by rows is the upper one by columns. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *stride, int *info);

typedef struct {
    double *a;
    int32_t n;
    int threads;
} Matrix;

static int32_t tiles(int32_t n) { return (n + INVERSE_TILE - 1) / INVERSE_TILE; }

/* The first row of a tile; that of the tile after the last is n. */
static int32_t row(const Matrix *m, int32_t tile)
{
    const int64_t first = (int64_t)tile * INVERSE_TILE;
    return first < m->n ? (int32_t)first : m->n;
}

static int32_t rows(const Matrix *m, int32_t tile) { return row(m, tile + 1) - row(m, tile); }

static double *at(const Matrix *m, int32_t tile, int32_t column)
{
    return m->a + (int64_t)row(m, tile) * m->n + row(m, column);
}

/* Column k of the tiles of L, from the columns before it. Returns what dpotrf says. */
static int factor_column(const Matrix *m, int32_t k)
{
    const int32_t count = tiles(m->n), width = rows(m, k);
    int info = 0;
#pragma omp parallel for num_threads(m->threads) schedule(dynamic, 1)
    for (int32_t i = k; i < count; i++)
        if (k > 0)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows(m, i), width, row(m, k), -1.0,
                        at(m, i, 0), m->n, at(m, k, 0), m->n, 1.0, at(m, i, k), m->n);
    dpotrf_("U", &width, at(m, k, k), &m->n, &info);
#pragma omp parallel for num_threads(m->threads) schedule(dynamic, 1)
    for (int32_t i = k + 1; i < count; i++)
        cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, rows(m, i),
                    width, 1.0, at(m, k, k), m->n, at(m, i, k), m->n);
    return info;
}

/* Column j of the tiles of the inverse, from its diagonal downwards, in x [n - row(j), width]. */
static void solve_column(const Matrix *m, int32_t j, double *x)
{
    const int32_t count = tiles(m->n), width = rows(m, j), first = row(m, j);
    memset(x, 0, (size_t)(m->n - first) * (size_t)width * sizeof *x);
    for (int32_t k = 0; k < width; k++) x[(int64_t)k * width + k] = 1.0;
    for (int32_t i = j; i < count; i++) {
        double *to = x + (int64_t)(row(m, i) - first) * width;
        if (i > j)
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows(m, i), width,
                        row(m, i) - first, -1.0, at(m, i, j), m->n, x, width, 0.0, to, width);
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, rows(m, i),
                    width, 1.0, at(m, i, i), m->n, to, width);
    }
    for (int32_t i = count - 1; i >= j; i--) {
        double *to = x + (int64_t)(row(m, i) - first) * width;
        const int32_t below = row(m, i + 1);
        if (below < m->n)
            cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows(m, i), width, m->n - below,
                        -1.0, at(m, i + 1, i), m->n, x + (int64_t)(below - first) * width, width,
                        1.0, to, width);
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, rows(m, i),
                    width, 1.0, at(m, i, i), m->n, to, width);
    }
}

/* Where the inverse goes: one of f32 and f64. */
typedef struct {
    float *f32;       /* [n, n], rounded */
    double *diagonal; /* [n], beside f32: not rounded */
    double *f64;      /* [n, n] */
} Result;

static void store_f32(const Matrix *m, int32_t j, const double *x, const Result *to)
{
    const int32_t width = rows(m, j), first = row(m, j);
    for (int32_t k = 0; k < width; k++) to->diagonal[first + k] = x[(int64_t)k * width + k];
    for (int32_t i = first; i < m->n; i++)
        for (int32_t k = 0; k < width && first + k <= i; k++) {
            const float value = (float)x[(int64_t)(i - first) * width + k];
            to->f32[(int64_t)i * m->n + first + k] = value;
            to->f32[(int64_t)(first + k) * m->n + i] = value;
        }
}

static void store_f64(const Matrix *m, int32_t j, const double *x, const Result *to)
{
    const int32_t width = rows(m, j), first = row(m, j);
    for (int32_t i = first; i < m->n; i++)
        for (int32_t k = 0; k < width && first + k <= i; k++) {
            const double value = x[(int64_t)(i - first) * width + k];
            to->f64[(int64_t)i * m->n + first + k] = value;
            to->f64[(int64_t)(first + k) * m->n + i] = value;
        }
}

static int64_t panel(int32_t n) { return (int64_t)n * INVERSE_TILE; }

int64_t inverse_scratch(int32_t n, int threads)
{
    return (int64_t)threads * panel(n) * (int64_t)sizeof(double);
}

static Status invert(const Result *to, double *a, int32_t n, int threads)
{
    const Matrix m = {a, n, threads};
    const int had = openblas_get_num_threads();
    Status st = OK;
    double *x = malloc((size_t)inverse_scratch(n, threads) + 1);
    if (!x) return FAIL(ERR_MEMORY, "no memory to invert a matrix of %" PRId32 " rows", n);
    openblas_set_num_threads(1);
    for (int32_t k = 0; k < tiles(n) && st == OK; k++)
        if (factor_column(&m, k) != 0)
            st = FAIL(ERR_FORMAT, "a matrix of %" PRId32 " rows is not positive definite", n);
    if (st == OK) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int32_t j = 0; j < tiles(n); j++) {
            double *own = x + omp_get_thread_num() * panel(n);
            solve_column(&m, j, own);
            (to->f32 ? store_f32 : store_f64)(&m, j, own, to);
        }
    }
    openblas_set_num_threads(had);
    free(x);
    return st;
}

Status inverse_of_spd(float *inverse, double *diagonal, double *a, int32_t n, int threads)
{
    return invert(&(Result){.f32 = inverse, .diagonal = diagonal}, a, n, threads);
}

Status inverse_of_spd_f64(double *inverse, double *a, int32_t n, int threads)
{
    return invert(&(Result){.f64 = inverse}, a, n, threads);
}
