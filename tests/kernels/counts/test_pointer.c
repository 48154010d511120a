/* SPDX-License-Identifier: Apache-2.0 */
/* The pointer and its gradients, against the formulas in double. */
#include "pointer_case.h"

/* The first token of the window of a token. */
static int64_t first_of(const PointerCase *c, int64_t token)
{
    int64_t w = 0;
    while (i32(c->in.cu_seqlens)[w + 1] <= token) w++;
    return i32(c->in.cu_seqlens)[w];
}

/* p of row i and candidate j; x has q, k and bias, one after the other. */
static double pointer_in_double(const PointerCase *c, const double *x, int64_t i, int64_t j)
{
    const int64_t dim = c->shape.dim, token = i32(c->in.token)[i];
    const int32_t candidate = i32(c->in.candidate)[i * c->shape.width + j];
    const double *q = x + i * dim, *k = x + c->rows * dim, *bias = k + c->tokens * dim;
    double sum = 0.0;
    if (token < 0 || candidate < 0) return 0.0;
    for (int64_t d = 0; d < c->shape.distances && token - d >= first_of(c, token); d++) {
        double s = 0.0;
        if (i32(c->in.item)[token - d] != candidate) continue;
        for (int64_t n = 0; n < dim; n++) s += q[n] * k[(token - d) * dim + n];
        sum += exp(s / sqrt((double)dim) + bias[d]);
    }
    return sum > 0.0 ? log(sum) : 0.0;
}

static double total(const double *x, const void *context)
{
    const PointerCase *c = context;
    double sum = 0.0;
    for (int64_t i = 0; i < c->rows; i++)
        for (int64_t j = 0; j < c->shape.width; j++)
            sum += f32(c->dp)[i * c->shape.width + j] * pointer_in_double(c, x, i, j);
    return sum;
}

static double *parameters(const PointerCase *c, int64_t *count)
{
    const Tensor part[] = {c->in.q, c->in.k, c->in.bias};
    *count = 0;
    for (int k = 0; k < 3; k++) *count += tensor_count(part[k]);
    double *x = malloc((size_t)*count * sizeof *x), *to = x;
    for (int k = 0; k < 3; to += tensor_count(part[k++])) to_double(to, part[k]);
    return x;
}

static void a_history_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* Two windows: items 7, 8, 7 and 8. Their keys are 1, 2, 3 and 4; the query is 2 or 1. */
    float q[] = {2, 1, 1}, k[] = {1, 2, 3, 4}, bias[] = {0, 10, 20}, p[9];
    int32_t item[] = {7, 8, 7, 8}, offset[] = {0, 3, 4}, token[] = {2, -1, 3};
    int32_t candidate[] = {7, 8, 9, 7, 8, 9, 7, 8, -1};
    const PointerInput in = {TENSOR(q, F32, 3, 1),        TENSOR(k, F32, 4, 1),
                             TENSOR(bias, F32, 3),        TENSOR(item, I32, 4),
                             TENSOR(offset, I32, 3),      TENSOR(token, I32, 3),
                             TENSOR(candidate, I32, 3, 3)};
    counts_pointer(&dev, TENSOR(p, F32, 3, 3), &in);
    assert_near(p[0], log(exp(6) + exp(2 + 20)), 1e-5);
    assert_near(p[1], 4 + 10, 1e-5);
    assert_near(p[7], 4, 1e-6); /* the first window is not its history */
    for (int n = 2; n < 9; n++)
        if (n != 7) assert_near(p[n], 0, 0);
    device_close(&dev);
}

static void pointers_and_their_gradients_match_double(void **state)
{
    (void)state;
    for (int n = 0; n < POINTER_SHAPES; n++) {
        const PointerCase c = make_pointer(pointer_shapes[n], 10 * (uint64_t)n + 1);
        const Tensor p = NEW(F32, c.rows, c.shape.width);
        const PointerGradient to = new_pointer_gradient(&c, F32, 2.0f);
        Device dev;
        int64_t count;
        double *x = parameters(&c, &count);
        assert_ok(device_open(&dev, "cpu", 2));
        counts_pointer(&dev, p, &c.in);
        counts_pointer_backward(&dev, &to, c.dp, p, &c.in);
        device_close(&dev);
        for (int64_t i = 0; i < c.rows; i++)
            for (int64_t j = 0; j < c.shape.width; j++)
                assert_near(f32(p)[i * c.shape.width + j], pointer_in_double(&c, x, i, j), 1e-5);
        if (c.rows <= 40) { /* differences take the square of the rows */
            double *want = malloc((size_t)count * sizeof *want);
            differences(want, total, &c, x, count);
            double *dk = want + tensor_count(to.q), *dbias = dk + tensor_count(to.k);
            for (int64_t d = 0; d < c.shape.distances; d++) dbias[d] += 2.0;
            assert_true(relative_l2(f32(to.q), want, tensor_count(to.q)) < 16 * ULP);
            assert_true(relative_l2(f32(to.k), dk, tensor_count(to.k)) < 16 * ULP);
            assert_true(relative_l2(f32(to.bias), dbias, c.shape.distances) < 16 * ULP);
            free(want);
        }
        free(x);
        tensors_free();
    }
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    const PointerCase c = make_pointer((PointerShape){30, 70, 16, 50, 32}, 3);
    Tensor p[3];
    PointerGradient to[3];
    assert_true(c.rows > 2 * POINTER_CHUNK);
    for (int t = 0; t < 3; t++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", t + 1));
        p[t] = NEW(F32, c.rows, c.shape.width);
        to[t] = new_pointer_gradient(&c, F32, 0.0f);
        counts_pointer(&dev, p[t], &c.in);
        counts_pointer_backward(&dev, &to[t], c.dp, p[t], &c.in);
        device_close(&dev);
        assert_same_bits(p[t], p[0]);
        assert_same_bits(to[t].q, to[0].q);
        assert_same_bits(to[t].k, to[0].k);
        assert_same_bits(to[t].bias, to[0].bias);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_worked_by_hand),
        cmocka_unit_test(pointers_and_their_gradients_match_double),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
