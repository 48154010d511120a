/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the columns of a log that the mapping does not name. */
#include "data/rawlog/detect.h"

#include "ingest_case.h"

#define LEAVE "[split]\nrule = leave-one-out\n"

/* "user item: a use of it" of the column `name` in the last report. */
static const char *use_of(const char *name)
{
    for (int i = 0; i < report.columns.count; i++)
        if (strcmp(report.columns.column[i].name, name) == 0) return report.columns.column[i].use;
    fail_msg("the report has no column \"%s\"", name);
    return NULL;
}

static const char *why_not(const char *name)
{
    for (int i = 0; i < report.columns.count; i++)
        if (strcmp(report.columns.column[i].name, name) == 0) return report.columns.column[i].why;
    return "no such column";
}

static void a_partial_mapping_leaves_the_rest_to_detection(void **state)
{
    (void)state;
    assert_ok(ingest_text("[columns]\nuser = who\nitem = what\n" LEAVE,
                          "who,what,event_type,timestamp,colour\n"
                          "1,a,view,1600000300,red\n1,b,purchase,1600000200,red\n"
                          "1,c,cart,1600000100,blue\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: c b a");
    const uint8_t actions[] = {1, 3, 0};
    assert_memory_equal(r.action, actions, sizeof actions);
    close_read(&r);
    assert_string_equal(use_of("who"), "user");
    assert_string_equal(use_of("event_type"), "action");
    assert_string_equal(use_of("timestamp"), "time");
    assert_string_equal(use_of("colour"), "");
    assert_false(report.columns.column[0].detected);
    assert_true(report.columns.column[2].detected);
    assert_non_null(strstr(report.text, "action (detected)"));
    assert_non_null(strstr(report.text, "colour                               not used"));
    assert_ok(ingest_text("[input]\ndetect = no\n[columns]\nuser = who\nitem = what\n" LEAVE,
                          "who,what,event_type,timestamp\n1,a,view,1600000300\n"
                          "1,b,purchase,1600000200\n"));
    assert_string_equal(use_of("timestamp"), "");
}

static void what_the_mapping_says_otherwise_is_not_detected(void **state)
{
    (void)state;
    /* A column that the mapping names has no second use. */
    assert_ok(ingest_text("[columns]\nuser = user_id\nitem = time\n[items]\nkind = category "
                          "category_id\n" LEAVE,
                          "user_id,time,category_id,item_id\n1,1600000000,c,x\n"));
    assert_string_equal(use_of("time"), "item");
    assert_string_equal(use_of("category_id"), "items.kind");
    assert_string_equal(use_of("item_id"), "");
    /* One action is that of all events, and gaps take the place of times. */
    assert_ok(ingest_text("[columns]\ngap = gap\n[actions]\nlisten = 1\n" LEAVE,
                          "user,item,gap,timestamp,event_type\n1,a,5,1600000000,skip\n"));
    assert_string_equal(use_of("event_type"), "");
    assert_string_equal(use_of("timestamp"), "");
    assert_int_equal(report.action_events[0], 1);
    /* Several actions need their column. */
    assert_ok(
        ingest_text("[actions]\nlisten = 1\nskip = 0\n" LEAVE, "user,item,event_type\n1,a,skip\n"));
    assert_int_equal(report.action_events[1], 1);
    assert_fails(ingest_text("[actions]\nlisten = 1\nskip = 0\n" LEAVE, "user,item\n1,a\n"),
                 "[columns] has no action");
}

static void numbers_of_events_are_detected(void **state)
{
    float propensity[2];
    (void)state;
    assert_ok(ingest_text(LEAVE, "user_id,item_id,timestamp,session,reward,propensity,end,position,"
                                 "price\n"
                                 "a,x,1600000000,s,2.5,0.5,0,1,9.99\n"
                                 "a,y,1600000001,s,-1,0.25,1,2,8.50\n"));
    assert_string_equal(use_of("session"), "session");
    assert_string_equal(use_of("end"), "end");
    assert_string_equal(use_of("reward"), "reward");
    assert_string_equal(use_of("propensity"), "propensity");
    assert_string_equal(use_of("position"), "events.position");
    assert_string_equal(use_of("price"), "items.price, events.price");
    Read r = read_file("out.h5");
    assert_near(r.reward[1], -1.0, 0.0);
    assert_string_equal(ends(&r), "01");
    assert_ok(columns_read(&r.b, COLUMN_PROPENSITY, 0, 2, propensity));
    assert_near(propensity[1], 0.25, 0.0);
    close_read(&r);
}

/* A common name alone must not cost the rows of the log. */
static void values_that_do_not_fit_their_name_are_left_alone(void **state)
{
    (void)state;
    assert_ok(ingest_text(LEAVE, "user_id,item_id,timestamp,reward,propensity,end,type,price\n"
                                 "a,x,1600000000,gold,0.5,2020-01-01,shoe,9 EUR\n"
                                 "a,y,1600000001,tin,,2020-01-02,shirt,8 EUR\n"));
    assert_int_equal(report.events, 2);
    const char *const left[] = {"reward", "propensity", "end", "type", "price"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        assert_string_equal(use_of(left[i]), "");
    assert_string_equal(why_not("end"), "2 of its first 2 values are no 0, 1 or 2");
    assert_string_equal(why_not("propensity"),
                        "1 of its first 2 values are no probability above 0");
    assert_non_null(strstr(report.text, "not used: 2 of its first 2 values are no number\n"));
    /* Among several names of times, the one with times in it. */
    assert_ok(ingest_text(LEAVE, "user_id,item_id,time,date\na,x,10:00:00,2020-01-01\n"));
    assert_string_equal(use_of("date"), "time");
    /* An action that is called so is one, whatever its texts are. */
    assert_fails(ingest_text(LEAVE, "user_id,item_id,event_type\na,x,7\n"), "event_type is \"7\"");
}

static void names_of_public_logs_are_known(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "userId,movieId,rating,timestamp\n1,2,4.5,1112486027\n",
        "customer_id,article_id,price,t_dat\n1,2,0.05,2018-09-20\n",
        "visitorid,itemid,event,timestamp\n1,2,view,1433221332117\n",
        "session,aid,ts,type\n1,2,1659304800025,clicks\n",
        "user_session,product_id,event_type,event_time\n1,2,view,2019-10-01 00:00:00 UTC\n",
        "rating,parent_asin,user_id,timestamp\n5,B1,u,1588687728923\n",
        " UID ,\tSKU,Date\n1,2,2020-01-01\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_ok(ingest_text(LEAVE, headers[i]));
        if (report.first_ms < TIME_PLAUSIBLE_FROM) fail_msg("%s: no time", headers[i]);
    }
}

static void names_of_later_objects_and_files_are_listed(void **state)
{
    (void)state;
    assert_ok(ingest_text(LEAVE, "{\"user_id\": 1, \"item_id\": 2}\n"
                                 "{\"user_id\": 1, \"item_id\": 3, \"timestamp\": 1600000000,"
                                 "\"note\": \"x\"}\n"));
    assert_string_equal(use_of("timestamp"), "time");
    assert_string_equal(use_of("note"), "");
    assert_int_equal(report.bad[BAD_TIME].count, 1);
    write_text("a", "user,item,time\na,x,1600000000\n");
    write_text("b", "user,item,shop,time\na,y,7,1600000001\n");
    const IngestOptions o = {.plain_keys = true, .force = true};
    assert_ok(ingest_with(o, LEAVE, "a b", "out.h5"));
    assert_string_equal(use_of("shop"), "");
    assert_int_equal(report.columns.count, 4);
}

static void blanks_around_names_and_cells_do_not_count(void **state)
{
    (void)state;
    assert_ok(
        ingest_text("[items]\nc = category c\n" LEAVE,
                    "user , item, time ,c\n ann,x , 1600000000,red \nann , x,1600000001, red\n"
                    "\tann,\"  x \",1600000002,red\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "ann: x x x");
    assert_int_equal(r.b.item_features.kind_rows[0], 2);
    close_read(&r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_partial_mapping_leaves_the_rest_to_detection),
        CASE(what_the_mapping_says_otherwise_is_not_detected),
        CASE(numbers_of_events_are_detected),
        CASE(values_that_do_not_fit_their_name_are_left_alone),
        CASE(names_of_public_logs_are_known),
        CASE(names_of_later_objects_and_files_are_listed),
        CASE(blanks_around_names_and_cells_do_not_count),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
