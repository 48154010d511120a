/* SPDX-License-Identifier: Apache-2.0 */
/* bfloat16 on the CPU: the rounding itself, and that every op in bf16 is the op in f32 on the same
 * numbers, its results rounded once, bit for bit. */
#include "op.h"

#include "attention/attention.h"
#include "base/bf16.h"
#include "dropout.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"
#include "items.h"
#include "rmsnorm.h"
#include "rope.h"
#include "swiglu.h"

static Device dev;

static void rounds_to_nearest_and_ties_to_even(void **state)
{
    (void)state;
    const float cases[][2] = {
        {1.0f, 1.0f},
        {1.0f + 0x1p-8f, 1.0f},                      /* a tie, down to even */
        {1.0f + 0x3p-8f, 1.0f + 0x4p-8f},            /* a tie, up to even */
        {1.0f + 0x1p-8f + 0x1p-20f, 1.0f + 0x1p-7f}, /* just above a tie */
        {-1.0f - 0x1p-9f, -1.0f},
        {0x1.FFp127f, INFINITY}, /* a tie between the largest number and what is no number */
        {0x1.FEp127f, 0x1.FEp127f},
        {0x1p-133f, 0x1p-133f}, /* the smallest that is not 0 */
        {INFINITY, INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(bf16_rounded(cases[i][0]) == cases[i][1]);
    assert_true(signbit(bf16_rounded(-0x1p-140f)));
    uint32_t bits = 0x7F800001; /* NaN, all of it in the half that goes */
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    assert_true(isnan(bf16_rounded(nan)));
    assert_true(isnan(bf16_rounded(-NAN)));
}

/* ---- Ops ------------------------------------------------------------------------------------- */

/* The same numbers in both dtypes. */
typedef struct {
    Tensor half, wide;
} Pair;

static Pair pair(uint64_t seed, int64_t rows, int64_t columns)
{
    const Pair p = {NEW(BF16, rows, columns), NORMAL(seed, 1.0f, rows, columns)};
    elementwise_copy(&dev, p.half, p.wide);
    elementwise_copy(&dev, p.wide, p.half);
    return p;
}

static void assert_rounded(Pair p)
{
    const Tensor want = NEW(BF16, p.half.dim[0], p.half.dim[1]);
    for (int64_t i = 0; i < tensor_count(want); i++) {
        const float x = bf16_rounded(f32(p.wide)[i]);
        memcpy((char *)want.data + 2 * i, (const char *)&x + 2, 2);
    }
    assert_same_bits(p.half, want);
}

static void rows_of_the_encoder(void **state)
{
    (void)state;
    const Pair x = pair(1, 37, 24), y = pair(2, 37, 24), dy = pair(3, 37, 24),
               gate = pair(4, 37, 48);
    const Tensor w = NORMAL(5, 1.0f, 24), rstd = NEW(F32, 37), dw = NEW(F32, 24),
                 dw2 = NEW(F32, 24);
    rmsnorm_forward(&dev, y.half, rstd, x.half, w, 1e-6f);
    rmsnorm_forward(&dev, y.wide, rstd, x.wide, w, 1e-6f);
    assert_rounded(y);
    rmsnorm_backward(&dev, dy.half, dw, x.half, x.half, w, rstd);
    rmsnorm_backward(&dev, dy.wide, dw2, x.wide, x.wide, w, rstd);
    assert_rounded(dy);
    assert_same_bits(dw, dw2);

    const Pair s = pair(6, 37, 24), slope = pair(7, 37, 24), dgate = pair(8, 37, 48);
    swiglu_forward(&dev, s.half, gate.half);
    swiglu_forward(&dev, s.wide, gate.wide);
    assert_rounded(s);
    swiglu_backward(&dev, dgate.half, slope.half, gate.half);
    swiglu_backward(&dev, dgate.wide, slope.wide, gate.wide);
    assert_rounded(dgate);

    const Pair drop = pair(9, 37, 24), residual = pair(10, 37, 24);
    const Tensor step = NEW(I64, 1);
    dropout_add(&dev, drop.half, slope.half, residual.half, (Dropout){0.3f, 4, 1, step});
    dropout_add(&dev, drop.wide, slope.wide, residual.wide, (Dropout){0.3f, 4, 1, step});
    assert_rounded(drop);

    const Pair qkv = pair(11, 37, 3 * 16);
    const Tensor position = NEW(I32, 37);
    for (int i = 0; i < 37; i++) i32(position)[i] = i * 5;
    rope(&dev, qkv.half, position, 2, 5 * 37, 10000.0, 1);
    rope(&dev, qkv.wide, position, 2, 5 * 37, 10000.0, 1);
    assert_rounded(qkv);
    tensors_free();
}

static void products(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++) {
        const GemmOptions options = {bits & 1, bits & 2, bits & 4, 0.7f};
        const Pair a = options.trans_a ? pair(1, 21, 9) : pair(1, 9, 21);
        const Pair b = options.trans_b ? pair(2, 17, 21) : pair(2, 21, 17), c = pair(3, 9, 17);
        const Tensor into_f32 = new_copy(c.wide);
        gemm(&dev, c.half, a.half, b.half, options);
        gemm(&dev, c.wide, a.wide, b.wide, options);
        gemm(&dev, into_f32, a.half, b.half, options);
        assert_rounded(c);
        assert_same_bits(into_f32, c.wide);
        tensors_free();
    }
}

static void tables_and_elements(void **state)
{
    (void)state;
    const Tensor table = NORMAL(1, 1.0f, 11, 6), ids = NEW(I32, 30), scale = NORMAL(2, 1.0f, 30);
    const Tensor d1 = NEW(F32, 11, 6), d2 = NEW(F32, 11, 6), dot1 = NEW(F32, 30),
                 dot2 = NEW(F32, 30);
    const ItemTable items = {.id = table};
    const Pair y = pair(3, 30, 6), x = pair(4, 30, 6), z = pair(5, 30, 6);
    for (int i = 0; i < 30; i++) i32(ids)[i] = i * 7 % 11;
    items_gather(&dev, z.half, &items, ids);
    items_gather(&dev, z.wide, &items, ids);
    assert_rounded(z);
    i32(ids)[3] = -1;
    embedding_add(&dev, y.half, table, ids);
    embedding_add(&dev, y.wide, table, ids);
    assert_rounded(y);
    embedding_backward(&dev, d1, x.half, ids);
    embedding_backward(&dev, d2, x.wide, ids);
    assert_same_bits(d1, d2);

    const Pair sum = pair(6, 30, 6), scaled = pair(7, 30, 6);
    elementwise_axpy(&dev, sum.half, -0.3f, x.half);
    elementwise_axpy(&dev, sum.wide, -0.3f, x.wide);
    assert_rounded(sum);
    elementwise_row_scale(&dev, scaled.half, x.half, scale);
    elementwise_row_scale(&dev, scaled.wide, x.wide, scale);
    assert_rounded(scaled);
    elementwise_row_dot(&dev, dot1, x.half, scaled.half);
    elementwise_copy(&dev, scaled.wide, scaled.half);
    elementwise_row_dot(&dev, dot2, x.wide, scaled.wide);
    assert_same_bits(dot1, dot2);
    assert_int_equal(elementwise_rows_finite(&dev, x.half), -1);
    elementwise_fill(&dev, sum.half, NAN);
    assert_int_equal(elementwise_rows_finite(&dev, sum.half), 0);
    tensors_free();
}

/* p is rounded before it meets v, and o once: |error| <= 2^-8 (sum_u p |v| + |o|), and a little of
 * f32. */
static void attention_rounds_probabilities_and_output(void **state)
{
    (void)state;
    enum { TOKENS = 50, DIM = 16 };
    const Pair qkv = pair(1, TOKENS, 3 * DIM), o = pair(2, TOKENS, DIM);
    const Tensor lse = NEW(F32, TOKENS, 2), cu = NEW(I32, 3), size = NEW(F32, TOKENS, DIM);
    i32(cu)[1] = 12, i32(cu)[2] = TOKENS;
    attention_forward(&dev, o.half, lse, qkv.half, cu, 2, 38);
    attention_forward(&dev, o.wide, lse, qkv.wide, cu, 2, 38);
    for (int64_t t = 0; t < TOKENS; t++)
        for (int64_t c = 2 * DIM; c < 3 * DIM; c++)
            f32(qkv.wide)[t * 3 * DIM + c] = fabsf(f32(qkv.wide)[t * 3 * DIM + c]);
    attention_forward(&dev, size, lse, qkv.wide, cu, 2, 38);
    const Tensor have = elementwise_cast(&dev, o.half, F32);
    double largest = 0.0;
    for (int64_t i = 0; i < TOKENS * DIM; i++) {
        const double error = fabs((double)f32(have)[i] - f32(o.wide)[i]);
        const double bound = 0x1p-8 * 1.01 * ((double)f32(size)[i] + fabs((double)f32(o.wide)[i]));
        if (error > largest) largest = error;
        assert_true(error <= bound);
    }
    assert_true(largest > 0.0);
    tensors_free();
}

static int open_device(void **state)
{
    (void)state;
    return device_open(&dev, "cpu", 2) != OK;
}
static int close_device(void **state)
{
    (void)state;
    device_close(&dev);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_to_nearest_and_ties_to_even),
        cmocka_unit_test(rows_of_the_encoder),
        cmocka_unit_test(products),
        cmocka_unit_test(tables_and_elements),
        cmocka_unit_test(attention_rounds_probabilities_and_output),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
