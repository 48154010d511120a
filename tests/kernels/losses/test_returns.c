/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "losses/returns.h"

typedef struct {
    Tensor reward, end, value, next, ratio, cu, target, valid, advantage;
    int64_t tokens;
} Data;

/* Windows of 0 to `longest` tokens and a few tokens behind; every token that must not be read is
 * NaN. */
static Data some_data(uint64_t seed, int windows, int longest)
{
    Data d = {.cu = NEW(I32, windows + 1)};
    for (int w = 0; w < windows; w++)
        i32(d.cu)[w + 1] =
            i32(d.cu)[w] + (int32_t)((seed + (uint64_t)(w * w)) % (uint64_t)(longest + 1));
    d.tokens = i32(d.cu)[windows] + 4;
    d.reward = NORMAL(seed, 1.0f, d.tokens), d.value = NORMAL(seed + 1, 1.0f, d.tokens);
    d.next = NORMAL(seed + 2, 1.0f, d.tokens), d.ratio = NORMAL(seed + 3, 1.0f, d.tokens);
    d.end = NEW(U8, d.tokens);
    for (int64_t t = 0; t < d.tokens; t++)
        ((uint8_t *)d.end.data)[t] = (uint8_t)((uint64_t)t * 7 % 11 < 9 ? 0 : 1 + t % 2);
    for (int w = 0; w < windows; w++) {
        const int64_t last = i32(d.cu)[w + 1] - 1;
        if (i32(d.cu)[w] <= last)
            f32(d.reward)[last] = f32(d.value)[last] = f32(d.ratio)[last] = NAN;
        if (i32(d.cu)[w] <= last) f32(d.next)[i32(d.cu)[w]] = NAN; /* no state is before it */
    }
    for (int64_t t = d.tokens - 4; t < d.tokens; t++) f32(d.reward)[t] = f32(d.value)[t] = NAN;
    d.target = NEW(F32, d.tokens), d.valid = NEW(F32, d.tokens), d.advantage = NEW(F32, d.tokens);
    return d;
}

static void run(Data d, ReturnsOptions o, bool with_ratio)
{
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1 + (int)d.tokens % 3));
    const ReturnsInput in = {d.reward, d.end, d.value, d.next, with_ratio ? d.ratio : (Tensor){0},
                             d.cu};
    returns(&dev, d.target, d.valid, d.advantage, in, o);
    device_close(&dev);
}

/* The sum that the recursion unrolls: sum_k (prod gamma c) rho delta, from token t on. */
static double unrolled(const Data *d, ReturnsOptions o, bool with_ratio, int64_t t, int64_t last,
                       double *size)
{
    double sum = 0.0, weight = 1.0;
    *size = 0.0;
    for (int64_t k = t; k < last; k++) {
        const uint8_t end = ((const uint8_t *)d->end.data)[k];
        if (end != 1 && k + 1 == last && !o.last_has_value) break;
        const double boot = end == 1 ? 0.0 : f32(d->next)[k + 1];
        const double delta = f32(d->reward)[k] + (double)o.gamma * boot - f32(d->value)[k];
        const double w = with_ratio ? exp((double)f32(d->ratio)[k]) : 1.0;
        const double rho = o.rho_max > 0.0f ? fmin(o.rho_max, w) : 1.0;
        sum += weight * rho * delta;
        *size += weight * rho * (fabs(f32(d->reward)[k]) + fabs(boot) + fabs(f32(d->value)[k]));
        if (end != 0 || k + 1 == last) break;
        const double next = with_ratio ? exp((double)f32(d->ratio)[k + o.trace_of_next]) : 1.0;
        weight *= (double)o.gamma * (double)o.lambda * fmin(o.c_max, next);
    }
    return sum;
}

static const ReturnsOptions options[] = {
    {0.9f, 0.8f, 0.0f, 1.0f, false, true},   {0.99f, 1.0f, 0.0f, 1.0f, false, false},
    {0.9f, 0.7f, 0.0f, 1.0f, true, true},    {0.95f, 1.0f, 1.0f, 1.0f, false, true},
    {0.95f, 0.9f, 2.0f, 1.5f, false, false}, {0.0f, 0.5f, 1.0f, 1.0f, true, true},
};
enum { OPTIONS = sizeof options / sizeof *options };

/* Retrace reads the ratio of the next action: a window's last token has none, and its transition is
 * cut. */
static void random_windows_match_the_unrolled_sum(void **state)
{
    (void)state;
    for (int k = 0; k < 4 * OPTIONS; k++) {
        const ReturnsOptions o = options[k % OPTIONS];
        const bool with_ratio = k % OPTIONS >= 2;
        const int longest[] = {3, 40, 70, 1};
        const Data d = some_data(10 * (uint64_t)k, 20, longest[k / OPTIONS]);
        run(d, o, with_ratio);
        for (int w = 0; w < 20; w++)
            for (int64_t t = i32(d.cu)[w], last = i32(d.cu)[w + 1] - 1; t <= last; t++) {
                const uint8_t end = ((const uint8_t *)d.end.data)[t];
                const bool known = t < last && (end == 1 || t + 1 < last || o.last_has_value);
                assert_true(f32(d.valid)[t] == (known ? 1.0f : 0.0f));
                if (!known) {
                    assert_true(f32(d.target)[t] == 0.0f && f32(d.advantage)[t] == 0.0f);
                    continue;
                }
                double size, rest_size;
                const double error = unrolled(&d, o, with_ratio, t, last, &size);
                const bool cut = end != 0 || t + 1 == last;
                const double rest =
                    cut ? 0.0 : unrolled(&d, o, with_ratio, t + 1, last, &rest_size);
                const double boot = end == 1 ? 0.0 : f32(d.next)[t + 1];
                const double want = f32(d.value)[t] + error;
                const double advantage =
                    f32(d.reward)[t] + (double)o.gamma * (boot + rest) - f32(d.value)[t];
                assert_near(f32(d.target)[t], want, fabs(want) * ULP + size * 1e-14);
                assert_near(f32(d.advantage)[t], advantage,
                            fabs(advantage) * ULP + (cut ? size : size + rest_size) * 1e-14);
            }
        for (int64_t t = d.tokens - 4; t < d.tokens; t++)
            assert_true(f32(d.valid)[t] == 0.0f && f32(d.target)[t] == 0.0f &&
                        f32(d.advantage)[t] == 0.0f);
        tensors_free();
    }
}

/* One window of four transitions, by hand: gamma 1/2, lambda 1/2. */
static void gae_worked_by_hand(void **state)
{
    (void)state;
    float reward[] = {1, 2, 3, 4, NAN}, value[] = {1, 1, 1, 1, NAN}, next[] = {NAN, 2, 2, 2, 2};
    uint8_t end[] = {0, 0, 1, 0, 0};
    int32_t cu[] = {0, 5};
    float target[5], valid[5];
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    const ReturnsInput in = {TENSOR(reward, F32, 5), TENSOR(end, U8, 5), TENSOR(value, F32, 5),
                             TENSOR(next, F32, 5),   (Tensor){0},        TENSOR(cu, I32, 2)};
    returns(&dev, TENSOR(target, F32, 5), TENSOR(valid, F32, 5), (Tensor){0}, in,
            (ReturnsOptions){0.5f, 0.5f, 0.0f, 1.0f, false, true});
    device_close(&dev);
    /* delta: 1, 2, 2 (terminal), 4; E[3] = 4, E[2] = 2, E[1] = 2 + 2/4, E[0] = 1 + 2.5/4 */
    const float want[] = {1 + 1.625f, 1 + 2.5f, 1 + 2.0f, 1 + 4.0f, 0};
    for (int t = 0; t < 5; t++) {
        assert_true(target[t] == want[t]);
        assert_true(valid[t] == (t < 4 ? 1.0f : 0.0f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_windows_match_the_unrolled_sum),
        cmocka_unit_test(gae_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
