/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "losses/policy_gradient.h"

static Device dev;

static Tensor of(const float *x, int64_t rows)
{
    const Tensor t = NEW(F32, rows);
    memcpy(t.data, x, (size_t)rows * sizeof *x);
    return t;
}
#define ROW(...) of((float[]){__VA_ARGS__}, sizeof((float[]){__VA_ARGS__}) / sizeof(float))

static void assert_row(Tensor have, const double *want)
{
    for (int64_t i = 0; i < have.dim[0]; i++)
        assert_near(f32(have)[i], want[i], 4 * ULP * fabs(want[i]));
}
#define ASSERT_ROW(have, ...) assert_row((have), (double[]){__VA_ARGS__})

static void worked_by_hand(void **state)
{
    (void)state;
    const Tensor share = ROW(0.5f, 0.5f, 0, 0.5f), weight = NEW(F32, 4), loss = NEW(F32, 4);
    policy_gradient_advantage(&dev, weight, ROW(0, 2, NAN, 100), share, 2, 20);
    ASSERT_ROW(weight, 0.5, 0.5 * exp(1), 0, 10);

    /* advantages within -1 .. 3, ratios 1, 3 (cut to 2), none, 1/4 */
    const Tensor ratio = ROW(0, logf(3), NAN, logf(0.25f)), none = {0};
    const ImportanceOptions one = {-1, 3, 2, 1, 1}, root = {-1, 3, 2, 0.5f, 1};
    const ImportanceOptions three = {-1, 3, 2, 1, 3};
    policy_gradient_importance(&dev, weight, ROW(2, 7, NAN, -5), ratio, none, share, one);
    ASSERT_ROW(weight, 1, 3, 0, -0.125);
    policy_gradient_importance(&dev, weight, ROW(2, 7, NAN, -5), ratio, none, share, root);
    ASSERT_ROW(weight, 1, 1.5 * sqrt(3), 0, -0.25);
    /* pi = 1/2, 1, none, 0: K (1 - pi)^(K-1) = 3/4, 0, none, 3 */
    policy_gradient_importance(&dev, weight, ROW(2, 7, NAN, -5), ratio,
                               ROW(-logf(2), 0, NAN, -INFINITY), share, three);
    ASSERT_ROW(weight, 0.75, 0, 0, -0.375);

    /* rho 1, 3, none, 1/4 and the clip at 0.2: gains 2 and 3 * 7, held at 1.2 * 7; -5/4, worse held
     * at 0.8 */
    policy_gradient_clipped(&dev, loss, weight, ROW(2, 7, NAN, -5), ratio, share, 0.2f);
    ASSERT_ROW(loss, -1, -0.5 * 1.2 * 7, 0, 0.5 * 0.8 * 5);
    ASSERT_ROW(weight, 1, 0, 0, 0);
    /* on the other side of 1 the clip holds nothing back */
    policy_gradient_clipped(&dev, loss, weight, ROW(-2, -7, NAN, 5), ratio, share, 0.2f);
    ASSERT_ROW(loss, 1, 10.5, 0, -0.625);
    ASSERT_ROW(weight, -1, -10.5, 0, 0.625);
    tensors_free();
}

typedef struct {
    Tensor advantage, behaviour, share;
    int64_t rows;
    double clip;
} Surrogate;

static double surrogate(const double *log_policy, const void *context)
{
    const Surrogate *s = context;
    double sum = 0.0;
    for (int64_t i = 0; i < s->rows; i++) {
        const double rho = exp(log_policy[i] - f32(s->behaviour)[i]), a = f32(s->advantage)[i];
        sum -= f32(s->share)[i] * fmin(rho * a, fmin(fmax(rho, 1 - s->clip), 1 + s->clip) * a);
    }
    return sum;
}

/* weight (-log pi) has the gradient of the clipped objective. */
static void the_clipped_weights_are_the_gradient(void **state)
{
    (void)state;
    for (int64_t rows = 0; rows < 400; rows += 133) {
        Surrogate s = {.rows = rows, .clip = (double)0.3f, .advantage = NORMAL(1, 1, rows)};
        s.behaviour = NORMAL(2, 1, rows), s.share = NORMAL(3, 1, rows);
        const Tensor policy = NORMAL(4, 1, rows), ratio = NEW(F32, rows);
        const Tensor loss = NEW(F32, rows), weight = NEW(F32, rows);
        double at[400], want[400], sum = 0.0, size = 1.0;
        for (int64_t i = 0; i < rows; i++) {
            f32(ratio)[i] = f32(policy)[i] - f32(s.behaviour)[i];
            f32(s.share)[i] = fabsf(f32(s.share)[i]);
        }
        policy_gradient_clipped(&dev, loss, weight, s.advantage, ratio, s.share, 0.3f);
        to_double(at, policy);
        differences(want, surrogate, &s, at, rows);
        for (int64_t i = 0; i < rows; i++) {
            /* differences err by 1e-10 of the sum; the log of the ratio is rounded at 4 */
            assert_near(-f32(weight)[i], want[i], 8 * ULP * fabs(want[i]) + 1e-7);
            sum += f32(loss)[i];
            size += fabs(f32(loss)[i]);
        }
        assert_near(sum, surrogate(at, &s), 8 * ULP * size);
    }
    tensors_free();
}

static int open_device(void **state)
{
    (void)state;
    assert_ok(device_open(&dev, "cpu", 2));
    return 0;
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
        cmocka_unit_test(worked_by_hand),
        cmocka_unit_test(the_clipped_weights_are_the_gradient),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
