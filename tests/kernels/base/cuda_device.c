/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "base/arena.h"
#include "elementwise.h"

enum { COUNT = 1000 };

static void memory_is_zeroed_and_copies_arrive(void **state)
{
    (void)state;
    const Tensor x = NORMAL(1, 1.0f, COUNT), back = NEW(F32, COUNT), zero = NEW(F32, COUNT);
    float *a = device_alloc(&gpu, sizeof(float) * COUNT, "a test"),
          *b = device_alloc(&gpu, sizeof(float) * COUNT, "a test");
    device_copy_out(&gpu, back.data, a, tensor_bytes(back));
    assert_same_bits(back, zero);
    device_copy_in(&gpu, a, x.data, tensor_bytes(x));
    device_copy(&gpu, b, a, tensor_bytes(x));
    device_copy_out(&gpu, back.data, b, tensor_bytes(back));
    assert_same_bits(back, x);
    assert_ok(device_sync(&gpu));
    device_free(&gpu, a);
    device_free(&gpu, b);
    device_free(&gpu, NULL);
    pair_free();
}

/* One buffer is filled again and again, as a training loop feeds batches. */
static void what_is_fed_is_there_for_later_ops(void **state)
{
    (void)state;
    Tensor x = NORMAL(1, 1.0f, COUNT), sum = on_gpu(NEW(F32, COUNT)), slot = gpu_space(x);
    const Tensor want = NEW(F32, COUNT);
    float *pinned = device_alloc_host(&gpu, tensor_bytes(x), "a test");
    assert_non_null(pinned);
    for (int step = 0; step < 3; step++) {
        fill_normal(pinned, COUNT, (uint64_t)step, 1.0f);
        elementwise_add(&cpu, want, TENSOR(pinned, F32, COUNT));
        device_feed_follow(&gpu);
        device_feed(&gpu, slot.data, pinned, tensor_bytes(x));
        device_feed_join(&gpu);
        elementwise_add(&gpu, sum, slot);
        device_feed_done(&gpu);
    }
    assert_as_cpu(sum, want, 0);
    device_free(&gpu, pinned);
    pair_free();
}

static void scratch_and_arenas_are_memory_of_the_device(void **state)
{
    (void)state;
    for (int step = 0; step < 2; step++) {
        const size_t mark = scratch_mark(&gpu);
        const Tensor small = SCRATCH(&gpu, F32, 7), large = SCRATCH(&gpu, F32, 700000);
        elementwise_fill(&gpu, small, 1.0f);
        elementwise_fill(&gpu, large, 2.0f);
        assert_int_equal(elementwise_rows_finite(&gpu, large), -1);
        const Tensor host = from_gpu(small);
        for (int i = 0; i < 7; i++) assert_true(f32(host)[i] == 1.0f);
        scratch_release(&gpu, mark);
    }
    Arena arena = {0};
    Tensor t = {0};
    for (int pass = 0; pass < 2; pass++) {
        t = ARENA(&arena, F32, 3, 5);
        if (pass == 0) assert_ok(arena_open(&arena, &gpu, "a test"));
    }
    elementwise_fill(&gpu, t, 3.0f);
    assert_true(f32(from_gpu(t))[14] == 3.0f);
    arena_close(&arena);
    pair_free();
}

static void the_first_failure_stays(void **state)
{
    (void)state;
    Device broken;
    assert_ok(device_open(&broken, "cuda", 1));
    const Tensor y = on_gpu(NORMAL(1, 1.0f, 10)), before = from_gpu(y);
    device_failed_cuda(&broken, "a call", "its cause");
    elementwise_fill(&broken, y, 0.0f);
    device_copy_in(&broken, y.data, (const char[4]){0}, 4);
    assert_int_equal(device_sync(&broken), ERR_DEVICE);
    assert_string_equal(status_message(), "cuda:0: a call: its cause");
    assert_same_bits(from_gpu(y), before);
    status_clear();
    device_close(&broken);
    pair_free();
}

static void a_gpu_without_memory_for_scratch_fails_and_says_for_what(void **state)
{
    (void)state;
    Device full;
    assert_ok(device_open(&full, "cuda", 1));
    const Tensor y = on_gpu(NORMAL(1, 1.0f, 10)), before = from_gpu(y);
    const size_t mark = scratch_mark(&full);
    status_clear();
    assert_non_null(SCRATCH(&full, U8, (int64_t)1 << 40).data);
    assert_false(scratch_ready(&full, mark));
    elementwise_fill(&full, y, 0.0f);
    assert_same_bits(from_gpu(y), before);
    assert_refused(device_sync(&full), ERR_MEMORY,
                   "no memory for scratch (a tensor u8[1099511627776]): want 1099511627776 bytes; "
                   "cuda:0 has ");
    device_close(&full);
    pair_free();
}

static void names_are_checked(void **state)
{
    (void)state;
    static const char *const wrong[] = {"gpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Device dev;
        assert_int_equal(device_open(&dev, wrong[i], 1), ERR_USAGE);
        assert_non_null(strstr(status_message(), wrong[i]));
        status_clear();
        device_close(&dev);
    }
    Device dev;
    assert_int_equal(device_open(&dev, "cuda:999", 1), ERR_USAGE);
    assert_non_null(strstr(status_message(), "this machine has"));
    status_clear();
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_copies_arrive),
        cmocka_unit_test(what_is_fed_is_there_for_later_ops),
        cmocka_unit_test(scratch_and_arenas_are_memory_of_the_device),
        cmocka_unit_test(the_first_failure_stays),
        cmocka_unit_test(a_gpu_without_memory_for_scratch_fails_and_says_for_what),
        cmocka_unit_test(names_are_checked),
    };
    return RUN_PAIR_TESTS(tests);
}
