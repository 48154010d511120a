/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "losses/answer.h"
#include "losses/end.h"

enum { ROWS = 60, KINDS = 5, COLUMNS = 2 * KINDS };

typedef struct {
    int32_t kind[ROWS], left[ROWS];
    double weight[ROWS];
} Answers;

/* Every third row without an answer, every fourth without a known end; row 6 has the weight 0. */
static Answers answers(void)
{
    Answers a;
    for (int i = 0; i < ROWS; i++) {
        a.kind[i] = i % 3 == 2 ? -1 : i * 7 % KINDS;
        a.left[i] = i % 4 == 3 ? -1 : i / 4 % 2;
        a.weight[i] = i == 6 ? 0.0 : 0.25 + i % 5;
    }
    return a;
}

/* The definition, in double: the sum over rows. */
static double total(const double *z, const void *context)
{
    const Answers *a = context;
    double sum = 0.0;
    for (int i = 0; i < ROWS; i++) {
        if (a->kind[i] < 0) continue;
        double all = 0.0;
        for (int k = 0; k < KINDS; k++) all += exp(z[i * COLUMNS + k]);
        const double ended = 1.0 / (1.0 + exp(-z[i * COLUMNS + KINDS + a->kind[i]]));
        double likelihood = exp(z[i * COLUMNS + a->kind[i]]) / all;
        if (a->left[i] >= 0) likelihood *= a->left[i] ? ended : 1.0 - ended;
        sum -= a->weight[i] * log(likelihood);
    }
    return sum;
}

static void the_loss_and_its_gradient_are_those_of_the_likelihood(void **state)
{
    (void)state;
    const Answers a = answers();
    const Tensor logit = NORMAL(3, 1.5f, ROWS, COLUMNS), loss = NEW(F32, ROWS);
    const Tensor kind = NEW(I32, ROWS), left = NEW(I32, ROWS), weight = NEW(F32, ROWS);
    double z[ROWS * COLUMNS], want[ROWS * COLUMNS], have = 0.0;
    memcpy(kind.data, a.kind, sizeof a.kind);
    memcpy(left.data, a.left, sizeof a.left);
    for (int i = 0; i < ROWS; i++) f32(weight)[i] = (float)a.weight[i];
    to_double(z, logit);
    const double exact = total(z, &a);
    differences(want, total, &a, z, ROWS * COLUMNS);
    for (int threads = 1; threads <= 3; threads++) {
        const Tensor d = new_copy(logit);
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        answer_loss(&dev, loss, d, d, kind, left, weight);
        device_close(&dev);
        have = 0.0;
        for (int i = 0; i < ROWS; i++) have += (double)f32(loss)[i];
        assert_near(have, exact, 1e-6 * exact);
        assert_near(relative_l2(f32(d), want, ROWS * COLUMNS), 0.0, 1e-6);
        for (int c = 0; c < COLUMNS; c++) assert_true(f32(d)[2 * COLUMNS + c] == 0.0f);
    }
    tensors_free();
}

/* exp() of such logits is infinite, and so is the square of the loss. */
static void logits_of_any_size_give_a_finite_loss(void **state)
{
    (void)state;
    float logit[] = {1000, -1000, 2000, -2000}, loss[1], weight[] = {1};
    int32_t kind[] = {1}, left[] = {1};
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    answer_loss(&dev, TENSOR(loss, F32, 1), TENSOR(logit, F32, 1, 4), TENSOR(logit, F32, 1, 4),
                TENSOR(kind, I32, 1), TENSOR(left, I32, 1), TENSOR(weight, F32, 1));
    device_close(&dev);
    assert_near(loss[0], 2000.0 + 2000.0, 0.0);
    const double want[] = {1, -1, 0, -1};
    for (int c = 0; c < 4; c++) assert_near(logit[c], want[c], 0.0);
}

static void probabilities_are_those_of_the_changed_logits(void **state)
{
    (void)state;
    const Tensor p = NORMAL(4, 2.0f, ROWS, COLUMNS), shift = NORMAL(5, 1.0f, COLUMNS);
    const Tensor logit = new_copy(p), factor = NEW(F32, 2);
    Device dev;
    f32(factor)[0] = 0.7f, f32(factor)[1] = 1.3f;
    assert_ok(device_open(&dev, "cpu", 2));
    answer_probabilities(&dev, p, p, factor, shift);
    device_close(&dev);
    for (int i = 0; i < ROWS; i++) {
        double weight[COLUMNS], sum = 0.0;
        for (int c = 0; c < COLUMNS; c++) {
            const double f = f32(factor)[c / KINDS];
            weight[c] = exp(f * f32(logit)[i * COLUMNS + c] + f32(shift)[c]);
            if (c < KINDS) sum += weight[c];
        }
        for (int c = 0; c < COLUMNS; c++)
            assert_near(f32(p)[i * COLUMNS + c], weight[c] / (c < KINDS ? sum : 1.0 + weight[c]),
                        2e-6);
    }
    tensors_free();
}

/* Two windows of 9 and 3 tokens and one of padding. In the first, the events 3, 4 and 5 have one
 * time, and so have 7 and 8; the first target belongs to another window. */
static void events_of_one_time_end_together(void **state)
{
    (void)state;
    enum { TOKENS = 13 };
    int32_t at[TOKENS] = {0, 1, 2, 2, 2, 5, 6, 6, 8, 9, 10, 11, -1}, left[TOKENS];
    int32_t target[TOKENS] = {-1, 4, 0, 3, 3, 1, 2, 5, -1, 7, 7, -1, -1};
    uint8_t end[TOKENS] = {[1] = END_TRUNCATED, [4] = END_TERMINAL, [6] = END_TERMINAL, [9] = 1};
    const int32_t want[TOKENS] = {-1, -1, 1, 1, 1, 0, 0, 0, -1, 1, 0, -1, -1};
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    answer_ends(&dev, TENSOR(left, I32, TOKENS), TENSOR(end, U8, TOKENS), TENSOR(at, I32, TOKENS),
                TENSOR(target, I32, TOKENS));
    device_close(&dev);
    for (int i = 0; i < TOKENS; i++) assert_int_equal(left[i], want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_and_its_gradient_are_those_of_the_likelihood),
        cmocka_unit_test(logits_of_any_size_give_a_finite_loss),
        cmocka_unit_test(probabilities_are_those_of_the_changed_logits),
        cmocka_unit_test(events_of_one_time_end_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
