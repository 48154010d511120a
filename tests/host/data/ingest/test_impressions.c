/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of what was shown: the three shapes in which shops keep them. */
#include "ingest_case.h"

#define LEAVE "[split]\nrule = leave-one-out\n"

/* "x- y+": the items of the file, in the order of its rows, with + where they were taken. */
static const char *marks(Read *r)
{
    static char text[1024];
    size_t used = 0;
    *text = '\0';
    for (int64_t e = 0; e < r->b.events; e++) {
        const char *key;
        assert_ok(behaviour_keys_item(&r->b, r->item[e], &key));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%c", e ? " " : "", key,
                                 schema_is_taken(&r->b, r->action[e]) ? '+' : '-');
    }
    return text;
}

static void assert_marks(const char *ini, const char *log, const char *want)
{
    assert_ok(ingest_text(ini, log));
    Read r = read_file("out.h5");
    assert_string_equal(marks(&r), want);
    close_read(&r);
}

/* ---- A column that says whether the item was taken ------------------------------------------- */

static void a_column_of_clicks_is_recognised(void **state)
{
    (void)state;
    assert_ok(ingest_text("", "user_id,item_id,clicked,timestamp\n1,x,0,1600000000\n"
                              "1,y,1,1600000001\n1,z,false,1600000002\n1,x,true,1600000003\n"));
    Read r = read_file("out.h5");
    assert_string_equal(marks(&r), "x- y+ z- x+");
    assert_int_equal(r.b.actions, 2);
    assert_string_equal(r.b.action_name[r.action[1]], "click");
    assert_near(r.reward[0], 0.0, 0.0);
    assert_near(r.reward[1], 1.0, 0.0);
    close_read(&r);
    /* a part of a list, which the mapping names */
    assert_marks("[list]\ncolumns = shown\nfields = news,clicked\n[columns]\nuser = u\n"
                 "item = shown.news\naction = shown.clicked\n" LEAVE,
                 "u,shown\na,N1-0 N2-1\n", "N1- N2+");
}

static void a_third_value_of_a_column_of_clicks_is_a_bad_row(void **state)
{
    (void)state;
    static const char log[] = "user_id,item_id,clicked,timestamp\n1,x,0,1600000000\n"
                              "1,y,1,1600000001\n1,z,maybe,1600000002\n";
    assert_marks("", log, "x- y+");
    assert_int_equal(report.bad[BAD_ACTION].count, 1);
    assert_int_equal(report.bad[BAD_ACTION].line, 4);
    assert_non_null(strstr(report.bad[BAD_ACTION].why, "clicked is \"maybe\", expected one of: 0"));
    write_text("log", log);
    assert_fails(ingest_with((IngestOptions){.plain_keys = true, .force = true, .strict = true}, "",
                             "log", "out.h5"),
                 "log:4: clicked is \"maybe\", expected one of: 0");
}

/* Numbers that are called clicks, but are no flags, say nothing about what was taken. */
static void a_column_of_other_numbers_is_left_alone(void **state)
{
    (void)state;
    assert_ok(ingest_text("", "user_id,item_id,click,timestamp\n1,x,17,1600000000\n"
                              "1,y,23,1600000001\n"));
    Read r = read_file("out.h5");
    assert_false(r.b.has_impressions);
    assert_string_equal(r.b.action_name[0], "view");
    close_read(&r);
}

/* ---- A kind of event ------------------------------------------------------------------------- */

static void kinds_of_events_may_be_impressions(void **state)
{
    (void)state;
    static const char log[] = "user_id,item_id,event_type,timestamp\n1,x,shown,1600000000\n"
                              "1,y,impression,1600000001\n1,y,view,1600000002\n"
                              "1,z,skip,1600000003\n1,x,purchase,1600000004\n";
    assert_marks("", log, "x- y- y+ z- x+");
    assert_marks("[impressions]\nactions = none\n", log, "x+ y+ y+ z+ x+");
    assert_marks("[impressions]\nactions = impression, view\n", log, "x- y- y- z- x+");
    assert_marks("[actions]\nshown = 0\nimpression = 0\nview = 0.2\nskip = 0\npurchase = 1\n"
                 "[impressions]\nactions = skip\n",
                 log, "x+ y+ y+ z- x+");
    assert_fails(ingest_text("[impressions]\nactions = glance\n", log),
                 "[impressions] actions has \"glance\", which [actions] does not list");
    assert_fails(ingest_text("[actions]\nview = 1\n[impressions]\nactions = view\n", log),
                 "want one that is taken");
    assert_fails(ingest_text("[impressions]\nshown = x\n", log), "[impressions] has no \"shown\"");
}

/* Two rows for an item that was shown and taken: of x the second impression is answered, after the
 * one that a later impression closes; of y the click comes too late, of z it has the time of the
 * impression, and w was never shown. The row that ends the session goes, the end stays. */
static void answers_may_be_later_rows(void **state)
{
    (void)state;
    static const char log[] = "user,item,event_type,timestamp,end,reward\n"
                              "1,x,impression,1600000000,0,\n1,y,impression,1600000001,0,\n"
                              "1,x,impression,1600000002,0,\n1,x,view,1600000003,0,0.7\n"
                              "1,z,view,1600000004,0,\n1,z,impression,1600000004,0,\n"
                              "1,w,view,1600000005,0,\n1,x,cart,1600000006,1,\n"
                              "1,v,impression,1600000007,0,\n1,v,purchase,1600000008,2,\n"
                              "1,y,view,1600009999,0,\n";
    static const char later[] = "[impressions]\nanswers = later\n";
    assert_ok(ingest_text("", log));
    assert_int_equal(report.answers, 3);
    assert_int_equal(report.events, 11);
    assert_ok(ingest_text(later, log));
    assert_int_equal(report.answers, 3);
    Read r = read_file("out.h5");
    assert_string_equal(marks(&r), "x- y- x+ z+ w+ x+ v+ y+");
    const char *const action[] = {"impression", "impression", "view",     "view",
                                  "view",       "cart",       "purchase", "view"};
    for (int e = 0; e < 8; e++) assert_string_equal(r.b.action_name[r.action[e]], action[e]);
    assert_near(r.reward[2], 0.7, 1e-7);
    assert_near(r.reward[3], 0.2, 1e-7);
    assert_int_equal(r.end[5], 1);
    assert_int_equal(r.end[6], 2);
    close_read(&r);
    assert_fails(ingest_text("[impressions]\nanswers = sooner\n", log), "sooner");
    assert_fails(ingest_text(later, "user,item,event_type,timestamp\n1,x,view,1600000000\n"),
                 "wants rows of what was shown and of what was taken");
}

/* A log without them has the actions that it always had. */
static void a_log_without_impressions_has_no_action_of_them(void **state)
{
    (void)state;
    assert_ok(ingest_text("", "user_id,item_id,event_type,timestamp\n1,x,view,1600000000\n"
                              "1,y,cart,1600000001\n"));
    Read r = read_file("out.h5");
    assert_false(r.b.has_impressions);
    assert_int_equal(r.b.actions, 6);
    close_read(&r);
}

/* ---- A list of what was shown, beside what was taken ----------------------------------------- */

#define SHOWN "[list]\ncolumns = shown\n[impressions]\ntaken = picked\n[columns]\nuser = u\n"

static void a_list_beside_what_was_taken(void **state)
{
    (void)state;
    assert_marks(SHOWN "item = shown\n" LEAVE, "u,shown,picked\na,x y z,y\nb,x,\nc,[p q r],q r\n",
                 "x- y+ z- x- p- q+ r+");
    assert_marks(SHOWN "item = shown\n" LEAVE,
                 "{\"u\": 1, \"shown\": [\"x\", \"a, b\", 3], \"picked\": \"a, b\"}\n"
                 "{\"u\": 2, \"shown\": [4, \"[5]\"], \"picked\": \"[5]\"}\n"
                 "{\"u\": 3, \"shown\": [6, \"\\u00e9\", 7], \"picked\": [\"\\u00e9\", 7]}\n"
                 "{\"u\": 4, \"shown\": [8], \"picked\": null}\n{\"u\": 5, \"shown\": [9]}\n",
                 "x- a, b+ 3- 4- [5]+ 6- \xc3\xa9+ 7+ 8- 9-");
    assert_marks(SHOWN "item = shown.id\n" LEAVE,
                 "{\"u\": 1, \"shown\": [{\"id\": 7}, {\"id\": 8}], \"picked\": [8]}\n", "7- 8+");
}

/* The action and the reward of the row are those of what was taken. */
static void what_was_taken_has_the_action_and_the_reward_of_the_row(void **state)
{
    (void)state;
    assert_ok(ingest_text(SHOWN "item = shown\naction = kind\nreward = paid\n" LEAVE,
                          "u,shown,picked,kind,paid\na,x y z,y,purchase,30\n"));
    Read r = read_file("out.h5");
    assert_string_equal(marks(&r), "x- y+ z-");
    assert_string_equal(r.b.action_name[r.action[1]], "purchase");
    assert_string_equal(r.b.action_name[r.action[0]], "impression");
    assert_near(r.reward[0], 0.0, 0.0);
    assert_near(r.reward[1], 30.0, 0.0);
    close_read(&r);
}

static void an_item_that_was_not_shown_is_counted(void **state)
{
    (void)state;
    assert_marks(SHOWN "item = shown\n" LEAVE, "u,shown,picked\na,x y,w\nb,x y,x\n", "x- y- x+ y-");
    assert_int_equal(report.bad[BAD_LIST].count, 1);
    assert_int_equal(report.bad[BAD_LIST].line, 2);
    assert_non_null(strstr(report.bad[BAD_LIST].why, "picked is \"w\", which shown does not have"));
    assert_int_equal(report.rows, 5);
}

static void what_the_mapping_of_taken_items_lacks_is_named(void **state)
{
    (void)state;
    static const char log[] = "u,shown,picked\na,x y,x\n";
    assert_fails(
        ingest_text("[impressions]\ntaken = picked\n[columns]\nuser = u\nitem = shown\n" LEAVE,
                    log),
        "[impressions] taken needs [list] columns");
    assert_fails(ingest_text("[list]\ncolumns = shown\n[impressions]\ntaken = chosen\n[columns]\n"
                             "user = u\nitem = shown\n" LEAVE,
                             log),
                 "no column \"chosen\"; the columns are: u, shown, picked");
    assert_fails(ingest_text(SHOWN "item = shown\n[actions]\nclick = 1\n" LEAVE, log),
                 "want an action of what was shown and not taken");
    assert_fails(
        ingest_text(SHOWN "item = shown\n[actions]\nskip = 0\nview = 1\nbuy = 2\n" LEAVE, log),
        "[actions] lists 2 actions of what was taken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_of_clicks_is_recognised),
        cmocka_unit_test(a_third_value_of_a_column_of_clicks_is_a_bad_row),
        cmocka_unit_test(a_column_of_other_numbers_is_left_alone),
        cmocka_unit_test(kinds_of_events_may_be_impressions),
        cmocka_unit_test(answers_may_be_later_rows),
        cmocka_unit_test(a_log_without_impressions_has_no_action_of_them),
        cmocka_unit_test(a_list_beside_what_was_taken),
        cmocka_unit_test(what_was_taken_has_the_action_and_the_reward_of_the_row),
        cmocka_unit_test(an_item_that_was_not_shown_is_counted),
        cmocka_unit_test(what_the_mapping_of_taken_items_lacks_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
