/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "adamw.h"

static const int64_t sizes[] = {0, 1, 37, 1000, 20001};

enum { SIZES = sizeof sizes / sizeof *sizes };

typedef struct {
    Tensor p, m, v, g, schedule, state, losses;
    AdamwSegments segments;
} Buffers;

static Buffers gpu_buffers(Buffers b)
{
    return (Buffers){on_gpu(b.p),
                     on_gpu(b.m),
                     on_gpu(b.v),
                     on_gpu(b.g),
                     on_gpu(b.schedule),
                     on_gpu(b.state),
                     on_gpu(b.losses),
                     {on_gpu(b.segments.first), on_gpu(b.segments.count), on_gpu(b.segments.decay),
                      on_gpu(b.segments.rate)}};
}

/* Segments of these sizes. Each begins at a multiple of 64, with zeros before it. */
static Buffers new_buffers(const int64_t *count, int segments)
{
    Buffers b = {.segments = {NEW(I64, segments), NEW(I64, segments), NEW(F64, segments),
                              NEW(F64, segments)}};
    int64_t all = 0;
    for (int s = 0; s < segments; s++) {
        ((int64_t *)b.segments.first.data)[s] = all;
        ((int64_t *)b.segments.count.data)[s] = count[s];
        ((double *)b.segments.decay.data)[s] = 0.1 * s;
        ((double *)b.segments.rate.data)[s] = s % 2 ? 4.0 : 1.0;
        all += (count[s] + 63) / 64 * 64;
    }
    b.p = NORMAL(1, 1.0f, all), b.g = NEW(F32, all), b.m = NEW(F32, all), b.v = NEW(F32, all);
    b.schedule = NEW(F64, ADAMW_SCHEDULE), b.state = NEW(F64, ADAMW_STATE), b.losses = NEW(F64, 3);
    return b;
}

static void take_step(Device *dev, Buffers b, int64_t step)
{
    const AdamwOptions options = {0.9, 0.999, 1e-8, 1.0};
    double schedule[ADAMW_SCHEDULE];
    adamw_schedule(schedule, 0.01, step, 0.005, options);
    device_copy_in(dev, b.schedule.data, schedule, sizeof schedule);
    adamw_gradient_norm_squared(dev, adamw_norm_squared(b.state), b.g, b.segments);
    adamw_check(dev, b.state, b.losses);
    adamw_step(dev, b.p, b.m, b.v, b.g, b.segments, b.schedule, b.state, options);
}

static void set_gradient(Buffers b, int step)
{
    for (int64_t s = 0; s < b.segments.first.dim[0]; s++)
        fill_normal(f32(b.g) + ((int64_t *)b.segments.first.data)[s],
                    ((int64_t *)b.segments.count.data)[s], (uint64_t)(100 * step + s), 1.0f);
}

static void twenty_adamw_steps_are_as_on_the_cpu(void **state)
{
    (void)state;
    static const struct {
        int segments;
        int64_t count[8];
    } cases[] = {{1, {1}}, {8, {5000, 0, 1, 64, 65, 3, 4095, 12000}}};
    for (int k = 0; k < 2; k++) {
        const Buffers b = new_buffers(cases[k].count, cases[k].segments), on = gpu_buffers(b);
        for (int step = 1; step <= 20; step++) {
            set_gradient(b, step);
            device_copy_in(&gpu, on.g.data, b.g.data, tensor_bytes(b.g));
            take_step(&cpu, b, step);
            take_step(&gpu, on, step);
        }
        /* twenty updates, each with about six roundings */
        assert_as_cpu(on.p, b.p, 20);
        assert_as_cpu(on.m, b.m, 20);
        assert_as_cpu(on.v, b.v, 30);
        const double norm = ((double *)from_gpu(on.state).data)[ADAMW_NORM_SQUARED];
        assert_near(norm, ((double *)b.state.data)[ADAMW_NORM_SQUARED], 1e-12 * norm);
        pair_free();
    }
}

/* Weights and target do not change from the step with the infinite number on, until the host clears
 * the stop. */
static void what_is_not_finite_stops_all_change(void **state)
{
    (void)state;
    enum { IN_GRADIENT, IN_LOSS, PLACES };
    const int64_t count[] = {300, 20};
    for (int place = 0; place < PLACES; place++) {
        const Buffers b = new_buffers(count, 2), on = gpu_buffers(b);
        const Tensor target = NORMAL(3, 1.0f, b.p.dim[0]), target_g = on_gpu(target);
        for (int step = 0; step < 2; step++) {
            set_gradient(b, 1);
            if (place == IN_GRADIENT && step == 0) f32(b.g)[299] = NAN;
            ((double *)b.losses.data)[2] = place == IN_LOSS && step == 0 ? INFINITY : 1.0;
            device_copy_in(&gpu, on.g.data, b.g.data, tensor_bytes(b.g));
            device_copy_in(&gpu, on.losses.data, b.losses.data, tensor_bytes(b.losses));
            take_step(&gpu, on, 1);
            adamw_polyak(&gpu, target_g, on.p, on.schedule, on.state);
            assert_same_bits(from_gpu(on.p), b.p);
            assert_same_bits(from_gpu(on.m), b.m);
            assert_same_bits(from_gpu(target_g), target);
        }
        device_copy_in(&gpu, on.state.data, (const double[ADAMW_STATE]){0}, tensor_bytes(b.state));
        take_step(&gpu, on, 1);
        assert_true(f32(from_gpu(on.p))[0] != f32(b.p)[0]);
        pair_free();
    }
}

static void the_target_moves_as_on_the_cpu(void **state)
{
    (void)state;
    const Tensor stop = NEW(F64, ADAMW_STATE), schedule = NEW(F64, ADAMW_SCHEDULE);
    const Tensor stop_g = on_gpu(stop), schedule_g = on_gpu(schedule);
    static const double taus[] = {0.0, 0.005, 1.0};
    static const double spacings[] = {0, 1, 0}; /* tau 0 and 1 are exact */
    for (int t = 0; t < 3; t++)
        for (int s = 0; s < SIZES; s++) {
            const Tensor p = NORMAL(1, 1.0f, sizes[s]), target = NORMAL(2, 1.0f, sizes[s]);
            const Tensor p_g = on_gpu(p), target_g = on_gpu(target);
            ((double *)schedule.data)[ADAMW_TAU] = taus[t];
            device_copy_in(&gpu, schedule_g.data, schedule.data, tensor_bytes(schedule));
            adamw_polyak(&cpu, target, p, schedule, stop);
            adamw_polyak(&gpu, target_g, p_g, schedule_g, stop_g);
            assert_as_cpu(target_g, target, spacings[t]);
        }
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_adamw_steps_are_as_on_the_cpu),
        cmocka_unit_test(what_is_not_finite_stops_all_change),
        cmocka_unit_test(the_target_moves_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
