/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/centres.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { ROUNDS = 300 }; /* rounds of the orthogonal iteration */

typedef double (*Basis)[SHOP_LATENT]; /* [shelves] */

/* The symmetric matrix A + A^T, where A has the value weight[i] at pair[i] and 0 elsewhere. */
typedef struct {
    int32_t shelves;
    int64_t pairs;
    const ShelfPair *pair;
    double *weight;
    double
        shift; /* added to the diagonal, it makes the matrix positive semidefinite (Gershgorin) */
} Association;

static int by_place(const void *a, const void *b)
{
    const ShelfPair *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* The number of looks from one shelf of the pair to the other, in either direction. */
static int64_t looks_between(const ShopLog *l, const ShelfPair *p)
{
    const ShelfPair key = {.from = p->to, .to = p->from};
    const ShelfPair *back = bsearch(&key, l->pair, (size_t)l->pairs, sizeof key, by_place);
    return p->count + (back ? back->count : 0);
}

/* Divides the positive pointwise mutual information of two shelves between their two pairs. */
static void weigh(Association *m, const ShopLog *l, double *looks, double *row)
{
    double all = 0.0;
    for (int64_t i = 0; i < l->pairs; i++) {
        looks[l->pair[i].from] += (double)l->pair[i].count;
        looks[l->pair[i].to] += (double)l->pair[i].count;
        all += 2.0 * (double)l->pair[i].count;
    }
    for (int64_t i = 0; i < l->pairs; i++) {
        const ShelfPair *p = &l->pair[i];
        const double both = (double)looks_between(l, p);
        const double information = log(both * all / (looks[p->from] * looks[p->to]));
        m->weight[i] = fmax(0.0, information) * (double)p->count / both;
        row[p->from] += m->weight[i];
        row[p->to] += m->weight[i];
    }
    for (int32_t c = 0; c < l->shelves; c++) m->shift = fmax(m->shift, row[c]);
}

static void multiply(const Association *m, Basis x, Basis y)
{
    for (int32_t c = 0; c < m->shelves; c++)
        for (int k = 0; k < SHOP_LATENT; k++) y[c][k] = m->shift * x[c][k];
    for (int64_t i = 0; i < m->pairs; i++) {
        const int32_t a = m->pair[i].from, b = m->pair[i].to;
        for (int k = 0; k < SHOP_LATENT; k++) {
            y[a][k] += m->weight[i] * x[b][k];
            y[b][k] += m->weight[i] * x[a][k];
        }
    }
}

static double column_dot(int32_t count, Basis x, int j, Basis y, int k)
{
    double sum = 0.0;
    for (int32_t c = 0; c < count; c++) sum += x[c][j] * y[c][k];
    return sum;
}

/* Modified Gram-Schmidt. A column in the span of the columns before it becomes 0. */
static void orthonormalise(int32_t count, Basis x)
{
    for (int k = 0; k < SHOP_LATENT; k++) {
        const double before = sqrt(column_dot(count, x, k, x, k));
        for (int j = 0; j < k; j++) {
            const double part = column_dot(count, x, j, x, k);
            for (int32_t c = 0; c < count; c++) x[c][k] -= part * x[c][j];
        }
        const double size = sqrt(column_dot(count, x, k, x, k));
        const double scale = size > 1e-9 * before ? 1.0 / size : 0.0;
        for (int32_t c = 0; c < count; c++) x[c][k] *= scale;
    }
}

/* Orthogonal iteration (Golub and Van Loan 8.2.4). x becomes the eigenvectors, each times the
 * square root of its eigenvalue; y is scratch. */
static void embed(const Association *m, Basis x, Basis y)
{
    for (int round = 0; round < ROUNDS; round++) {
        orthonormalise(m->shelves, x);
        multiply(m, x, y);
        memcpy(x, y, (size_t)m->shelves * sizeof *x);
    }
    orthonormalise(m->shelves, x);
    multiply(m, x, y);
    for (int k = 0; k < SHOP_LATENT; k++) {
        const double value = column_dot(m->shelves, x, k, y, k) - m->shift;
        const double scale = sqrt(fmax(0.0, value));
        for (int32_t c = 0; c < m->shelves; c++) x[c][k] *= scale;
    }
}

static void centre_of(int32_t shelves, Basis x, float (*centre)[SHOP_LATENT], uint64_t seed)
{
    double mean[SHOP_LATENT] = {0};
    for (int32_t c = 0; c < shelves; c++)
        for (int k = 0; k < SHOP_LATENT; k++) mean[k] += x[c][k] / shelves;
    for (int32_t c = 0; c < shelves; c++) {
        double known = 0.0, square = 0.0;
        for (int k = 0; k < SHOP_LATENT; k++) {
            const double v = x[c][k] - mean[k];
            centre[c][k] = (float)v;
            known += x[c][k] * x[c][k];
            square += v * v;
        }
        /* The log says nothing about this shelf, or nothing that differs from the other shelves. */
        if (!(known > 1e-18 && square > 1e-12 * known)) {
            memset(centre[c], 0, sizeof *centre);
            shop_latent_add_normal(centre[c], 1.0, seed, (uint64_t)c);
        }
        shop_latent_normalise(centre[c]);
    }
}

Status shop_centres_fit(const ShopLog *l, uint64_t seed, float (*centre)[SHOP_LATENT])
{
    const size_t n = (size_t)l->shelves;
    Association m = {.shelves = l->shelves, .pairs = l->pairs, .pair = l->pair};
    Basis x = calloc(n, sizeof *x), y = calloc(n, sizeof *y);
    double *looks = calloc(n, sizeof *looks), *row = calloc(n, sizeof *row);
    m.weight = calloc((size_t)l->pairs + 1, sizeof *m.weight);
    const bool allocated = x && y && looks && row && m.weight;
    if (allocated) {
        weigh(&m, l, looks, row);
        for (int32_t c = 0; c < l->shelves; c++)
            for (int k = 0; k < SHOP_LATENT; k++) {
                const Philox p = philox(seed, (uint64_t)c, (uint64_t)k);
                x[c][k] = (double)philox_normal(p.word[0], p.word[1]);
            }
        embed(&m, x, y);
        centre_of(l->shelves, x, centre, seed);
    }
    free(m.weight);
    free(row);
    free(looks);
    free(y);
    free(x);
    return allocated ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId32 " shelves", l->shelves);
}
