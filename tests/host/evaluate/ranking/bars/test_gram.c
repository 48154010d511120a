/* SPDX-License-Identifier: Apache-2.0 */
/* The inverse of D + X'X both ways: with fewer rows than columns, and with more. */
#include "test.h"

#include "evaluate/ranking/bars/gram.h"

enum { ROWS_MOST = 300, COLUMNS_MOST = 300 };

typedef struct {
    int64_t first[ROWS_MOST + 1];
    int32_t one[ROWS_MOST * COLUMNS_MOST];
    double diagonal[COLUMNS_MOST];
    bool has[ROWS_MOST][COLUMNS_MOST];
    Gram gram;
} Case;

/* One in twenty entries is 1; D is from 1 to 50. */
static void fill(Case *c, int32_t rows, int32_t columns)
{
    int64_t at = 0;
    *c = (Case){.gram = {rows, columns, c->first, c->one, c->diagonal}};
    for (int32_t r = 0; r < rows; r++) {
        for (int32_t k = 0; k < columns; k++) {
            const uint32_t word = philox(3, (uint64_t)r, (uint64_t)k).word[0];
            c->has[r][k] = word % 20 == 0;
            if (c->has[r][k]) c->one[at++] = k;
        }
        c->first[r + 1] = at;
    }
    for (int32_t k = 0; k < columns; k++) c->diagonal[k] = 1.0 + 49.0 * (k % 7) / 6.0;
}

/* Row i of (D + X'X) P. An entry of P is right to 2^-24 of itself, so the sum is right to 2^-24 of
 * the sum of the magnitudes of its terms. */
static void check_row(const Case *c, const float *p, int32_t i)
{
    const int32_t n = c->gram.columns;
    double a[COLUMNS_MOST] = {0};
    a[i] = c->diagonal[i];
    for (int32_t r = 0; r < c->gram.rows; r++)
        for (int32_t k = 0; k < n && c->has[r][i]; k++) a[k] += c->has[r][k];
    for (int32_t j = 0; j < n; j++) {
        double sum = 0.0, size = 0.0;
        for (int32_t k = 0; k < n; k++) {
            sum += a[k] * (double)p[k * n + j];
            size += fabs(a[k] * (double)p[k * n + j]);
        }
        assert_near(sum, i == j, 0x1p-24 * size + 1e-12);
    }
}

static void the_product_is_the_unit_matrix(void **state)
{
    (void)state;
    static const int32_t sizes[][2] = {{20, 300}, {60, 130}, {300, 40}, {1, 2}, {0, 5}, {7, 1}};
    static Case c;
    static float p[2][COLUMNS_MOST * COLUMNS_MOST];
    static double diagonal[2][COLUMNS_MOST];
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int32_t n = sizes[k][1];
        fill(&c, sizes[k][0], n);
        for (int t = 0; t < 2; t++) assert_ok(gram_invert(p[t], diagonal[t], &c.gram, t ? 5 : 1));
        assert_memory_equal(p[0], p[1], (size_t)n * (size_t)n * sizeof(float));
        assert_memory_equal(diagonal[0], diagonal[1], (size_t)n * sizeof(double));
        for (int32_t i = 0; i < n; i++) {
            check_row(&c, p[0], i);
            assert_near(diagonal[0][i], (double)p[0][i * n + i], 0x1p-24 * diagonal[0][i]);
        }
        assert_true(gram_scratch(&c.gram, 1) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_product_is_the_unit_matrix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
