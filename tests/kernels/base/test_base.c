/* SPDX-License-Identifier: Apache-2.0 */
/* The substrate: tensors, arenas, scratch, random numbers. */
#include "base/scratch.h"
#include "test.h"

#include "base/arena.h"
#include "base/rng.h"

static void arena_measures_then_places(void **state)
{
    (void)state;
    Device dev;
    assert_int_equal(device_open(&dev, "cpu", 1), OK);
    Arena a = {0};
    for (int pass = 0; pass < 2; pass++) {
        const Tensor x = ARENA(&a, F32, 7, 33), w = ARENA(&a, BF16, 33);
        assert_int_equal(a.used, 1024 + 256);
        if (pass == 1)
            assert_int_equal((char *)w.data - (char *)x.data, 1024);
        else
            assert_int_equal(arena_open(&a, &dev, "a test"), OK);
    }
    arena_close(&a);
    device_close(&dev);
}

static void scratch_is_a_stack_that_settles_into_one_block(void **state)
{
    (void)state;
    Device dev;
    assert_int_equal(device_open(&dev, "cpu", 1), OK);
    const void *first = NULL;
    for (int step = 0; step < 4; step++) {
        const size_t outer = scratch_mark(&dev);
        Tensor x = SCRATCH(&dev, F32, 1 << 19);
        const size_t inner = scratch_mark(&dev);
        Tensor y = SCRATCH(&dev, F32, 1 << 20);
        memset(x.data, 1, tensor_bytes(x));
        memset(y.data, 2, tensor_bytes(y));
        assert_int_equal(*(char *)x.data, 1);
        scratch_release(&dev, inner);
        Tensor z = SCRATCH(&dev, F32, 1);
        if (step >= 2) assert_ptr_equal(z.data, y.data);
        scratch_release(&dev, outer);
        if (step >= 2 && first) assert_ptr_equal(first, x.data);
        if (step >= 1) first = x.data;
    }
    assert_int_equal(dev.scratch.high_water, 6 << 20);
    device_close(&dev);
}

/* Known answers of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds). */
static void philox_gives_the_published_words(void **state)
{
    (void)state;
    const Philox zero = philox(0, 0, 0);
    assert_int_equal(zero.word[0], 0x6627e8d5u);
    assert_int_equal(zero.word[1], 0xe169c58du);
    assert_int_equal(zero.word[2], 0xbc57ac4cu);
    assert_int_equal(zero.word[3], 0x9b00dbd8u);
    const Philox pi = philox(0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u);
    assert_int_equal(pi.word[0], 0xd16cfe09u);
    assert_int_equal(pi.word[1], 0x94fdccebu);
    assert_int_equal(pi.word[2], 0x5001e420u);
    assert_int_equal(pi.word[3], 0x24126ea1u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_measures_then_places),
        cmocka_unit_test(scratch_is_a_stack_that_settles_into_one_block),
        cmocka_unit_test(philox_gives_the_published_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
