/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include <stdbool.h>

#include "adamw.h"

/* One segment of `count` elements; the norm, squared, is given. */
static void step_one(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, double lr, int64_t step,
                     double decay, double norm_squared, AdamwOptions options)
{
    int64_t first = 0, count = p.dim[0];
    double rate = 1.0;
    double schedule[ADAMW_SCHEDULE], state[ADAMW_STATE] = {[ADAMW_NORM_SQUARED] = norm_squared};
    const AdamwSegments segments = {TENSOR(&first, I64, 1), TENSOR(&count, I64, 1),
                                    TENSOR(&decay, F64, 1), TENSOR(&rate, F64, 1)};
    adamw_schedule(schedule, lr, step, 0.0, options);
    adamw_step(dev, p, m, v, g, segments, TENSOR(schedule, F64, ADAMW_SCHEDULE),
               TENSOR(state, F64, ADAMW_STATE), options);
}

static void the_first_step_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* the first gradient, of any size, moves p by lr against its sign, after the decay */
    float p[] = {1, -2, 0.5f}, m[3] = {0}, v[3] = {0}, g[] = {4, -0.02f, 0};
    /* a norm of 2 is clipped to 1: scale 1/2 */
    step_one(&dev, TENSOR(p, F32, 3), TENSOR(m, F32, 3), TENSOR(v, F32, 3), TENSOR(g, F32, 3),
             0.125, 1, 0.5, (2 - 1e-6) * (2 - 1e-6), (AdamwOptions){0.9, 0.99, 0.0, 1.0});
    assert_near(p[0], 1 - 0.0625 - 0.125, 4 * ULP);
    assert_near(p[1], -2 + 0.125 + 0.125, 8 * ULP);
    assert_near(m[0], 0.2, ULP);
    assert_near(v[0], 0.04, ULP);
    assert_true(isnan(p[2])); /* 0 / 0, which an eps above 0 would prevent */
    device_close(&dev);
}

enum { STEPS = 20 };

/* p, m and v of element i after the steps, from the same random numbers. */
static void steps_in_double(double *p, double *m, double *v, int64_t i)
{
    const Philox start = philox(1, 0, (uint64_t)i);
    *p = philox_normal(start.word[0], start.word[1]), *m = 0, *v = 0;
    for (int step = 1; step <= STEPS; step++) {
        const Philox draw = philox(100 + (uint64_t)step, 0, (uint64_t)i);
        const double g = 0.7 * (0.1f * philox_normal(draw.word[0], draw.word[1]));
        *m = 0.9 * *m + 0.1 * g;
        *v = 0.999 * *v + 0.001 * g * g;
        *p -= 0.01 * 0.1 * *p;
        *p -= 0.01 * (*m / (1 - pow(0.9, step))) / (sqrt(*v / (1 - pow(0.999, step))) + 1e-8);
    }
}

static void twenty_steps_match_double_in_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 33, 70001};
    for (int k = 0; k < 4; k++) {
        const int64_t count = sizes[k];
        Tensor p[4], m[4], v[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            p[threads] = NORMAL(1, 1.0f, count);
            m[threads] = NEW(F32, count), v[threads] = NEW(F32, count);
            for (int step = 1; step <= STEPS; step++) {
                const Tensor g = NORMAL(100 + (uint64_t)step, 0.1f, count);
                step_one(&dev, p[threads], m[threads], v[threads], g, 0.01, step, 0.1, 1.0,
                         (AdamwOptions){0.9, 0.999, 1e-8, 0.7 * (1 + 1e-6)});
            }
            device_close(&dev);
            assert_same_bits(p[threads], p[1]);
            assert_same_bits(m[threads], m[1]);
            assert_same_bits(v[threads], v[1]);
        }
        double *want = calloc((size_t)(3 * count + 1), sizeof *want);
        for (int64_t i = 0; i < count; i++)
            steps_in_double(&want[i], &want[count + i], &want[2 * count + i], i);
        /* p: twenty subtractions, each rounded; m and v: twenty steps of a rounded average */
        assert_true(relative_l2(f32(p[1]), want, count) <= 6 * ULP);
        assert_true(relative_l2(f32(m[1]), want + count, count) <= 6 * ULP);
        assert_true(relative_l2(f32(v[1]), want + 2 * count, count) <= 10 * ULP);
        free(want);
        tensors_free();
    }
}

static void segments_have_their_own_decay_and_rate_and_what_is_between_stays(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    int64_t first[] = {0, 4, 12}, count[] = {3, 5, 1};
    double decay[] = {0.0, 0.5, 1.0}, rate[] = {1.0, 1.0, 0.5}, schedule[ADAMW_SCHEDULE],
           found[ADAMW_STATE] = {0};
    float p[16], m[16] = {0}, v[16] = {0}, g[16] = {0};
    for (int i = 0; i < 16; i++) p[i] = 1.0f;
    g[1] = 3.0f, g[12] = 4.0f;
    const AdamwSegments segments = {TENSOR(first, I64, 3), TENSOR(count, I64, 3),
                                    TENSOR(decay, F64, 3), TENSOR(rate, F64, 3)};
    const Tensor schedules = TENSOR(schedule, F64, ADAMW_SCHEDULE),
                 states = TENSOR(found, F64, ADAMW_STATE);
    const Tensor gs = TENSOR(g, F32, 16), ps = TENSOR(p, F32, 16), ms = TENSOR(m, F32, 16),
                 vs = TENSOR(v, F32, 16);
    double loss = 1.0;
    const AdamwOptions options = {0.9, 0.99, 1e-8, 0.0};
    adamw_schedule(schedule, 0.25, 1, 0.5, options);
    adamw_gradient_norm_squared(&dev, adamw_norm_squared(states), gs, segments);
    adamw_check(&dev, states, TENSOR(&loss, F64, 1));
    assert_true(found[ADAMW_NORM_SQUARED] == 25.0 && found[ADAMW_STOP] == 0.0);
    adamw_step(&dev, ps, ms, vs, gs, segments, schedules, states, options);
    const double want[16] = {1,     0.75, 1, 1, 0.875, 0.875, 0.875, 0.875,
                             0.875, 1,    1, 1, 0.75,  1,     1,     1};
    for (int i = 0; i < 16; i++) assert_near(p[i], want[i], 2 * ULP);
    device_close(&dev);
}

/* Weights and target do not change from the step on whose gradient or loss is not finite, nor in
 * the next step, where both are finite, until the stop is cleared. */
static void what_is_not_finite_stops_all_change(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    enum { IN_GRADIENT, IN_LOSS, PLACES };
    for (int place = 0; place < PLACES; place++) {
        float p[] = {1, 2}, target[] = {3, 4}, m[2] = {0}, v[2] = {0}, g[] = {1, 1};
        double schedule[ADAMW_SCHEDULE], found[ADAMW_STATE] = {0}, loss[] = {1, 1}, decay = 0,
                                         rate = 1;
        int64_t first = 0, count = 2;
        const Tensor schedules = TENSOR(schedule, F64, ADAMW_SCHEDULE),
                     states = TENSOR(found, F64, ADAMW_STATE);
        const AdamwSegments segments = {TENSOR(&first, I64, 1), TENSOR(&count, I64, 1),
                                        TENSOR(&decay, F64, 1), TENSOR(&rate, F64, 1)};
        const AdamwOptions options = {0.9, 0.99, 1e-8, 0.0};
        adamw_schedule(schedule, 0.25, 1, 1.0, options);
        for (int step = 0; step < 3; step++) {
            g[1] = place == IN_GRADIENT && step == 0 ? NAN : 1.0f;
            loss[1] = place == IN_LOSS && step == 0 ? INFINITY : 1.0;
            if (step == 2) found[ADAMW_STOP] = 0.0;
            adamw_gradient_norm_squared(&dev, adamw_norm_squared(states), TENSOR(g, F32, 2),
                                        segments);
            adamw_check(&dev, states, TENSOR(loss, F64, 2));
            adamw_step(&dev, TENSOR(p, F32, 2), TENSOR(m, F32, 2), TENSOR(v, F32, 2),
                       TENSOR(g, F32, 2), segments, schedules, states, options);
            adamw_polyak(&dev, TENSOR(target, F32, 2), TENSOR(p, F32, 2), schedules, states);
            const bool moved = step == 2;
            assert_true((p[0] != 1.0f) == moved && (target[1] != 4.0f) == moved);
            assert_true((m[0] != 0.0f) == moved && (v[0] != 0.0f) == moved);
        }
    }
    device_close(&dev);
}

static void average(Device *dev, Tensor target, Tensor p, double tau)
{
    double schedule[ADAMW_SCHEDULE] = {[ADAMW_TAU] = tau}, found[ADAMW_STATE] = {0};
    adamw_polyak(dev, target, p, TENSOR(schedule, F64, ADAMW_SCHEDULE),
                 TENSOR(found, F64, ADAMW_STATE));
}

static void the_norm_and_the_average_have_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 65537, 200003};
    for (int k = 0; k < 4; k++) {
        const int64_t count = sizes[k];
        const Tensor g = NORMAL(k, 2.0f, count);
        double norm[4], want = 0.0;
        Tensor target[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            int64_t first = 0, length = count;
            double decay = 0.0, rate = 1.0;
            adamw_gradient_norm_squared(
                &dev, TENSOR(&norm[threads], F64, 1), g,
                (AdamwSegments){TENSOR(&first, I64, 1), TENSOR(&length, I64, 1),
                                TENSOR(&decay, F64, 1), TENSOR(&rate, F64, 1)});
            target[threads] = NORMAL(9, 1.0f, count);
            average(&dev, target[threads], g, 0.25);
            assert_true(norm[threads] == norm[1]);
            assert_same_bits(target[threads], target[1]);
            const Tensor copy = NORMAL(9, 1.0f, count);
            average(&dev, copy, g, 0.0);
            assert_same_bits(copy, NORMAL(9, 1.0f, count));
            average(&dev, copy, g, 1.0);
            assert_same_bits(copy, g);
            device_close(&dev);
        }
        const Tensor before = NORMAL(9, 1.0f, count);
        for (int64_t i = 0; i < count; i++) {
            const double a = f32(before)[i], b = f32(g)[i];
            want += b * b;
            assert_near(f32(target[1])[i], 0.75 * a + 0.25 * b, ULP * (fabs(a) + fabs(b)));
        }
        assert_near(norm[1], want, 1e-12 * want);
        tensors_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_step_worked_by_hand),
        cmocka_unit_test(twenty_steps_match_double_in_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(segments_have_their_own_decay_and_rate_and_what_is_between_stays),
        cmocka_unit_test(what_is_not_finite_stops_all_change),
        cmocka_unit_test(the_norm_and_the_average_have_the_same_bits_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
