/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions: accuracy over all floats, and the edges. */
#include "test.h"

#include "base/vecmath.h"

/* |have - want| in units of the last place of want, subnormals counted with their own spacing. */
static double ulps(float have, double want)
{
    int exponent;
    frexp(want, &exponent);
    if (exponent < -125) exponent = -125;
    return fabs((double)have - want) / ldexp(1.0, exponent - 24);
}

static void exp_is_within_two_ulp_of_the_true_value(void **state)
{
    (void)state;
    double worst = 0.0;
    for (uint32_t bits = 0; bits < 0x7F800000u; bits += 251) {
        for (uint32_t sign = 0; sign < 2; sign++) {
            const uint32_t word = bits | sign << 31;
            float x;
            memcpy(&x, &word, sizeof x);
            if (x > 88.7228f || x < -104.0f) continue;
            const double error = ulps(vec_expf(x), exp((double)x));
            if (error > worst) worst = error;
        }
    }
    assert_true(worst <= 2.0);
    assert_true(worst > 0.25); /* the measure can see an error */
}

static void exp_keeps_its_edges(void **state)
{
    (void)state;
    assert_true(vec_expf(0.0f) == 1.0f);
    assert_true(vec_expf(-INFINITY) == 0.0f && vec_expf(-1e30f) == 0.0f);
    assert_true(isinf(vec_expf(INFINITY)) && isinf(vec_expf(88.73f)));
    assert_true(isnan(vec_expf(NAN)));
}

static void exp_in_a_loop_has_the_bits_of_exp_alone(void **state)
{
    (void)state;
    enum { COUNT = 1003 };
    float x[COUNT], y[COUNT];
    fill_normal(x, COUNT, 1, 20.0f);
    for (int i = 0; i < COUNT; i++) y[i] = vec_expf(x[i]);
    for (int i = 0; i < COUNT; i++) {
        volatile float alone = x[i];
        assert_true(vec_expf(alone) == y[i]);
    }
}

static void log_is_within_two_ulp_of_the_true_value(void **state)
{
    (void)state;
    double worst = 0.0;
    for (uint32_t bits = 0x00800000u; bits < 0x7F800000u; bits += 251) {
        float x;
        memcpy(&x, &bits, sizeof x);
        const double error = ulps(vec_logf(x), log((double)x));
        if (error > worst) worst = error;
    }
    assert_true(worst <= 2.0);
    assert_true(worst > 0.25);
    assert_true(vec_logf(1.0f) == 0.0f);
}

static void sigmoid_is_within_four_ulp(void **state)
{
    (void)state;
    double worst = 0.0;
    for (float x = -87.0f; x < 100.0f; x += 0.000137f) {
        const double error = ulps(vec_sigmoidf(x), 1.0 / (1.0 + exp(-(double)x)));
        if (error > worst) worst = error;
    }
    assert_true(worst <= 4.0);
    assert_true(vec_sigmoidf(-1e30f) == 0.0f && vec_sigmoidf(1e30f) == 1.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_two_ulp_of_the_true_value),
        cmocka_unit_test(exp_keeps_its_edges),
        cmocka_unit_test(exp_in_a_loop_has_the_bits_of_exp_alone),
        cmocka_unit_test(log_is_within_two_ulp_of_the_true_value),
        cmocka_unit_test(sigmoid_is_within_four_ulp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
