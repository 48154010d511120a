/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch: a stack that becomes one block, that is measured, and that may have no memory. */
#include <stdbool.h>

#include "failing.h"
#include "op.h"

#include "base/scratch.h"
#include "elementwise.h"
#include "gemm.h"

enum { ROWS = 400, DIM = 300 };

/* Two tensors at once, then another one. */
static void work(Device *dev)
{
    const size_t mark = scratch_mark(dev);
    const Tensor a = SCRATCH(dev, F32, ROWS, DIM), b = SCRATCH(dev, F32, 3, ROWS, DIM);
    elementwise_fill(dev, a, 1.0f);
    elementwise_fill(dev, b, 2.0f);
    scratch_release(dev, mark);
    elementwise_fill(dev, SCRATCH(dev, F32, DIM), 3.0f);
    scratch_release(dev, mark);
}

static void reserved_scratch_never_moves(void **state)
{
    (void)state;
    Device dev, measuring;
    assert_ok(device_open(&dev, "cpu", 1));
    device_open_measuring(&measuring, &dev);
    work(&measuring);
    assert_int_equal(measuring.scratch.high_water, 4 * ROWS * DIM * 4);
    assert_ok(scratch_reserve(&measuring, 1000));
    assert_int_equal(device_held(&measuring, NULL), 0);

    assert_ok(scratch_reserve(&dev, measuring.scratch.high_water));
    assert_int_equal(device_held(&dev, "scratch"), measuring.scratch.high_water);
    const long before = allocations;
    const int64_t bottoms = dev.scratch.bottoms;
    for (int i = 0; i < 3; i++) work(&dev);
    assert_int_equal(allocations, before);
    assert_int_equal(dev.scratch.bottoms, bottoms);
    assert_int_equal(dev.scratch.high_water, measuring.scratch.high_water);
    assert_true(scratch_stays(&dev));
    device_close(&measuring);
    device_close(&dev);
}

static void a_device_without_memory_for_scratch_fails_and_says_for_what(void **state)
{
    (void)state;
    float x[4] = {1, 2, 3, 4}, y[4] = {0};
    const Tensor to = TENSOR(y, F32, 4), from = TENSOR(x, F32, 4);
    for (long n = 1; n <= 3; n++) { /* the block's record, the device's record, the memory */
        Device dev;
        assert_ok(device_open(&dev, "cpu", 1));
        status_clear();
        allocations = 0;
        failing = n;
        const size_t mark = scratch_mark(&dev);
        const Tensor t = SCRATCH(&dev, F32, ROWS, DIM);
        failing = 0;
        assert_int_equal(allocations, n);
        assert_non_null(t.data);
        assert_int_equal(dev.status, ERR_MEMORY);
        assert_false(scratch_ready(&dev, mark));
        assert_int_equal(scratch_mark(&dev), mark);
        elementwise_copy(&dev, to, from);
        assert_true(y[0] ==
                    0.0f); /* memory may be there again: a device that has failed stays so */
        status_clear();
        assert_refused(device_sync(&dev), ERR_MEMORY,
                       "no memory for scratch (a tensor f32[400,300])");
        device_close(&dev);
    }
}

/* A Status of device_alloc is the caller's; the device goes on. */
static void an_allocation_that_fails_does_not_fail_the_device(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    status_clear();
    allocations = 0;
    failing = 2;
    assert_null(device_alloc(&dev, 1000, "a test"));
    failing = 0;
    assert_non_null(strstr(status_message(), "no memory for a test: want 1000 bytes"));
    status_clear();
    assert_int_equal(dev.status, OK);
    void *memory = device_alloc(&dev, 1000, "a test");
    assert_non_null(memory);
    assert_int_equal(device_held(&dev, "a test"), 1024);
    device_free(&dev, memory);
    assert_int_equal(device_held(&dev, NULL), 0);
    device_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_scratch_never_moves),
        cmocka_unit_test(a_device_without_memory_for_scratch_fails_and_says_for_what),
        cmocka_unit_test(an_allocation_that_fails_does_not_fail_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
