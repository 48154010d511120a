/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks on a few threads. */
#include "base/parallel.h"

#include <stdatomic.h>

#include "test.h"

enum { TASKS = 1000 };

typedef struct {
    atomic_int done[TASKS];
    int64_t first_bad; /* this task and all after it fail; TASKS: none */
} Work;

static Status work(void *context, int64_t index)
{
    Work *w = context;
    atomic_fetch_add(&w->done[index], 1);
    if (index < w->first_bad) return OK;
    return FAIL(ERR_FORMAT, "task %d is bad", (int)index);
}

static void every_task_is_done_once_by_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 0; threads <= 100; threads = 2 * threads + 1) {
        Work w = {.first_bad = TASKS};
        assert_ok(parallel_run(threads, TASKS, work, &w));
        for (int i = 0; i < TASKS; i++) assert_int_equal(w.done[i], 1);
    }
    assert_ok(parallel_run(4, 0, work, NULL));
}

static void the_lowest_failure_is_reported_by_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads++) {
        Work w = {.first_bad = 333};
        assert_refused(parallel_run(threads, TASKS, work, &w), ERR_FORMAT, "task 333 is bad");
        for (int i = 0; i < 333; i++) assert_int_equal(w.done[i], 1);
        if (threads == 1) assert_int_equal(w.done[334], 0);
    }
}

static void threads_are_those_wanted_or_one_a_processor(void **state)
{
    (void)state;
    assert_true(parallel_processors() >= 1);
    assert_int_equal(parallel_threads(3), 3);
    assert_int_equal(parallel_threads(0), parallel_processors());
    assert_int_equal(parallel_threads(-1), parallel_processors());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_is_done_once_by_any_number_of_threads),
        cmocka_unit_test(the_lowest_failure_is_reported_by_any_number_of_threads),
        cmocka_unit_test(threads_are_those_wanted_or_one_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
