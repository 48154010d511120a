#include "pair.h"

#include "adamw.h"
#include "elementwise.h"
#include "losses/control.h"
#include "losses/loss.h"
#include "losses/policy_gradient.h"
#include "losses/returns.h"
#include "losses/td.h"

static const int64_t sizes[] = {0, 1, 37, 1000, 20001};
enum { SIZES = sizeof sizes / sizeof *sizes };

static double f64_at(Tensor t) { return *(double *)t.data; }

/* Every third has no target. */
static Tensor some_targets(int64_t count)
{
    const Tensor t = NEW(I32, count);
    for (int64_t i = 0; i < count; i++) i32(t)[i] = i % 3 ? (int32_t)(i * 7 % 100) : -1;
    return t;
}

static void td_losses_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * SIZES; k++) {
        const int64_t rows = sizes[k / 2];
        const float huber = k % 2 ? 0.75f : 0.0f;
        const Tensor q = NORMAL(1, 1.0f, rows), y = NORMAL(2, 1.0f, rows),
                     w = NORMAL(3, 1.0f, rows);
        for (int64_t i = 0; i < rows; i += 5) f32(w)[i] = 0.0f, f32(y)[i] = NAN;
        const Tensor loss = NEW(F32, rows), dq = NEW(F32, rows), loss_g = gpu_room(loss);
        const Tensor q_g = on_gpu(q);
        loss_td(&cpu, loss, dq, q, y, w, huber);
        loss_td(&gpu, loss_g, q_g, q_g, on_gpu(y), on_gpu(w), huber);
        assert_as_cpu(loss_g, loss, 2);
        assert_as_cpu(q_g, dq, 1);
        const Tensor again_g = on_gpu(q);
        loss_expectile(&cpu, loss, dq, q, y, w, 0.8f);
        loss_expectile(&gpu, loss_g, again_g, again_g, on_gpu(y), on_gpu(w), 0.8f);
        assert_as_cpu(loss_g, loss, 3);
        assert_as_cpu(again_g, dq, 2);
        for (int64_t i = 0; i < rows; i++) f32(y)[i] = i % 3 ? fabsf(f32(y)[i]) : 0.0f;
        const Tensor scores_g = on_gpu(q);
        loss_deviance(&cpu, loss, dq, q, y, w);
        loss_deviance(&gpu, loss_g, scores_g, scores_g, on_gpu(y), on_gpu(w));
        assert_as_cpu(loss_g, loss, 32); /* differences of what is rounded at its size */
        assert_as_cpu(scores_g, dq, 32);
        pair_free();
    }
}

/* Ratios of up to e^9: an exponent is rounded at its size, so that the power errs by spacings of that. */
static void policy_weights_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < 3 * SIZES; k++) {
        const int64_t rows = sizes[k / 3];
        const Tensor gain = NORMAL(1, 1.0f, rows), ratio = NORMAL(2, 2.0f, rows);
        const Tensor chosen = NORMAL(3, 1.0f, rows), share = NORMAL(4, 1.0f, rows);
        for (int64_t i = 0; i < rows; i++) f32(chosen)[i] = -fabsf(f32(chosen)[i]);
        for (int64_t i = 0; i < rows; i += 5) f32(share)[i] = 0.0f, f32(gain)[i] = NAN;
        const Tensor weight = NEW(F32, rows), loss = NEW(F32, rows), logs = NEW(F32, rows);
        const Tensor weight_g = gpu_room(weight), loss_g = gpu_room(loss);
        const Tensor gain_g = on_gpu(gain), ratio_g = on_gpu(ratio), share_g = on_gpu(share);
        const Tensor chosen_g = on_gpu(chosen);
        const ImportanceOptions o = {-0.5f, 1, 1.5f, k % 2 ? 1 : 0.3f, k % 3 ? 4 : 1};
        policy_gradient_importance(&cpu, weight, gain, ratio, chosen, share, o);
        policy_gradient_importance(&gpu, weight_g, gain_g, ratio_g, chosen_g, share_g, o);
        assert_as_cpu(weight_g, weight, 32);
        policy_gradient_clipped(&cpu, loss, weight, gain, ratio, share, 0.2f);
        policy_gradient_clipped(&gpu, loss_g, weight_g, gain_g, ratio_g, share_g, 0.2f);
        assert_as_cpu(weight_g, weight, 32);
        assert_as_cpu(loss_g, loss, 32);
        policy_gradient_advantage(&cpu, weight, gain, share, 0.4f, 20);
        policy_gradient_advantage(&gpu, weight_g, gain_g, share_g, 0.4f, 20);
        assert_as_cpu(weight_g, weight, 32);
        for (int64_t i = 0; i < rows; i++) f32(chosen)[i] = expf(f32(chosen)[i]);
        const Tensor logs_g = on_gpu(chosen);
        elementwise_log(&cpu, logs, chosen);
        elementwise_log(&gpu, logs_g, logs_g);
        assert_as_cpu(logs_g, logs, 4);
        const Tensor powers_g = on_gpu(ratio);
        elementwise_exp(&cpu, logs, ratio);
        elementwise_exp(&gpu, powers_g, powers_g);
        assert_as_cpu(powers_g, logs, 4);
        pair_free();
    }
}

static void sums_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        const Tensor x = NORMAL(1, 1.0f, sizes[k]), sum = NEW(F64, 1), total = NORMAL(2, 1.0f, 1);
        const Tensor x_g = on_gpu(x), sum_g = gpu_room(sum), total_g = on_gpu(total);
        loss_weighted_sum(&cpu, sum, x);
        loss_weighted_sum(&gpu, sum_g, x_g);
        assert_near(f64_at(from_gpu(sum_g)), f64_at(sum), 1e-12 * (double)sizes[k]);
        loss_weighted_sum_add(&cpu, total, x);
        loss_weighted_sum_add(&gpu, total_g, x_g);
        assert_as_cpu(total_g, total, 1);
        const Tensor y = NORMAL(3, 1.0f, sizes[k]), y_g = on_gpu(y);
        elementwise_shift(&cpu, y, total);
        device_copy_in(&gpu, total_g.data, total.data, sizeof(float));
        elementwise_shift(&gpu, y_g, total_g);
        assert_as_cpu(y_g, y, 0);
        pair_free();
    }
}

static void weights_of_means_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        const int64_t rows = sizes[k];
        const Tensor target = some_targets(rows), value = NEW(I32, rows), out = NEW(I32, rows);
        const Tensor weight = NEW(F32, rows), count = NEW(F64, 1);
        for (int64_t i = 0; i < rows; i++) i32(value)[i] = (int32_t)i;
        const Tensor target_g = on_gpu(target), out_g = gpu_room(out), weight_g = gpu_room(weight);
        const Tensor count_g = gpu_room(count);
        loss_mask_targets(&cpu, out, target, value);
        loss_mask_targets(&gpu, out_g, target_g, on_gpu(value));
        assert_same_bits(from_gpu(out_g), out);
        loss_count_targets(&cpu, count, target);
        loss_count_targets(&gpu, count_g, target_g);
        loss_mean_weights(&cpu, weight, count, target, 0.1);
        loss_mean_weights(&gpu, weight_g, count_g, target_g, 0.1);
        assert_same_bits(from_gpu(weight_g), weight);
        assert_same_bits(from_gpu(count_g), count);
        for (int64_t i = 0; i < rows; i++) f32(weight)[i] = i % 4 ? 1.0f : 0.0f;
        device_copy_in(&gpu, weight_g.data, weight.data, tensor_bytes(weight));
        loss_weighted_sum(&cpu, count, weight);
        loss_weighted_sum(&gpu, count_g, weight_g);
        loss_share_weights(&cpu, weight, count, 0.3f);
        loss_share_weights(&gpu, weight_g, count_g, 0.3f);
        assert_same_bits(from_gpu(weight_g), weight);
        assert_same_bits(from_gpu(count_g), count);
        pair_free();
    }
}

/* Windows of 0 to 9 tokens up to a few before the end. */
static void td_targets_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 700, WINDOWS = 150 };
    for (int k = 0; k < 8; k++) {
        const Tensor reward = NORMAL(1, 1.0f, TOKENS), next = NORMAL(2, 1.0f, TOKENS);
        const Tensor end = NEW(U8, TOKENS), cu = NEW(I32, WINDOWS + 1);
        const Tensor y = NEW(F32, TOKENS), valid = NEW(F32, TOKENS);
        for (int w = 1; w <= WINDOWS; w++) {
            const int32_t last = i32(cu)[w - 1] + w * w % 10;
            i32(cu)[w] = last < TOKENS - 5 ? last : TOKENS - 5;
        }
        for (int t = 0; t < TOKENS; t++) ((uint8_t *)end.data)[t] = (uint8_t)(t % 7 ? 0 : t % 3);
        const Tensor y_g = gpu_room(y), valid_g = gpu_room(valid);
        const int n = k % 4 + 1;
        td_targets(&cpu, y, valid, reward, end, next, cu, 0.9f, n, k < 4);
        td_targets(&gpu, y_g, valid_g, on_gpu(reward), on_gpu(end), on_gpu(next), on_gpu(cu), 0.9f,
                   n, k < 4);
        assert_same_bits(from_gpu(valid_g), valid);
        assert_as_cpu(y_g, y, 1);
        pair_free();
    }
}

/* Windows of 0 to 99 tokens, across the 32 of a scan. The recursion is in double on both, in another order. */
static void returns_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 2000, WINDOWS = 60 };
    for (int k = 0; k < 8; k++) {
        const Tensor reward = NORMAL(1, 1.0f, TOKENS), next = NORMAL(2, 1.0f, TOKENS);
        const Tensor value = NORMAL(3, 1.0f, TOKENS), ratio = NORMAL(4, 1.0f, TOKENS);
        const Tensor end = NEW(U8, TOKENS), cu = NEW(I32, WINDOWS + 1);
        const Tensor target = NEW(F32, TOKENS), valid = NEW(F32, TOKENS), gain = NEW(F32, TOKENS);
        for (int w = 1; w <= WINDOWS; w++) {
            const int32_t last = i32(cu)[w - 1] + w * w % 100;
            i32(cu)[w] = last < TOKENS - 5 ? last : TOKENS - 5;
        }
        for (int t = 0; t < TOKENS; t++) ((uint8_t *)end.data)[t] = (uint8_t)(t % 37 ? 0 : t % 3);
        const ReturnsOptions o = {0.97f, 0.9f, k % 2 ? 1.0f : 0.0f, 1.0f, k / 2 % 2 == 1, k < 4};
        const Tensor absent = {0};
        const ReturnsInput in = {reward, end, value, next, k % 4 ? ratio : absent, cu};
        const ReturnsInput in_g = {on_gpu(reward), on_gpu(end),          on_gpu(value),
                                   on_gpu(next),   on_gpu(in.log_ratio), on_gpu(cu)};
        const Tensor target_g = gpu_room(target), valid_g = gpu_room(valid),
                     gain_g = gpu_room(gain);
        returns(&cpu, target, valid, k % 3 ? gain : absent, in, o);
        returns(&gpu, target_g, valid_g, k % 3 ? gain_g : absent, in_g, o);
        assert_same_bits(from_gpu(valid_g), valid);
        assert_as_cpu(target_g, target, 1);
        if (k % 3) assert_as_cpu(gain_g, gain, 1);
        pair_free();
    }
}

typedef struct {
    Tensor p, m, v, g, schedule, state, losses;
    AdamwSegments segments;
} Buffers;

static Buffers gpu_buffers(Buffers b)
{
    return (Buffers){
        on_gpu(b.p),
        on_gpu(b.m),
        on_gpu(b.v),
        on_gpu(b.g),
        on_gpu(b.schedule),
        on_gpu(b.state),
        on_gpu(b.losses),
        {on_gpu(b.segments.first), on_gpu(b.segments.count), on_gpu(b.segments.decay)}};
}

/* Segments of these sizes, each from a multiple of 64 on; between them zeros. */
static Buffers new_buffers(const int64_t *count, int segments)
{
    Buffers b = {.segments = {NEW(I64, segments), NEW(I64, segments), NEW(F64, segments)}};
    int64_t all = 0;
    for (int s = 0; s < segments; s++) {
        ((int64_t *)b.segments.first.data)[s] = all;
        ((int64_t *)b.segments.count.data)[s] = count[s];
        ((double *)b.segments.decay.data)[s] = 0.1 * s;
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

static void control_targets_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 700, WINDOWS = 150 };
    const Tensor cu = NEW(I32, WINDOWS + 1), first = NEW(I64, WINDOWS);
    const Tensor y = NEW(F32, TOKENS), valid = NEW(F32, TOKENS);
    for (int w = 0; w < WINDOWS; w++) {
        const int32_t last = i32(cu)[w] + w * w % 10;
        i32(cu)[w + 1] = last < TOKENS - 5 ? last : TOKENS - 5;
        ((int64_t *)first.data)[w] = INT64_C(3000000000) * w;
    }
    const Tensor y_g = gpu_room(y), valid_g = gpu_room(valid), cu_g = on_gpu(cu);
    control_length(&cpu, y, valid, cu);
    control_length(&gpu, y_g, valid_g, cu_g);
    assert_same_bits(from_gpu(valid_g), valid);
    assert_as_cpu(y_g, y, 1);
    control_random(&cpu, y, valid, cu, first, 5);
    control_random(&gpu, y_g, valid_g, cu_g, on_gpu(first), 5);
    assert_same_bits(from_gpu(valid_g), valid);
    assert_as_cpu(y_g, y, 1);
    pair_free();
}

static void twenty_adamw_steps_are_as_on_the_cpu(void **state)
{
    (void)state;
    const int64_t few[] = {1}, many[] = {5000, 0, 1, 64, 65, 3, 4095, 12000};
    for (int k = 0; k < 2; k++) {
        const Buffers b = k ? new_buffers(many, 8) : new_buffers(few, 1), on = gpu_buffers(b);
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

/* From the step with the infinity on, until the host takes the stop back. */
static void what_is_not_finite_stops_all_change(void **state)
{
    (void)state;
    const int64_t count[] = {300, 20};
    for (int k = 0; k < 2; k++) {
        const Buffers b = new_buffers(count, 2), on = gpu_buffers(b);
        const Tensor target = NORMAL(3, 1.0f, b.p.dim[0]), target_g = on_gpu(target);
        for (int step = 0; step < 2; step++) {
            set_gradient(b, 1);
            if (k == 0 && step == 0) f32(b.g)[299] = NAN;
            ((double *)b.losses.data)[2] = k == 1 && step == 0 ? INFINITY : 1.0;
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
    for (int k = 0; k < 3 * SIZES; k++) {
        const int64_t count = sizes[k % SIZES];
        const Tensor p = NORMAL(1, 1.0f, count), target = NORMAL(2, 1.0f, count);
        const Tensor p_g = on_gpu(p), target_g = on_gpu(target);
        ((double *)schedule.data)[ADAMW_TAU] = taus[k / SIZES];
        device_copy_in(&gpu, schedule_g.data, schedule.data, tensor_bytes(schedule));
        adamw_polyak(&cpu, target, p, schedule, stop);
        adamw_polyak(&gpu, target_g, p_g, schedule_g, stop_g);
        assert_as_cpu(target_g, target, k / SIZES == 1);
    }
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(td_losses_are_as_on_the_cpu),
        cmocka_unit_test(policy_weights_are_as_on_the_cpu),
        cmocka_unit_test(sums_are_as_on_the_cpu),
        cmocka_unit_test(weights_of_means_are_as_on_the_cpu),
        cmocka_unit_test(td_targets_are_as_on_the_cpu),
        cmocka_unit_test(returns_are_as_on_the_cpu),
        cmocka_unit_test(control_targets_are_as_on_the_cpu),
        cmocka_unit_test(twenty_adamw_steps_are_as_on_the_cpu),
        cmocka_unit_test(what_is_not_finite_stops_all_change),
        cmocka_unit_test(the_target_moves_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
