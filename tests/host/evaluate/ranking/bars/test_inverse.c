/* SPDX-License-Identifier: Apache-2.0 */
/* Inverses of matrices that are shorter than a tile, end with a tile, or have a ragged one. */
#include "test.h"

#include "evaluate/ranking/bars/inverse.h"

static double draw(int32_t n, int64_t i)
{
    return (double)philox(5, (uint64_t)n, (uint64_t)i).word[0] * 0x1p-32 - 0.5;
}

/* A = V V' / n + I with V [n, 40]: its eigenvalues are from 1 to about 2. */
static void fill(double *a, int32_t n)
{
    enum { RANK = 40 };
    double *v = malloc((size_t)n * RANK * sizeof *v);
    for (int64_t i = 0; i < (int64_t)n * RANK; i++) v[i] = draw(n, i);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = i == j ? n : 0.0;
            for (int k = 0; k < RANK; k++) sum += v[i * RANK + k] * v[j * RANK + k];
            a[i * n + j] = sum / n;
        }
    free(v);
}

/* The rows of A times a few columns of the inverse are those of the unit matrix. An entry of the
 * inverse is right to 2^-24 of itself, or 6e-8; those of a row of A sum to less than 3. */
static void the_product_is_the_unit_matrix(void **state)
{
    (void)state;
    const int32_t sizes[] = {1, 2, 255, 256, 257, 700};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int32_t n = sizes[k];
        const size_t entries = (size_t)n * (size_t)n;
        double *a = malloc(entries * sizeof *a), *l = malloc(entries * sizeof *l);
        double *diagonal[2] = {malloc((size_t)n * sizeof(double)),
                               malloc((size_t)n * sizeof(double))};
        float *p[2] = {malloc(entries * sizeof(float)), malloc(entries * sizeof(float))};
        fill(a, n);
        for (int t = 0; t < 2; t++) {
            memcpy(l, a, entries * sizeof *a);
            for (int64_t i = 0; i < n; i++) /* the upper triangle is not read */
                for (int64_t j = i + 1; j < n; j++) l[i * n + j] = NAN;
            assert_ok(inverse_of_spd(p[t], diagonal[t], l, n, t ? 5 : 1));
        }
        assert_memory_equal(p[0], p[1], entries * sizeof(float));
        assert_memory_equal(diagonal[0], diagonal[1], (size_t)n * sizeof(double));
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j += j + 1 < n && n > 10 ? 13 : 1) {
                double sum = 0.0;
                for (int64_t x = 0; x < n; x++) sum += a[i * n + x] * (double)p[0][x * n + j];
                assert_near(sum, i == j, 2e-7);
            }
        for (int64_t i = 0; i < n; i++) assert_near(diagonal[0][i], (double)p[0][i * n + i], 1e-7);
        for (int t = 0; t < 2; t++) {
            free(p[t]);
            free(diagonal[t]);
        }
        free(a);
        free(l);
    }
}

static void what_is_not_positive_definite_is_refused(void **state)
{
    (void)state;
    double a[] = {1.0, 0.0, 2.0, 1.0}, diagonal[2];
    float p[4];
    assert_int_equal(inverse_of_spd(p, diagonal, a, 2, 2), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_product_is_the_unit_matrix),
        cmocka_unit_test(what_is_not_positive_definite_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
