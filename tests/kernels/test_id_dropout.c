/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "id_dropout.h"

enum { SITE = 65535, STEP = 70000 };
static const uint64_t SEED = 0x123456789abcdefull;
static int64_t step_value = STEP;

static Dropout at_rate(float rate)
{
    return (Dropout){rate, SEED, SITE, TENSOR(&step_value, I64, 1)};
}

/* Words of counter 0 under key 0 (Random123's known answers) over 2^32: 0.40, 0.88, 0.74, 0.61. */
static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float kept[] = {9, 9, 9, 9}, popularity[] = {3, 0, 1, 1};
    const Tensor to = TENSOR(kept, F32, 4), known = TENSOR(popularity, F32, 4), none = {0};
    const Tensor step = NEW(I64, 1);
    id_dropout(&dev, to, none, (Dropout){0.7f, 0, 0, step});
    assert_memory_equal(kept, ((float[]){0, 1, 1, 0}), sizeof kept);
    id_dropout(&dev, to, known, (Dropout){0.7f, 0, 0, step});
    assert_memory_equal(kept, ((float[]){0, 0, 1, 0}), sizeof kept);
    id_dropout(&dev, to, known, (Dropout){0});
    assert_memory_equal(kept, ((float[]){1, 0, 1, 1}), sizeof kept);
    id_dropout(&dev, to, none, (Dropout){0});
    assert_memory_equal(kept, ((float[]){1, 1, 1, 1}), sizeof kept);
    device_close(&dev);
    tensors_free();
}

/* The header's definition, item by item. */
static void ragged_sizes_follow_the_definition_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 3, 5, 1000, 50001};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int64_t items = sizes[k];
        const float rate = k % 2 ? 0.3f : 0.5f;
        const Tensor popularity = NORMAL(1, 1.0f, items);
        Tensor kept[4];
        for (int64_t a = 0; a < items; a++)
            f32(popularity)[a] = fmaxf(0.0f, f32(popularity)[a] + 1.0f);
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            kept[threads] = NEW(F32, items);
            id_dropout(&dev, kept[threads], popularity, at_rate(rate));
            device_close(&dev);
            assert_same_bits(kept[threads], kept[1]);
        }
        for (int64_t a = 0; a < items; a++) {
            const Philox p = philox(SEED, (uint64_t)STEP * 65536 + SITE, (uint64_t)a / 4);
            const bool drawn = (double)(p.word[a % 4] >> 8) / 16777216.0 >= (double)rate;
            const bool known = f32(popularity)[a] > 0.0f;
            assert_true(f32(kept[1])[a] == (drawn && known ? 1.0f : 0.0f));
        }
        tensors_free();
    }
}

/* Another step keeps others: of 100,000 items both keep the share 0.49. */
static void each_step_draws_anew(void **state)
{
    (void)state;
    enum { ITEMS = 100000 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor one = NEW(F32, ITEMS), two = NEW(F32, ITEMS), none = {0};
    id_dropout(&dev, one, none, at_rate(0.3f));
    step_value++;
    id_dropout(&dev, two, none, at_rate(0.3f));
    step_value--;
    int both = 0;
    for (int a = 0; a < ITEMS; a++) both += f32(one)[a] * f32(two)[a] != 0.0f;
    assert_near(both, 0.49 * ITEMS, 5 * sqrt(0.49 * 0.51 * ITEMS)); /* five deviations */
    device_close(&dev);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(ragged_sizes_follow_the_definition_on_any_number_of_threads),
        cmocka_unit_test(each_step_draws_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
