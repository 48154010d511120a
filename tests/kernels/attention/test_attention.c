/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "attention/attention.h"

static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* head_dim 1, scale 1. Sequence of two: q = 1; k = 0, ln 3; v = 8, 4: weights 1/4 and 3/4.
     * Then a sequence of one, and a row of padding. */
    const float ln3 = 1.0986123f;
    float qkv[] = {9, 0, 8, 1, ln3, 4, 5, 6, 7, 1, 1, 1}, o[4] = {9, 9, 9, 9},
          lse[4] = {9, 9, 9, 9};
    float dqkv[12], dout[] = {1, 1, 1, 1};
    int32_t cu[] = {0, 2, 3};
    memset(dqkv, 1, sizeof dqkv);
    const Tensor x = TENSOR(qkv, F32, 4, 3), y = TENSOR(o, F32, 4, 1), l = TENSOR(lse, F32, 4, 1);
    const Tensor ends = TENSOR(cu, I32, 3);
    attention_forward(&dev, y, l, x, ends, 1, 2);
    const double want_o[] = {8, 5, 7, 0}, want_lse[] = {0, log(4.0), 30, 0};
    for (int t = 0; t < 4; t++) {
        assert_near(o[t], want_o[t], 16 * ULP);
        assert_near(lse[t], want_lse[t], 4 * ULP);
    }
    /* p = 1/4, 3/4; ds = p (v - 5) = 3/4, -3/4; dq = ds k, dk = ds q, dv = p, first token: p = 1 */
    attention_backward(&dev, TENSOR(dqkv, F32, 4, 3), TENSOR(dout, F32, 4, 1), y, l, x, ends, 1, 2);
    const double want[] = {0, 0.75, 1.25, -0.75 * log(3.0), -0.75, 0.75, 0, 0, 1, 0, 0, 0};
    for (int i = 0; i < 12; i++) assert_near(dqkv[i], want[i], 32 * ULP);
    device_close(&dev);
}

typedef struct {
    int64_t heads, head_dim, sequences;
    const int32_t *cu;
    const double *dout; /* NULL: none */
    double *o, *lse;    /* NULL: not wanted */
} Case;

/* sum dout o, by the definition. */
static double loss(const double *qkv, const void *context)
{
    const Case *c = context;
    const int64_t dim = c->heads * c->head_dim, d = c->head_dim;
    double total = 0.0;
    for (int64_t n = 0; n < c->sequences; n++)
        for (int64_t h = 0; h < c->heads; h++)
            for (int64_t t = c->cu[n]; t < c->cu[n + 1]; t++) {
                double sum = 0.0, out[256] = {0};
                for (int64_t u = c->cu[n]; u <= t; u++) {
                    double score = 0.0;
                    for (int64_t i = 0; i < d; i++)
                        score += qkv[t * 3 * dim + h * d + i] * qkv[u * 3 * dim + dim + h * d + i];
                    const double weight = exp(score / sqrt((double)d));
                    sum += weight;
                    for (int64_t i = 0; i < d; i++)
                        out[i] += weight * qkv[u * 3 * dim + 2 * dim + h * d + i];
                }
                if (c->lse) c->lse[t * c->heads + h] = log(sum);
                for (int64_t i = 0; i < d; i++) {
                    if (c->o) c->o[t * dim + h * d + i] = out[i] / sum;
                    if (c->dout) total += c->dout[t * dim + h * d + i] * out[i] / sum;
                }
            }
    return total;
}

static void gradients_match_differences(void **state)
{
    (void)state;
    enum { TOKENS = 41, HEADS = 2, HEAD_DIM = 3, DIM = HEADS * HEAD_DIM };
    int32_t cu[] = {0, 1, 36, 36, 39};
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor qkv = NORMAL(1, 1.0f, TOKENS, 3 * DIM), dout = NORMAL(2, 1.0f, TOKENS, DIM);
    const Tensor o = NEW(F32, TOKENS, DIM), lse = NEW(F32, TOKENS, HEADS);
    const Tensor dqkv = NORMAL(3, 1.0f, TOKENS, 3 * DIM), ends = TENSOR(cu, I32, 5);
    attention_forward(&dev, o, lse, qkv, ends, HEADS, TOKENS);
    attention_backward(&dev, dqkv, dout, o, lse, qkv, ends, HEADS, TOKENS);

    static double at[TOKENS * 3 * DIM], want[TOKENS * 3 * DIM], douts[TOKENS * DIM];
    to_double(at, qkv);
    to_double(douts, dout);
    const Case c = {HEADS, HEAD_DIM, 4, cu, douts, NULL, NULL};
    differences(want, loss, &c, at, TOKENS * 3 * DIM);
    /* scores of size 3 err by 3 spacings, so does their exponential; do . v - do . o cancels */
    assert_true(relative_l2(f32(dqkv), want, TOKENS * 3 * DIM) <= 16 * ULP);
    device_close(&dev);
    tensors_free();
}

/* Backward at larger shapes against the formulas in double. */
static void reference_backward(double *dqkv, const double *qkv, const Case *c)
{
    const int64_t dim = c->heads * c->head_dim, d = c->head_dim, row = 3 * dim;
    for (int64_t n = 0; n < c->sequences; n++)
        for (int64_t h = 0; h < c->heads; h++)
            for (int64_t t = c->cu[n]; t < c->cu[n + 1]; t++)
                for (int64_t u = c->cu[n]; u <= t; u++) {
                    const double *q = qkv + t * row + h * d, *k = qkv + u * row + dim + h * d;
                    const double *v = k + dim, *dout = c->dout + t * dim + h * d;
                    double score = 0.0, slope = 0.0;
                    for (int64_t i = 0; i < d; i++) {
                        score += q[i] * k[i] / sqrt((double)d);
                        slope += dout[i] * (v[i] - c->o[t * dim + h * d + i]);
                    }
                    const double p = exp(score - c->lse[t * c->heads + h]);
                    for (int64_t i = 0; i < d; i++) {
                        dqkv[t * row + h * d + i] += p * slope * k[i] / sqrt((double)d);
                        dqkv[u * row + dim + h * d + i] += p * slope * q[i] / sqrt((double)d);
                        dqkv[u * row + 2 * dim + h * d + i] += p * dout[i];
                    }
                }
}

static void compare(const int32_t *cu, int64_t sequences, int64_t tokens, int64_t heads,
                    int64_t head_dim)
{
    const int64_t dim = heads * head_dim;
    const Tensor qkv = NORMAL(7, 1.0f, tokens, 3 * dim), dout = NORMAL(8, 1.0f, tokens, dim);
    const Tensor ends = TENSOR((void *)(uintptr_t)cu, I32, sequences + 1);
    Tensor o[4], lse[4], dqkv[4];
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        o[threads] = new_copy(dout), lse[threads] = NEW(F32, tokens, heads);
        dqkv[threads] = new_copy(qkv);
        attention_forward(&dev, o[threads], lse[threads], qkv, ends, heads, tokens);
        attention_backward(&dev, dqkv[threads], dout, o[threads], lse[threads], qkv, ends, heads,
                           tokens);
        device_close(&dev);
        assert_same_bits(o[threads], o[1]);
        assert_same_bits(lse[threads], lse[1]);
        assert_same_bits(dqkv[threads], dqkv[1]);
    }
    double *space = calloc((size_t)(tokens * (8 * dim + heads)), sizeof *space);
    double *x = space, *douts = x + tokens * 3 * dim, *want_o = douts + tokens * dim;
    double *want = want_o + tokens * dim, *want_lse = want + tokens * 3 * dim;
    to_double(x, qkv);
    to_double(douts, dout);
    const Case c = {heads, head_dim, sequences, cu, douts, want_o, want_lse};
    loss(x, &c);
    reference_backward(want, x, &c);
    /* as above; the rounding errors of sums over head_dim and keys partly cancel */
    assert_true(relative_l2(f32(o[1]), want_o, tokens * dim) <= 8 * ULP);
    assert_true(relative_l2(f32(lse[1]), want_lse, tokens * heads) <= 4 * ULP);
    assert_true(relative_l2(f32(dqkv[1]), want, tokens * 3 * dim) <= 16 * ULP);
    free(space);
    tensors_free();
}

static void ragged_sequences_match_double_in_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int32_t none[] = {0}, one[] = {0, 1}, empty[] = {0, 0, 0};
    const int32_t ragged[] = {0, 1, 3, 34, 66, 66, 99, 163, 260}, whole[] = {0, 33, 160};
    compare(none, 0, 3, 2, 4);
    compare(one, 1, 1, 1, 1);
    compare(empty, 2, 2, 1, 5);
    compare(ragged, 8, 263, 3, 7);
    compare(whole, 2, 160, 1, 32);
    compare(whole, 2, 161, 2, 64);
    compare(whole, 2, 160, 1, 128);
}

static void large_scores_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    enum { TOKENS = 70, DIM = 8 };
    int32_t cu[] = {0, TOKENS};
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    const Tensor qkv = NORMAL(1, 100.0f, TOKENS, 3 * DIM), o = NEW(F32, TOKENS, DIM);
    const Tensor lse = NEW(F32, TOKENS, 1), dqkv = NEW(F32, TOKENS, 3 * DIM);
    attention_forward(&dev, o, lse, qkv, TENSOR(cu, I32, 2), 1, TOKENS);
    attention_backward(&dev, dqkv, o, o, lse, qkv, TENSOR(cu, I32, 2), 1, TOKENS);
    for (int i = 0; i < TOKENS * DIM; i++) assert_true(isfinite(f32(o)[i]));
    for (int i = 0; i < TOKENS * 3 * DIM; i++) assert_true(isfinite(f32(dqkv)[i]));
    device_close(&dev);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(ragged_sequences_match_double_in_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(large_scores_neither_overflow_nor_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
