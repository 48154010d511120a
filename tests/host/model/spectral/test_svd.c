/* SPDX-License-Identifier: Apache-2.0 */
/* U sqrt(S) of a sparse matrix A: (U S U^T)^2 = A A^T where all singular values are wanted, the
 * largest values of a matrix that is made of known ones, and the same bits for any threads. */
#include "model/spectral/svd.h"
#include "op.h"

static SparseRows new_rows(int64_t rows, int64_t width)
{
    const Tensor column = NEW(I32, rows, width), value = NEW(F32, rows, width);
    return (SparseRows){rows, width, i32(column), f32(value)};
}

/* Row i has i % (width + 1) entries in random ascending columns. */
static SparseRows new_random(int64_t rows, int64_t width, uint64_t seed)
{
    const SparseRows a = new_rows(rows, width);
    for (int64_t i = 0; i < rows; i++) {
        int64_t column = -1;
        for (int64_t k = 0; k < width; k++) {
            const Philox p = philox(seed, (uint64_t)i, (uint64_t)k);
            column += 1 + p.word[0] % (uint32_t)(rows / width);
            const bool there = k < i % (width + 1) && column < rows;
            ((int32_t *)a.column)[i * width + k] = there ? (int32_t)column : -1;
            if (!there) column = rows;
            a.value[i * width + k] = there ? philox_uniform(p.word[1]) * 4.0f : 0.0f;
        }
    }
    return a;
}

static float *scaled(float *value, const SparseRows *a, int64_t rank, int threads)
{
    float *vectors = NULL;
    Progress progress;
    progress_begin(&progress, "test", SVD_PASSES, NULL);
    assert_ok(svd_scaled(&vectors, value, a, rank, 7, threads, &progress));
    return vectors;
}

static void to_dense(double *dense, const SparseRows *a)
{
    for (int64_t i = 0; i < a->rows * a->width; i++)
        if (a->column[i] >= 0) dense[i / a->width * a->rows + a->column[i]] = a->value[i];
}

/* c = a b^T, all [n, n] or a, b [n, k] */
static void product(double *c, const double *a, const double *b, int64_t n, int64_t k)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (int64_t l = 0; l < k; l++) sum += a[i * k + l] * b[j * k + l];
            c[i * n + j] = sum;
        }
}

/* With rank = rows nothing is left out. The vectors are floats: relative errors of 1e-6 a product,
 * times the ratio of the largest to the smaller values that are kept. */
static void all_values_give_the_matrix_back(void **state)
{
    enum { N = 60, WIDTH = 7 };
    (void)state;
    static double dense[N * N], e[N * N], half[N * N], have[N * N], want[N * N];
    float value[N], squares[N * N];
    const SparseRows a = new_random(N, WIDTH, 3);
    float *vectors = scaled(value, &a, N, 2);
    to_dense(dense, &a);
    for (int i = 0; i < N * N; i++) e[i] = vectors[i];
    product(half, e, e, N, N);
    product(have, half, half, N, N);
    product(want, dense, dense, N, N);
    for (int i = 0; i < N * N; i++) squares[i] = (float)have[i];
    assert_near(relative_l2(squares, want, N * N), 0.0, 2e-5);
    for (int j = 1; j < N; j++) assert_true(value[j] <= value[j - 1]);
    free(vectors);
    tensors_free();
}

/* Blocks of 2 by 2 numbers v v v v have one singular value 2 v each, with the vector (1, 1) /
 * sqrt 2. More values than rank + SVD_MORE exist, so the subspace is found by iterating: the
 * share of the next value that is left in it falls as (next / this)^5. */
static void the_largest_values_are_found(void **state)
{
    enum { BLOCKS = 40, RANK = 4 };
    (void)state;
    float value[RANK];
    const SparseRows a = new_rows(2 * BLOCKS, 2);
    for (int i = 0; i < 2 * BLOCKS; i++)
        for (int k = 0; k < 2; k++) {
            const int block = i / 2;
            ((int32_t *)a.column)[2 * i + k] = 2 * block + k;
            a.value[2 * i + k] = (float)(100.0 * pow(0.5, block));
        }
    float *vectors = scaled(value, &a, RANK, 1);
    for (int j = 0; j < RANK; j++) {
        const double want = 200.0 * pow(0.5, j);
        assert_near(value[j] / want, 1.0, 1e-5);
        for (int i = 0; i < 2 * BLOCKS; i++)
            assert_near(fabs(vectors[i * RANK + j]), i / 2 == j ? sqrt(want / 2) : 0.0,
                        2e-3 * sqrt(want));
    }
    free(vectors);
    tensors_free();
}

static void threads_do_not_change_a_bit(void **state)
{
    enum { ROWS = 1500, RANK = 12 };
    (void)state;
    float want_value[RANK], value[RANK];
    const SparseRows a = new_random(ROWS, 9, 4);
    float *want = scaled(want_value, &a, RANK, 1);
    for (int threads = 2; threads <= 4; threads++) {
        float *have = scaled(value, &a, RANK, threads);
        assert_memory_equal(have, want, ROWS * RANK * sizeof *have);
        assert_memory_equal(value, want_value, sizeof value);
        free(have);
    }
    free(want);
    tensors_free();
}

/* Rank 3, 16 wanted: the other columns are 0, and so are all of a matrix of zeros. */
static void values_that_do_not_exist_are_zero(void **state)
{
    enum { RANK = 16 };
    (void)state;
    float value[RANK];
    const SparseRows a = new_rows(10, 1);
    for (int i = 0; i < 10; i++) ((int32_t *)a.column)[i] = -1;
    float *vectors = scaled(value, &a, RANK, 2);
    for (int i = 0; i < 10 * RANK; i++) assert_true(vectors[i] == 0.0f);
    free(vectors);
    for (int i = 0; i < 3; i++) {
        ((int32_t *)a.column)[i] = i + 2;
        a.value[i] = (float)(3 - i);
    }
    vectors = scaled(value, &a, RANK, 2);
    for (int j = 0; j < RANK; j++) {
        assert_near(value[j], j < 3 ? 3 - j : 0, 1e-5);
        for (int i = 0; i < 10; i++)
            assert_near(fabs(vectors[i * RANK + j]), i == j && j < 3 ? sqrt(3 - j) : 0.0, 1e-5);
    }
    free(vectors);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_values_give_the_matrix_back),
        cmocka_unit_test(the_largest_values_are_found),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(values_that_do_not_exist_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
