/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "elementwise.h"
#include "losses/loss.h"

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
        const Tensor loss = NEW(F32, rows), dq = NEW(F32, rows), loss_g = gpu_space(loss);
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

static void sums_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        const Tensor x = NORMAL(1, 1.0f, sizes[k]), sum = NEW(F64, 1), total = NORMAL(2, 1.0f, 1);
        const Tensor x_g = on_gpu(x), sum_g = gpu_space(sum), total_g = on_gpu(total);
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
        const Tensor target_g = on_gpu(target), out_g = gpu_space(out),
                     weight_g = gpu_space(weight);
        const Tensor count_g = gpu_space(count);
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
        loss_mask_weights(&cpu, weight, target);
        loss_mask_weights(&gpu, weight_g, target_g);
        assert_same_bits(from_gpu(weight_g), weight);
        loss_weighted_sum(&cpu, count, weight);
        loss_weighted_sum(&gpu, count_g, weight_g);
        loss_share_weights(&cpu, weight, count, 0.3f);
        loss_share_weights(&gpu, weight_g, count_g, 0.3f);
        assert_same_bits(from_gpu(weight_g), weight);
        assert_same_bits(from_gpu(count_g), count);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(td_losses_are_as_on_the_cpu),
        cmocka_unit_test(sums_are_as_on_the_cpu),
        cmocka_unit_test(weights_of_means_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
