/* SPDX-License-Identifier: Apache-2.0 */
/* Which events make a state: every mode against a table by hand, and against its description. */
#include "data/stream/context.h"
#include "test.h"

typedef struct {
    int64_t event, first, last;
} Row;

static void check(ContextMode mode, int64_t length, int64_t start, int64_t end, const Row *row,
                  int rows)
{
    for (int i = 0; i < rows; i++) {
        const Context c = context_window(mode, length, start, end, row[i].event);
        assert_int_equal(c.first, row[i].first);
        assert_int_equal(c.last, row[i].last);
    }
}
#define CHECK(mode, length, start, end, row)                                                       \
    check((mode), (length), (start), (end), (row), (int)(sizeof(row) / sizeof *(row)))

/* Rows 10 .. 21, windows of 5: they end at 21, 17, 13 and begin at 17, 13, 10 (cut from 9). */
static void training_windows_end_where_the_history_does(void **state)
{
    static const Row row[] = {{11, 10, 13}, {12, 10, 13}, {13, 10, 13}, {14, 13, 17}, {15, 13, 17},
                              {16, 13, 17}, {17, 13, 17}, {18, 17, 21}, {19, 17, 21}, {21, 17, 21}};
    (void)state;
    CHECK(CONTEXT_TRAINED, 5, 10, 22, row);
}

static void training_never_sees_as_many_events_as_a_window_has(void **state)
{
    (void)state;
    for (int64_t length = 2; length <= 9; length++)
        for (int64_t end = 2; end <= 40; end++)
            for (int64_t event = 1; event < end; event++) {
                const Context c = context_window(CONTEXT_TRAINED, length, 0, end, event);
                assert_true(c.first >= 0 && c.first < event && event <= c.last && c.last < end);
                assert_true(event - c.first <= length - 1);
                assert_true(c.last - c.first == length - 1 || c.first == 0);
                assert_int_equal((end - 1 - c.last) % (length - 1), 0);
            }
}

/* Rows 10 .. 21, windows of 5: what fits is seen whole; else half a window, rounded up, before the
 * event. */
static void evaluation_serves_the_second_half_of_a_window(void **state)
{
    static const Row row[] = {{11, 10, 15}, {15, 10, 15}, {16, 13, 18},
                              {18, 15, 20}, {19, 16, 21}, {22, 19, 24}};
    static const Row even[] = {{14, 10, 14}, {15, 13, 17}, {18, 16, 20}};
    (void)state;
    CHECK(CONTEXT_EVALUATED, 5, 10, 22, row);
    CHECK(CONTEXT_EVALUATED, 4, 10, 22, even);
}

static void evaluation_sees_half_a_window_at_least(void **state)
{
    (void)state;
    for (int64_t length = 1; length <= 9; length++)
        for (int64_t event = 1; event <= 40; event++) {
            const Context c = context_window(CONTEXT_EVALUATED, length, 0, 40, event);
            for (int64_t served = event; served <= c.last; served++) {
                const int64_t seen = served - c.first;
                assert_true(seen <= length);
                assert_true(seen >= (length + 1) / 2 || c.first == 0);
            }
        }
}

static void acting_and_recommending_see_the_last_events(void **state)
{
    static const Row row[] = {{11, 10, 11}, {14, 10, 14}, {15, 10, 15}, {16, 11, 16}, {22, 17, 22}};
    (void)state;
    CHECK(CONTEXT_ACTED, 5, 10, 22, row);
    CHECK(CONTEXT_RECOMMENDED, 5, 10, 22, row);
}

static void one_event_is_a_history(void **state)
{
    static const Row row[] = {{1, 0, 1}}, more[] = {{1, 0, 5}};
    (void)state;
    CHECK(CONTEXT_ACTED, 5, 0, 1, row);
    CHECK(CONTEXT_RECOMMENDED, 1, 0, 1, row);
    CHECK(CONTEXT_EVALUATED, 5, 0, 1, more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_windows_end_where_the_history_does),
        cmocka_unit_test(training_never_sees_as_many_events_as_a_window_has),
        cmocka_unit_test(evaluation_serves_the_second_half_of_a_window),
        cmocka_unit_test(evaluation_sees_half_a_window_at_least),
        cmocka_unit_test(acting_and_recommending_see_the_last_events),
        cmocka_unit_test(one_event_is_a_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
