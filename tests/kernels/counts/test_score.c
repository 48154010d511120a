/* SPDX-License-Identifier: Apache-2.0 */
/* The score of candidates and its gradients, against the formulas in double. */
#include "score_case.h"

/* r of the case with the parameters x, laid out as in ScoreLayout, as if all places had a
 * candidate. */
static double score_in_double(const ScoreCase *c, const double *x, int64_t i, int64_t j)
{
    const ScoreShape s = c->shape;
    const ScoreLayout at = score_layout(s);
    double r = x[at.base + i] + x[at.beta] * x[at.dense + i * s.width + j];
    double f[SCORE_FEATURES_MAX];
    for (int64_t k = 0; k < s.features; k++) {
        f[k] =
            (f32(c->in.feature)[(i * s.width + j) * s.features + k] - (double)f32(c->in.mean)[k]) *
            f32(c->in.scale)[k];
        r += x[at.linear + k] * f[k];
    }
    for (int64_t h = 0; h < s.units; h++) {
        double n = x[at.hidden + i * s.units + h];
        for (int64_t k = 0; k < s.features; k++) n += x[at.inner + h * s.features + k] * f[k];
        r += x[at.outer + h] * fmax(n, 0.0);
    }
    return r + (s.pointer ? f32(c->in.pointer)[i * s.width + j] : 0.0);
}

/* sum_ij dr r over the candidates. */
static double total(const double *x, const void *context)
{
    const ScoreCase *c = context;
    double sum = 0.0;
    for (int64_t i = 0; i < c->shape.rows; i++)
        for (int64_t j = 0; j < c->shape.width; j++)
            if (i32(c->in.item)[i * c->shape.width + j] >= 0)
                sum += f32(c->dr)[i * c->shape.width + j] * score_in_double(c, x, i, j);
    return sum;
}

static void a_score_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* Features (3, 1) and (5, 2), x = (1, 2) and (2, 4). Unit 0 is 1 + x0 - x1, unit 1 -x1. */
    float feature[] = {3, 1, 5, 2, 9, 9}, mean[] = {1, 0}, scale[] = {0.5f, 2}, base[] = {10};
    float dense[] = {1, 2, 3}, hidden[] = {1, 0}, pointer[] = {0, 0.25f, 7}, beta[] = {0.5f};
    float linear[] = {1, -1}, inner[] = {1, -1, 0, -1}, outer[] = {100, 1000}, r[3];
    int32_t item[] = {4, 0, -1};
    hidden[0] = 2;
    const ScoreInput in = {TENSOR(item, I32, 1, 3),   TENSOR(feature, F32, 1, 3, 2),
                           TENSOR(mean, F32, 2),      TENSOR(scale, F32, 2),
                           TENSOR(base, F32, 1),      TENSOR(dense, F32, 1, 3),
                           TENSOR(hidden, F32, 1, 2), TENSOR(pointer, F32, 1, 3)};
    const ScoreWeights w = {TENSOR(beta, F32, 1), TENSOR(linear, F32, 2), TENSOR(inner, F32, 2, 2),
                            TENSOR(outer, F32, 2)};
    counts_score(&dev, TENSOR(r, F32, 1, 3), &in, &w);
    assert_near(r[0], 10 + 0.5 + (1 - 2) + 100 * 1, 1e-5);
    assert_near(r[1], 10 + 1.0 + (2 - 4) + 0 + 0.25, 1e-5);
    assert_true(r[2] == -INFINITY);
    device_close(&dev);
}

/* Sums of up to 16 + 64 + 4 terms of size 1. */
static void scores_match_double(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SCORE_SHAPES; n++) {
        const ScoreCase c = make_score(score_shapes[n], 20 * (uint64_t)n + 1);
        const ScoreShape s = c.shape;
        const Tensor r = NEW(F32, s.rows, s.width);
        double *x = score_parameters(&c);
        counts_score(&dev, r, &c.in, &c.weights);
        for (int64_t i = 0; i < s.rows; i++)
            for (int64_t j = 0; j < s.width; j++) {
                const float have = f32(r)[i * s.width + j];
                if (i32(c.in.item)[i * s.width + j] < 0)
                    assert_true(have == -INFINITY);
                else
                    assert_near(have, score_in_double(&c, x, i, j), 1e-5);
            }
        free(x);
        tensors_free();
    }
    device_close(&dev);
}

/* What is there already is added to, but for the gradients of the rows. Differences err by 1e-9;
 * f32 sums by less than 64 spacings. */
static void gradients_match_differences(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    for (int n = 0; n < SCORE_SHAPES; n++) {
        const ScoreCase c = make_score(score_shapes[n], 20 * (uint64_t)n + 1);
        if (c.shape.rows > 40) continue; /* differences take the square of the rows */
        const ScoreLayout at = score_layout(c.shape);
        double *x = score_parameters(&c), *want = malloc((size_t)at.count * sizeof *want);
        differences(want, total, &c, x, at.count);
        const ScoreGradient to = new_score_gradient(c.shape, 3.0f);
        counts_score_backward(&dev, &to, c.dr, &c.in, &c.weights);
        const struct {
            Tensor have;
            int64_t first;
            double start;
        } part[] = {{to.base, at.base, 0},  {to.dense, at.dense, 0},   {to.hidden, at.hidden, 0},
                    {to.beta, at.beta, 3},  {to.linear, at.linear, 3}, {to.inner, at.inner, 3},
                    {to.outer, at.outer, 3}};
        for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
            const int64_t count = tensor_count(part[k].have);
            for (int64_t m = 0; m < count; m++) want[part[k].first + m] += part[k].start;
            const double error = relative_l2(f32(part[k].have), want + part[k].first, count);
            if (!(error < 64 * ULP)) fail_msg("shape %d, part %d: %.3g", n, (int)k, error);
        }
        free(x), free(want);
        tensors_free();
    }
    device_close(&dev);
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    const ScoreCase c = make_score((ScoreShape){333, 20, 13, 24, true}, 5);
    ScoreGradient to[3];
    Tensor r[3];
    for (int t = 0; t < 3; t++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", t + 1));
        r[t] = NEW(F32, c.shape.rows, c.shape.width);
        to[t] = new_score_gradient(c.shape, 1.0f);
        counts_score(&dev, r[t], &c.in, &c.weights);
        counts_score_backward(&dev, &to[t], c.dr, &c.in, &c.weights);
        device_close(&dev);
        assert_same_bits(r[t], r[0]);
        assert_same_bits(to[t].base, to[0].base);
        assert_same_bits(to[t].dense, to[0].dense);
        assert_same_bits(to[t].hidden, to[0].hidden);
        assert_same_bits(to[t].beta, to[0].beta);
        assert_same_bits(to[t].linear, to[0].linear);
        assert_same_bits(to[t].inner, to[0].inner);
        assert_same_bits(to[t].outer, to[0].outer);
    }
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_score_worked_by_hand),
        cmocka_unit_test(scores_match_double),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
