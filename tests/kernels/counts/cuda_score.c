/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "score_case.h"

static ScoreInput input_on_gpu(const ScoreInput *in)
{
    return (ScoreInput){on_gpu(in->item),   on_gpu(in->feature), on_gpu(in->mean),
                        on_gpu(in->scale),  on_gpu(in->base),    on_gpu(in->dense),
                        on_gpu(in->hidden), on_gpu(in->pointer)};
}

/* A scalar may be a small difference of large terms: its error is held against these. */
static void assert_sum_near(Tensor have, Tensor want, double terms)
{
    assert_near(f32(from_gpu(have))[0], f32(want)[0], 64 * ULP * sqrt(terms));
}

static void scores_and_gradients_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int n = 0; n < SCORE_SHAPES; n++) {
        const ScoreShape s = score_shapes[n];
        const ScoreCase c = make_score(s, 20 * (uint64_t)n + 1);
        const ScoreInput in = input_on_gpu(&c.in);
        const ScoreWeights w = {on_gpu(c.weights.beta), on_gpu(c.weights.linear),
                                on_gpu(c.weights.inner), on_gpu(c.weights.outer)};
        const Tensor r = NEW(F32, s.rows, s.width), rg = gpu_space(r);
        const ScoreGradient to = new_score_gradient(s, 3.0f);
        const ScoreGradient g = {gpu_space(to.base), gpu_space(to.dense), gpu_space(to.hidden),
                                 on_gpu(to.beta),    on_gpu(to.linear),   on_gpu(to.inner),
                                 on_gpu(to.outer)};
        counts_score(&cpu, r, &c.in, &c.weights);
        counts_score(&gpu, rg, &in, &w);
        counts_score_backward(&cpu, &to, c.dr, &c.in, &c.weights);
        counts_score_backward(&gpu, &g, on_gpu(c.dr), &in, &w);
        const Tensor have = from_gpu(rg);
        for (int64_t k = 0; k < s.rows * s.width; k++)
            if (i32(c.in.item)[k] < 0)
                assert_true(f32(have)[k] == -INFINITY);
            else
                assert_near(f32(have)[k], f32(r)[k], 1e-5);
        assert_as_cpu(g.dense, to.dense, 1);
        assert_as_cpu(g.base, to.base, 16);
        assert_as_cpu(g.hidden, to.hidden, 16);
        assert_as_cpu(g.linear, to.linear, 64);
        assert_as_cpu(g.inner, to.inner, 64);
        assert_as_cpu(g.outer, to.outer, 64);
        assert_sum_near(g.beta, to.beta, (double)(s.rows * s.width + 9));
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_and_gradients_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
