/* SPDX-License-Identifier: Apache-2.0 */
/* Three events of two users under a scorer that ranks, one that does not, and one more. */
#include "test.h"

#include <unistd.h>

#include "evaluate/ranking/event_table.h"

static void test_lines(void **state)
{
    (void)state;
    int64_t user[] = {1, 4}, first[] = {0, 2, 3}, event[] = {11, 13, 40};
    int64_t offset[] = {0, 10, 20, 25, 30, 50};
    int32_t target[] = {7, 8, 9}, above[][3] = {{0, 5, 2}, {1, 0, 3}},
            ties[][3] = {{0, 1, 0}, {9, 0, 4}};
    const Histories h = {.offset = offset};
    Evaluation e = {.histories = &h,
                    .scorers = 3,
                    .events = {.count = 3,
                               .users = 2,
                               .user = user,
                               .first = first,
                               .known = event,
                               .target = target},
                    .scorer = {{.scorer = {.name = "policy", .ranks = true},
                                .seeds = 2,
                                .ranking = {{.above = above[0], .ties = ties[0]},
                                            {.above = above[1], .ties = ties[0]}}},
                               {.scorer = {.name = "rates"}, .seeds = 1},
                               {.scorer = {.name = "last item", .ranks = true},
                                .seeds = 1,
                                .ranking = {{.above = above[1], .ties = ties[1]}}}}};
    char path[] = "/tmp/souk-event-table-XXXXXX";
    close(mkstemp(path));
    assert_int_equal(event_table_write(path, &e), OK);
    char text[1024] = "";
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    fread(text, 1, sizeof text - 1, in);
    fclose(in);
    unlink(path);
    assert_string_equal(text, "user\thistory\ttarget\tpolicy above\tpolicy ties\t"
                              "policy seed 2 above\tpolicy seed 2 ties\t"
                              "last item above\tlast item ties\n"
                              "1\t1\t7\t0\t0\t1\t0\t1\t9\n"
                              "1\t3\t8\t5\t1\t0\t1\t0\t0\n"
                              "4\t10\t9\t2\t0\t3\t0\t3\t4\n");
}

static void test_refuses(void **state)
{
    (void)state;
    assert_int_equal(event_table_write("/nowhere/events", &(Evaluation){0}), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines),
                                       cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
