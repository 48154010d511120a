/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "dropout.h"

static void compare(int64_t count, float rate, Dtype dtype)
{
    const Tensor x = rounded(NORMAL(1, 1.0f, count)), r = rounded(NORMAL(2, 1.0f, count));
    const Tensor y = NEW(F32, count), xg = as_gpu(dtype, x), rg = as_gpu(dtype, r);
    const Tensor yg = gpu_space(xg), step = NEW(I64, 1);
    *(int64_t *)step.data = 123456789;
    const Dropout on_cpu = {.rate = rate, .seed = 42, .site = 7, .step = step};
    Dropout on_cuda = on_cpu;
    on_cuda.step = on_gpu(step);
    dropout_add(&cpu, y, x, r, on_cpu);
    dropout_add(&gpu, yg, xg, rg, on_cuda);
    assert_as_cpu(yg, y, 1);
    dropout_backward(&cpu, y, x, on_cpu);
    dropout_backward(&gpu, xg, xg, on_cuda);
    const Tensor have = to_f32(from_gpu(xg));
    for (int64_t i = 0; i < count; i++) assert_true((f32(have)[i] == 0.0f) == (f32(y)[i] == 0.0f));
    if (dtype == F32) assert_same_bits(have, y);
    pair_free();
}

static void dropout_has_the_masks_of_the_cpu(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 3, 64, 1021, 4096};
    static const float rates[] = {0.0f, 0.1f, 0.75f};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
            compare(counts[c], rates[r], F32);
            compare(counts[c], rates[r], BF16);
        }
}

static void what_is_dropped_may_be_infinite(void **state)
{
    (void)state;
    const Tensor x = NEW(F32, 64), y = NEW(F32, 64), xg = gpu_space(x);
    for (int i = 0; i < 64; i++) f32(x)[i] = i % 2 ? INFINITY : NAN;
    device_copy_in(&gpu, xg.data, x.data, tensor_bytes(x));
    const Tensor step = NEW(I64, 1);
    dropout_backward(&cpu, y, x, (Dropout){0.5f, 1, 2, step});
    dropout_backward(&gpu, xg, xg, (Dropout){0.5f, 1, 2, on_gpu(step)});
    const Tensor have = from_gpu(xg);
    for (int i = 0; i < 64; i++) assert_true((f32(have)[i] == 0.0f) == (f32(y)[i] == 0.0f));
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropout_has_the_masks_of_the_cpu),
        cmocka_unit_test(what_is_dropped_may_be_infinite),
    };
    return RUN_PAIR_TESTS(tests);
}
