/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "attention/attention.h"

typedef struct {
    int64_t heads, head_dim;
    int32_t length[10]; /* until -1 */
    int32_t padding;    /* rows past the last sequence */
    int32_t more;       /* how often all the lengths are repeated */
} Case;

/* Lengths around the tiles of 16 and 32, the bins of 32 and 64, and 256, the longest that a bin
 * takes; every width; histories far shorter than a bin, and short ones between long ones. */
static const Case cases[] = {
    {1, 1, {2, 1, -1}, 1, 0},
    {2, 8, {0, 33, 0, 5, 31, -1}, 3, 0},
    {1, 33, {32, 7, -1}, 0, 0},
    {3, 20, {1, 70, -1}, 2, 0},
    {1, 96, {40, -1}, 0, 0},
    {2, 125, {37, 3, -1}, 1, 0},
    {1, 16, {257, 256, -1}, 40, 0},
    {1, 70, {3, 260, -1}, 0, 0},
    {2, 4, {0, -1}, 5, 0},
    {1, 128, {33, 64, -1}, 2, 0},
    {3, 64, {20, 45, -1}, 0, 0},
    {1, 64, {130, 7, 64, 0, 63, 65, 1, 129, -1}, 9, 0},
    {2, 32, {256, 255, 31, 33, 15, 16, 17, -1}, 0, 0},
    {1, 64, {20, 300, 9, 256, 3, 290, 0, 40, -1}, 5, 0},
    {1, 128, {150, 30, 149, 100, 3, -1}, 1, 0},
    {3, 16, {1, 0, 7, 2, 12, 3, -1}, 2, 40},
    {1, 96, {5, 90, 257, 33, -1}, 0, 1},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Relative L2 error of 1e-5, in spacings of f32. */
static const double ulps = 80;

static Tensor ends_of(const Case *c, int64_t *tokens, int64_t *longest)
{
    int64_t lengths = 0;
    while (c->length[lengths] >= 0) lengths++;
    const int64_t sequences = lengths * (1 + c->more);
    const Tensor cu = NEW(I32, sequences + 1);
    *longest = 0;
    for (int64_t n = 0; n < sequences; n++) {
        const int32_t length = c->length[n % lengths];
        i32(cu)[n + 1] = i32(cu)[n] + length;
        if (length > *longest) *longest = length;
    }
    *tokens = i32(cu)[sequences] + c->padding;
    return cu;
}

static double dot(const double *a, const double *b, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

static double half(double x) { return bf16_rounded((float)x); }

/* One head of one sequence in double, where p and ds are rounded to bf16 before they enter a
 * product, as the kernels may do. `seen` is the o that backward reads. */
static void rounding_head(double *o, double *dqkv, const double *qkv, const double *dout,
                          const double *seen, int64_t length, int64_t dim, int64_t d)
{
    const double scale = 1.0 / sqrt((double)d);
    const int64_t row = 3 * dim;
    for (int64_t t = 0; t < length; t++) {
        const double *q = qkv + t * row, *g = dout + t * dim;
        const double delta = dot(g, seen + t * dim, d);
        double max = -INFINITY, sum = 0.0;
        for (int64_t u = 0; u <= t; u++) max = fmax(max, scale * dot(q, qkv + u * row + dim, d));
        for (int64_t u = 0; u <= t; u++) sum += exp(scale * dot(q, qkv + u * row + dim, d) - max);
        for (int64_t u = 0; u <= t; u++) {
            const double *k = qkv + u * row + dim, *v = k + dim;
            const double e = exp(scale * dot(q, k, d) - max), p = e / sum;
            const double ds = half(p * (dot(g, v, d) - delta));
            double *dq = dqkv + t * row, *dk = dqkv + u * row + dim, *dv = dk + dim;
            for (int64_t c = 0; c < d; c++) {
                o[t * dim + c] += half(e) / sum * v[c];
                dv[c] += half(p) * g[c];
                dq[c] += scale * ds * k[c];
                dk[c] += scale * ds * q[c];
            }
        }
    }
}

static double *doubles(Tensor from)
{
    double *to = calloc((size_t)tensor_count(from) + 1, sizeof *to);
    if (from.data) to_double(to, from);
    return to;
}

/* The error of `have`, on the GPU, against `want` is at most 1.5 times that of `rounding`, or of
 * `want` itself rounded, whichever is larger. */
static void assert_rounds_as(Tensor have, Tensor want, const double *rounding)
{
    const Tensor near = new_copy(want), once = rounded(new_copy(want));
    for (int64_t i = 0; i < tensor_count(near); i++)
        f32(near)[i] = bf16_rounded((float)rounding[i]);
    const double error = distance(to_f32(from_gpu(have)), want);
    const double bound = fmax(distance(near, want), distance(once, want));
    if (!(error <= 1.5 * bound)) fail_msg("error %.3g, with rounding %.3g", error, bound);
}

static void assert_bf16(const Case *c, Tensor cu, Tensor qkv, Tensor dout, Tensor seen, Tensor og,
                        Tensor o, Tensor dqkvg, Tensor dqkv)
{
    const int64_t dim = c->heads * c->head_dim;
    double *x = doubles(qkv), *g = doubles(dout), *y = doubles(seen);
    double *ro = calloc((size_t)tensor_count(o) + 1, sizeof *ro);
    double *rd = calloc((size_t)tensor_count(dqkv) + 1, sizeof *rd);
    for (int64_t n = 0; n + 1 < cu.dim[0]; n++)
        for (int64_t h = 0; h < c->heads; h++) {
            const int64_t at = i32(cu)[n] * dim + h * c->head_dim;
            const int64_t at3 = i32(cu)[n] * 3 * dim + h * c->head_dim;
            rounding_head(ro + at, rd + at3, x + at3, g + at, y + at, i32(cu)[n + 1] - i32(cu)[n],
                          dim, c->head_dim);
        }
    assert_rounds_as(og, o, ro);
    assert_rounds_as(dqkvg, dqkv, rd);
    free(x), free(g), free(y), free(ro), free(rd);
}

static void compare(const Case *c, Dtype dtype)
{
    const int64_t dim = c->heads * c->head_dim;
    int64_t tokens, longest;
    const Tensor cu = ends_of(c, &tokens, &longest), cug = on_gpu(cu);
    const Tensor qkv = rounded(NORMAL(1, 1.0f, tokens, 3 * dim));
    const Tensor dout = rounded(NORMAL(2, 1.0f, tokens, dim));
    const Tensor o = NEW(F32, tokens, dim), lse = NEW(F32, tokens, c->heads);
    const Tensor dqkv = NEW(F32, tokens, 3 * dim);
    const Tensor qkvg = as_gpu(dtype, qkv), doutg = as_gpu(dtype, dout);
    const Tensor og = gpu_space(doutg), lseg = gpu_space(lse), dqkvg = gpu_space(qkvg);

    attention_forward(&cpu, o, lse, qkv, cu, c->heads, longest);
    attention_forward(&gpu, og, lseg, qkvg, cug, c->heads, longest);
    assert_as_cpu(lseg, lse, ulps);

    const Tensor seen = dtype == BF16 ? rounded(new_copy(o)) : o; /* o as it was stored */
    attention_backward(&cpu, dqkv, dout, seen, lse, qkv, cu, c->heads, longest);
    attention_backward(&gpu, dqkvg, doutg, as_gpu(dtype, seen), lseg, qkvg, cug, c->heads, longest);
    if (dtype == BF16) {
        assert_bf16(c, cu, qkv, dout, seen, og, o, dqkvg, dqkv);
    } else {
        assert_as_cpu(og, o, ulps);
        assert_as_cpu(dqkvg, dqkv, ulps);
    }
    pair_free();
}

static void attention_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < CASES; n++) {
        compare(&cases[n], F32);
        compare(&cases[n], BF16);
    }
}

static void views_that_start_anywhere_are_taken_too(void **state)
{
    (void)state;
    const Tensor qkv = NORMAL(1, 1.0f, 40 * 24 + 1), dout = NORMAL(2, 1.0f, 40 * 8 + 1);
    const Tensor cu = NEW(I32, 2), o = NEW(F32, 40, 8), lse = NEW(F32, 40, 2);
    const Tensor dqkv = NEW(F32, 40, 24), qkvg = on_gpu(qkv), doutg = on_gpu(dout);
    const Tensor og = gpu_space(o), lseg = gpu_space(lse), dqkvg = gpu_space(dqkv),
                 cug = on_gpu(cu);
    i32(cu)[1] = 40;
    device_copy_in(&gpu, cug.data, cu.data, tensor_bytes(cu));
#define FROM_ONE(t, columns) TENSOR(f32(t) + 1, F32, 40, columns)
    attention_forward(&cpu, o, lse, FROM_ONE(qkv, 24), cu, 2, 40);
    attention_forward(&gpu, og, lseg, FROM_ONE(qkvg, 24), cug, 2, 40);
    assert_as_cpu(og, o, ulps);
    attention_backward(&cpu, dqkv, FROM_ONE(dout, 8), o, lse, FROM_ONE(qkv, 24), cu, 2, 40);
    attention_backward(&gpu, dqkvg, FROM_ONE(doutg, 8), og, lseg, FROM_ONE(qkvg, 24), cug, 2, 40);
    assert_as_cpu(dqkvg, dqkv, ulps);
    pair_free();
}

static void many_short_histories_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { SEQUENCES = 600, DIM = 8 };
    const Tensor cu = NEW(I32, SEQUENCES + 1);
    for (int64_t n = 0; n < SEQUENCES; n++) i32(cu)[n + 1] = i32(cu)[n] + (int32_t)(n % 4);
    const int64_t tokens = i32(cu)[SEQUENCES];
    const Tensor qkv = NORMAL(1, 1.0f, tokens, 3 * DIM), dout = NORMAL(2, 1.0f, tokens, DIM);
    const Tensor o = NEW(F32, tokens, DIM), lse = NEW(F32, tokens, 1), dqkv = new_copy(qkv);
    const Tensor qkvg = on_gpu(qkv), doutg = on_gpu(dout), cug = on_gpu(cu), og = gpu_space(o);
    const Tensor lseg = gpu_space(lse), dqkvg = gpu_space(qkv);
    attention_forward(&cpu, o, lse, qkv, cu, 1, 3);
    attention_forward(&gpu, og, lseg, qkvg, cug, 1, 3);
    assert_as_cpu(og, o, ulps);
    attention_backward(&cpu, dqkv, dout, o, lse, qkv, cu, 1, 3);
    attention_backward(&gpu, dqkvg, doutg, og, lseg, qkvg, cug, 1, 3);
    assert_as_cpu(dqkvg, dqkv, ulps);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_is_as_on_the_cpu),
        cmocka_unit_test(many_short_histories_are_as_on_the_cpu),
        cmocka_unit_test(views_that_start_anywhere_are_taken_too),
    };
    return RUN_PAIR_TESTS(tests);
}
