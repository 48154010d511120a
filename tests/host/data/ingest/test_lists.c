/* SPDX-License-Identifier: Apache-2.0 */
/* Records with lists: one event for each element. */
#include "ingest_case.h"

#define LEAVE "[split]\nrule = leave-one-out\n"

static void an_array_of_objects_is_one_event_each(void **state)
{
    (void)state;
    assert_ok(ingest_text(
        "[list]\ncolumns = events\n[columns]\nuser = s\nitem = events.aid\n"
        "action = events.kind.name\ntime = events.ts\ntime_unit = s\n[actions]\nlook = 0\nbuy = 1\n"
        "[events]\nprice = number events.price\nsize = number size\n" LEAVE,
        "{\"events\": [{\"aid\": 7, \"ts\": 10, \"kind\": {\"name\": \"look\"}}, {\"ts\": 20, "
        "\"kind\": {\"name\": \"buy\"}, \"aid\": \"\\u00e9\", \"price\": 3}], \"s\": 1, \"size\": "
        "2}\n"
        "{\"s\": 2, \"events\": [{\"aid\": 8, \"ts\": 5, \"kind\": {\"name\": \"buy\"}}], "
        "\"size\": "
        "4}\n{\"s\": 3, \"events\": []}\n{\"s\": 4}\n{\"s\": 5, \"events\": [3]}\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: 7 \xc3\xa9 | 2: 8");
    assert_int_equal(r.time[1], 20000);
    assert_int_equal(r.action[0], 0);
    assert_int_equal(r.action[1], 1);
    assert_int_equal(report.rows, 6);
    assert_int_equal(report.bad[BAD_LIST].count, 2);
    assert_int_equal(report.bad[BAD_LIST].line, 3);
    assert_int_equal(report.bad[BAD_NO_ITEM].count, 1);
    close_read(&r);
}

static void arrays_side_by_side_have_equal_lengths(void **state)
{
    (void)state;
    assert_ok(ingest_text("[list]\ncolumns = items, days\n[columns]\nuser = u\nitem = items\n"
                          "time = days\ntime_unit = iso\n" LEAVE,
                          "{\"u\": 1, \"items\": [\"a\", 2.50], \"days\": [\"2020-01-01\", "
                          "\"2020-01-02\"]}\n{\"u\": 2, \"items\": [1, 2], \"days\": "
                          "[\"2020-01-01\"]}\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: a 2.50");
    assert_int_equal(r.time[1] - r.time[0], 86400000);
    assert_int_equal(report.bad[BAD_LIST].count, 1);
    assert_non_null(strstr(report.bad[BAD_LIST].why, "items has 2 elements and days has 1"));
    close_read(&r);
}

static void a_cell_may_have_elements_of_parts(void **state)
{
    (void)state;
    assert_ok(ingest_text("[list]\ncolumns = shown\nfields = news,taken\nfield_separator = -\n"
                          "[columns]\nuser = u\nitem = shown.news\naction = shown.taken\ntime = t\n"
                          "reward = shown.taken\n[actions]\nimpression = 0\nclick = 1\n"
                          "[action_values]\n0 = impression\n1 = click\n" LEAVE,
                          "u,t,shown\na,5,N1-0 N2-1  X-9-0\na,5,N1-0 N2-1  X-9-0\nb,6,N3\n"));
    Read r = read_file("out.h5");
    assert_int_equal(r.b.events, 3);
    assert_int_equal(report.duplicates, 3); /* the second row is the first once more */
    assert_int_equal(report.bad[BAD_ACTION].count, 1);
    const char *key;
    for (int e = 0; e < 3; e++) {
        assert_ok(behaviour_keys_item(&r.b, r.item[e], &key));
        assert_int_equal(r.action[e], strcmp(key, "N2") == 0);
        assert_near(r.reward[e], r.action[e], 0.0);
    }
    assert_ok(behaviour_keys_item(&r.b, 2, &key));
    assert_string_equal(key, "X-9");
    close_read(&r);
}

static void a_list_may_have_brackets_quotes_and_one_element_more(void **state)
{
    (void)state;
    assert_ok(
        ingest_text("[input]\ndelimiter = tab\n[list]\ncolumns = past\nseparator = comma\n"
                    "then = next\n[columns]\nuser = u\nitem = past\n" LEAVE,
                    "u\tpast\tnext\n1\t['a', 'b c', 3]\td\n2\t[]\te\n3\tx, x\tx\n4\t1,,2\t3\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: a b c 3 d | 2: e | 3: x x x | 4: 1 2 3");
    assert_int_equal(r.time[3], 3000);
    assert_int_equal(report.bad[BAD_NO_ITEM].count, 1); /* between two commas */
    close_read(&r);
}

static void what_a_list_lacks_is_named(void **state)
{
    (void)state;
    assert_fails(
        ingest_text("[list]\ncolumns = l\n[columns]\nuser = u\nitem = l\n" LEAVE, "u,i\n1,2\n"),
        "no column \"l\"; the columns are: u, i");
    assert_fails(
        ingest_text("[list]\ncolumns = l\nfields = a,b\n[columns]\nuser = u\nitem = l.c\n" LEAVE,
                    "u,l\n1,2\n"),
        "no column \"l.c\"");
    assert_fails(
        ingest_text("[list]\ncolumns = l\n[columns]\nuser = u\nitem = l\ntime = l\n", "u,l\n1,2\n"),
        "time_unit");
    assert_fails(
        ingest_text("[list]\ncolumns = l,k\nthen = i\n[columns]\nuser = u\nitem = l\n" LEAVE,
                    "u,l,k,i\n1,2,3,4\n"),
        "[list] then has 1 column, want one for each of the 2 lists");
}

static void times_may_be_a_date_and_milliseconds_after_it(void **state)
{
    (void)state;
    assert_ok(ingest_text("[columns]\nuser = u\nitem = i\ntime = day\ntime_unit = %m%d\n"
                          "time_origin = 2014-01-01\ntime_offset = after\n" LEAVE,
                          "u,i,day,after\n1,x,511,1500\n1,y,1111,\n1,z,1111,soon\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: x y");
    assert_int_equal(r.time[0], 1399766400000 + 1500);
    assert_int_equal(r.time[1], 1415664000000);
    assert_non_null(strstr(report.bad[BAD_TIME].why, "after is \"soon\", expected milliseconds"));
    close_read(&r);
}

static void types_in_a_header_are_no_part_of_the_names(void **state)
{
    (void)state;
    assert_ok(ingest_text(LEAVE, "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
                                 "1\tx\t4\t1000000000\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: x");
    close_read(&r);
    assert_fails(ingest_text(LEAVE, "user_id:token\titem_id:token\tnote\n1\tx\t4\n"),
                 "no column looks like the user");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_array_of_objects_is_one_event_each),
        CASE(arrays_side_by_side_have_equal_lengths),
        CASE(a_cell_may_have_elements_of_parts),
        CASE(a_list_may_have_brackets_quotes_and_one_element_more),
        CASE(what_a_list_lacks_is_named),
        CASE(times_may_be_a_date_and_milliseconds_after_it),
        CASE(types_in_a_header_are_no_part_of_the_names),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
