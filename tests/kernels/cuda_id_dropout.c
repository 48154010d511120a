/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "id_dropout.h"

static void compare(int64_t items, float rate, bool counted)
{
    const Tensor popularity = counted ? NORMAL(1, 1.0f, items) : (Tensor){0};
    const Tensor kept = NEW(F32, items), kept_gpu = gpu_space(kept), step = NEW(I64, 1);
    *(int64_t *)step.data = 123456789;
    const Dropout on_cpu = {.rate = rate, .seed = 42, .site = 65535, .step = step};
    Dropout on_cuda = on_cpu;
    on_cuda.step = on_gpu(step);
    id_dropout(&cpu, kept, popularity, on_cpu);
    id_dropout(&gpu, kept_gpu, on_gpu(popularity), on_cuda);
    assert_same_bits(from_gpu(kept_gpu), kept);
    pair_free();
}

static void the_same_items_are_kept_as_on_the_cpu(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 3, 256, 1021};
    static const float rates[] = {0.0f, 0.3f, 0.75f};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
        for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
            compare(sizes[n], rates[r], false);
            compare(sizes[n], rates[r], true);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_items_are_kept_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
