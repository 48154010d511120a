/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "losses/answer.h"

/* More than a block of rows; few kinds and many. */
static void check_kinds(int kinds)
{
    enum { ROWS = 301 };
    const Tensor logit = NORMAL(1, 3.0f, ROWS, 2 * kinds), d = new_copy(logit);
    const Tensor loss = NEW(F32, ROWS), kind = NEW(I32, ROWS), left = NEW(I32, ROWS);
    const Tensor weight = NORMAL(2, 1.0f, ROWS), p = NEW(F32, ROWS, 2 * kinds);
    const Tensor factor = NORMAL(3, 1.0f, 2), shift = NORMAL(4, 1.0f, 2 * kinds);
    for (int i = 0; i < ROWS; i++) {
        i32(kind)[i] = i % 7 == 3 ? -1 : i % kinds;
        i32(left)[i] = i % 3 - 1;
    }
    const Tensor d_g = on_gpu(logit), loss_g = gpu_space(loss), p_g = gpu_space(p);
    answer_loss(&cpu, loss, d, logit, kind, left, weight);
    answer_loss(&gpu, loss_g, d_g, d_g, on_gpu(kind), on_gpu(left), on_gpu(weight));
    assert_as_cpu(loss_g, loss, 8);
    assert_as_cpu(d_g, d, 16);
    answer_probabilities(&cpu, p, logit, factor, shift);
    answer_probabilities(&gpu, p_g, on_gpu(logit), on_gpu(factor), on_gpu(shift));
    assert_as_cpu(p_g, p, 16);
    pair_free();
}

static void losses_and_probabilities_are_those_of_the_cpu(void **state)
{
    (void)state;
    check_kinds(2);
    check_kinds(6);
    check_kinds(256);
}

static void ends_are_those_of_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 1000 };
    const Tensor left = NEW(I32, TOKENS), end = NEW(U8, TOKENS), at = NEW(I32, TOKENS);
    const Tensor target = NEW(I32, TOKENS);
    for (int i = 0; i < TOKENS; i++) {
        i32(at)[i] = i / 9 * 9 + (i % 9 < 4 ? i % 9 : 4);
        i32(target)[i] = i % 50 == 49 || i > 950 ? -1 : i;
        ((uint8_t *)end.data)[i] = (uint8_t)(i * i % 3);
    }
    const Tensor left_g = gpu_space(left);
    answer_ends(&cpu, left, end, at, target);
    answer_ends(&gpu, left_g, on_gpu(end), on_gpu(at), on_gpu(target));
    assert_same_bits(from_gpu(left_g), left);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_and_probabilities_are_those_of_the_cpu),
        cmocka_unit_test(ends_are_those_of_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
