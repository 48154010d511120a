/* SPDX-License-Identifier: Apache-2.0 */
#include "shards.h"

static int open_device(void **state)
{
    static Device cpu;
    (void)state;
    on = &cpu;
    return device_open(on, "cpu", 2) == OK ? 0 : 1;
}

static int close_device(void **state)
{
    (void)state;
    device_close(on);
    return 0;
}

/* max -1, 0, 2 and sums relative to it: in all exp(-1) + exp(0) + 2 exp(0) + exp(2). */
static void parts_worked_by_hand(void **state)
{
    (void)state;
    RowStats part[] = {{1.0, -1.0, -1.0f, 3}, {3.0, 0.0, 0.0f, 5}, {1.0, 2.0, 2.0f, 9}};
    float max, logsumexp, expectation;
    int32_t argmax;
    catalogue_merge_stats(on,
                          (CatalogueStats){TENSOR(&max, F32, 1), TENSOR(&argmax, I32, 1),
                                           TENSOR(&logsumexp, F32, 1),
                                           TENSOR(&expectation, F32, 1)},
                          TENSOR(part, U8, 3, 1, sizeof *part), 1.0f);
    const double sum = exp(-1) + 3 + exp(2);
    assert_true(max == 2.0f && argmax == 9);
    assert_near(logsumexp, log(sum), 1e-6);
    assert_near(expectation, (-exp(-1) + 2 * exp(2)) / sum, 1e-6);
}

int main(void)
{
    struct CMUnitTest tests[1 + sizeof shard_tests / sizeof *shard_tests] = {
        cmocka_unit_test(parts_worked_by_hand)};
    memcpy(tests + 1, shard_tests, sizeof shard_tests);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
