/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "losses/loss.h"

static void cases_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float q[] = {3, 1, 0, -4, NAN}, y[] = {1, 1.5f, 0, 1, 0}, w[] = {1, 2, 1, 0.5f, 0};
    float loss[5], dq[5];
    const Tensor qs = TENSOR(q, F32, 5), ys = TENSOR(y, F32, 5), ws = TENSOR(w, F32, 5);
    const Tensor losses = TENSOR(loss, F32, 5), dqs = TENSOR(dq, F32, 5);
    /* errors 2, -1/2, 0, -5, none */
    loss_td(&dev, losses, dqs, qs, ys, ws, 0.0f);
    const float square[] = {2, 0.25f, 0, 6.25f, 0}, slope[] = {2, -1, 0, -2.5f, 0};
    for (int i = 0; i < 5; i++) assert_true(loss[i] == square[i] && dq[i] == slope[i]);
    loss_td(&dev, losses, dqs, qs, ys, ws, 1.0f);
    const float huber[] = {1.5f, 0.25f, 0, 2.25f, 0}, limited[] = {1, -1, 0, -0.5f, 0};
    for (int i = 0; i < 5; i++) assert_true(loss[i] == huber[i] && dq[i] == limited[i]);
    /* 3/4 of the error from below, 1/4 of that from above */
    loss_expectile(&dev, losses, dqs, qs, ys, ws, 0.75f);
    const float expectile[] = {1, 0.375f, 0, 9.375f, 0}, steep[] = {1, -1.5f, 0, -3.75f, 0};
    for (int i = 0; i < 5; i++) assert_true(loss[i] == expectile[i] && dq[i] == steep[i]);
    loss_deviance(&dev, losses, dqs, qs, ys, ws);
    for (int i = 0; i < 5; i++) {
        const double e = w[i] > 0 ? exp((double)q[i]) : 0, t = w[i] > 0 ? y[i] : 0;
        const double fit = t > 0 ? t * (q[i] - log(t)) : 0, size = e + t + fabs(fit);
        assert_near(loss[i], w[i] * (e - t - fit), 4 * ULP * w[i] * size);
        assert_near(dq[i], w[i] * (e - t), 4 * ULP * w[i] * size);
        assert_true(loss[i] >= -4 * (float)(ULP * size));
    }
    loss_td(&dev, losses, dqs, qs, ys, ws, 1.0f);
    double sum = NAN;
    float total = 1;
    loss_weighted_sum(&dev, TENSOR(&sum, F64, 1), losses);
    loss_weighted_sum_add(&dev, TENSOR(&total, F32, 1), losses);
    assert_true(sum == 4.0 && total == 5.0f);
    device_close(&dev);
}

typedef struct {
    int count;
    const Tensor y, w;
    double huber;
} Case;

static double loss_of(const double *q, const void *context)
{
    const Case *c = context;
    double sum = 0.0;
    for (int i = 0; i < c->count; i++) {
        const double d = fabs(q[i] - f32(c->y)[i]);
        const double linear = c->huber * (d - c->huber / 2);
        sum += f32(c->w)[i] * (c->huber <= 0.0 || d <= c->huber ? d * d / 2 : linear);
    }
    return sum;
}

static void gradients_match_differences_in_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int sizes[] = {0, 1, 37, 1000};
    for (int k = 0; k < 8; k++) {
        const int count = sizes[k % 4];
        const float huber = k < 4 ? -1.0f : 0.75f;
        const Tensor q = NORMAL(1, 1.0f, count), y = NORMAL(2, 1.0f, count);
        const Tensor w = NORMAL(3, 1.0f, count);
        Tensor loss[4], dq[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            loss[threads] = NEW(F32, count), dq[threads] = NEW(F32, count);
            loss_td(&dev, loss[threads], dq[threads], q, y, w, huber);
            device_close(&dev);
            assert_same_bits(loss[threads], loss[1]);
            assert_same_bits(dq[threads], dq[1]);
        }
        double at[1000], want[1000], sum = 0.0, size = 0.0;
        to_double(at, q);
        const Case c = {count, y, w, (double)huber};
        differences(want, loss_of, &c, at, count);
        /* the error's difference is rounded once, the product once; differences add their 1e-8 on
         * a sum of thousands */
        assert_true(relative_l2(f32(dq[1]), want, count) <= 2 * ULP);
        for (int i = 0; i < count; i++) {
            sum += f32(loss[1])[i];
            size += fabs(f32(loss[1])[i]);
        }
        assert_near(sum, loss_of(at, &c), 3 * ULP * size);
        tensors_free();
    }
}

static double deviance_of(const double *q, const void *context)
{
    const Case *c = context;
    double sum = 0.0;
    for (int i = 0; i < c->count; i++) {
        const double y = f32(c->y)[i];
        sum += f32(c->w)[i] * (exp(q[i]) - y - (y > 0.0 ? y * (q[i] - log(y)) : 0.0));
    }
    return sum;
}

/* And it is least, 0, where exp(q) is y. */
static void gradients_of_the_deviance_match_differences(void **state)
{
    enum { COUNT = 300 };
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor q = NORMAL(1, 1.0f, COUNT), y = NORMAL(2, 1.0f, COUNT), w = NORMAL(3, 1.0f, COUNT);
    const Tensor loss = NEW(F32, COUNT), dq = NEW(F32, COUNT);
    double at[COUNT], want[COUNT], terms = 0.0, size = 0.0;
    for (int i = 0; i < COUNT; i++) {
        f32(y)[i] = i % 3 ? fabsf(f32(y)[i]) : 0.0f;
        f32(w)[i] = fabsf(f32(w)[i]);
    }
    loss_deviance(&dev, loss, dq, q, y, w);
    to_double(at, q);
    const Case c = {.count = COUNT, .y = y, .w = w};
    differences(want, deviance_of, &c, at, COUNT);
    for (int i = 0; i < COUNT; i++) {
        terms += pow(f32(w)[i] * (exp(at[i]) + f32(y)[i]), 2.0);
        size += want[i] * want[i];
    }
    /* exp, difference and product are rounded at the size of their terms */
    assert_true(relative_l2(f32(dq), want, COUNT) <= 3 * ULP * sqrt(terms / size));
    for (int i = 0; i < COUNT; i++) f32(q)[i] = logf(f32(y)[i] = 0.5f + (float)i);
    loss_deviance(&dev, loss, dq, q, y, w);
    for (int i = 0; i < COUNT; i++) {
        const double near = 8 * ULP * f32(w)[i] * f32(y)[i] * (1 + log(COUNT));
        assert_near(f32(loss)[i], 0, near);
        assert_near(f32(dq)[i], 0, near);
    }
    device_close(&dev);
    tensors_free();
}

static void weights_of_means_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    int32_t target[] = {5, -1, 0, -1, 7, 2}, value[] = {1, 2, 3, 4, 0, 6}, out[6];
    float weight[6];
    double count = NAN;
    const Tensor targets = TENSOR(target, I32, 6), ws = TENSOR(weight, F32, 6);
    const Tensor n = TENSOR(&count, F64, 1);
    loss_count_targets(&dev, n, targets);
    loss_mean_weights(&dev, ws, n, targets, 2.0);
    const float each[] = {0.5f, 0, 0.5f, 0, 0.5f, 0.5f};
    assert_true(count == 4.0);
    assert_memory_equal(weight, each, sizeof each);
    for (int i = 0; i < 6; i++) weight[i] = i == 3 ? NAN : 3.0f;
    loss_mask_weights(&dev, ws, targets);
    for (int i = 0; i < 6; i++) assert_true(weight[i] == (target[i] < 0 ? 0.0f : 3.0f));
    weight[0] = weight[2] = 1.0f, weight[4] = 0.0f, weight[5] = 2.0f;
    loss_weighted_sum(&dev, n, ws);
    loss_share_weights(&dev, ws, n, 8.0f);
    const float shares[] = {2, 0, 2, 0, 0, 4};
    assert_true(count == 4.0);
    assert_memory_equal(weight, shares, sizeof shares);
    loss_mask_targets(&dev, TENSOR(out, I32, 6), targets, TENSOR(value, I32, 6));
    const int32_t masked[] = {1, -1, 3, -1, 0, 6};
    assert_memory_equal(out, masked, sizeof masked);
    /* the count of all ranks, of which these are some tokens */
    count = 16.0;
    loss_mean_weights(&dev, ws, n, targets, 2.0);
    for (int i = 0; i < 6; i++) assert_true(weight[i] == (target[i] < 0 ? 0.0f : 0.125f));
    loss_share_weights(&dev, ws, n, 8.0f);
    for (int i = 0; i < 6; i++) assert_true(weight[i] == (target[i] < 0 ? 0.0f : 0.0625f));
    /* nothing to take the mean of: no weight, and none is infinite */
    for (int i = 0; i < 6; i++) target[i] = -1, weight[i] = 0.0f;
    loss_weighted_sum(&dev, n, ws);
    loss_share_weights(&dev, ws, n, 8.0f);
    for (int i = 0; i < 6; i++) assert_true(weight[i] == 0.0f);
    loss_count_targets(&dev, n, targets);
    loss_mean_weights(&dev, ws, n, targets, 2.0);
    for (int i = 0; i < 6; i++) assert_true(weight[i] == 0.0f);
    device_close(&dev);
}

static void sums_have_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 65536, 65537, 300001};
    for (int k = 0; k < 5; k++) {
        const Tensor x = NORMAL(k, 1.0f, sizes[k]);
        double sum[4], want = 0.0, size = 0.0;
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            loss_weighted_sum(&dev, TENSOR(&sum[threads], F64, 1), x);
            device_close(&dev);
            assert_true(sum[threads] == sum[1]);
        }
        for (int64_t i = 0; i < sizes[k]; i++) {
            want += f32(x)[i];
            size += fabs(f32(x)[i]);
        }
        assert_near(sum[1], want, 1e-12 * size);
        tensors_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_worked_by_hand),
        cmocka_unit_test(gradients_match_differences_in_the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(gradients_of_the_deviance_match_differences),
        cmocka_unit_test(weights_of_means_worked_by_hand),
        cmocka_unit_test(sums_have_the_same_bits_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
