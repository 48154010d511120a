/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest, rule by rule, on logs small enough to be worked by hand. */
#include "ingest_case.h"

#define COLUMNS "[columns]\nuser = u\nitem = i\ntime = t\n"
#define LEAVE   "[split]\nrule = leave-one-out\n"
#define ACTIONS                                                                                    \
    "action = a\n[actions]\nview = 0.25\nbuy = 1\n[action_values]\npv = view\norder = buy\n"

static void a_log_becomes_histories_in_order_of_time(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS ACTIONS LEAVE, "u,i,a,t\n"
                                                 "ann,tea,pv,30\n"
                                                 "bob,pot,order,20\n"
                                                 "ann,cup,order,10\n"
                                                 "ann,pot,view,30\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "ann: cup pot tea | bob: pot");
    assert_int_equal(r.b.items, 3);
    assert_int_equal(r.b.actions, 2);
    assert_string_equal(r.b.action_name[1], "buy");
    const int64_t time[] = {10000, 30000, 30000, 20000};
    const uint8_t action[] = {1, 0, 0, 1};
    const float reward[] = {1.0f, 0.25f, 0.25f, 1.0f};
    assert_memory_equal(r.time, time, sizeof time);
    assert_memory_equal(r.action, action, sizeof action);
    assert_memory_equal(r.reward, reward, sizeof reward);
    assert_string_equal(splits(&r), "abc a");
    assert_true(r.b.plain_keys);
    assert_int_equal(report.rows, 4);
    assert_int_equal(report.one_event_users, 1);
    close_read(&r);
}

static void items_are_numbered_by_first_appearance(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS LEAVE, "u,i,t\nx,z,9\ny,a,1\nx,m,2\ny,z,3\n"));
    Read r = read_file("out.h5");
    const char *const want[] = {"z", "a", "m"};
    for (int i = 0; i < 3; i++) {
        const char *key;
        assert_ok(behaviour_keys_item(&r.b, i, &key));
        assert_string_equal(key, want[i]);
    }
    close_read(&r);
}

static void exact_duplicates_are_dropped_and_similar_rows_stay(void **state)
{
    (void)state;
    const char *log = "u,i,t,n\na,x,1,5\na,y,1,5\na,x,1,5\na,x,1,6\nb,x,1,5\na,x,1,5\na,x,2,5\n";
    assert_ok(ingest_text(COLUMNS LEAVE, log));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: y x x x | b: x");
    assert_int_equal(report.duplicates, 2);
    assert_int_equal(report.tied, 3);
    close_read(&r);
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nduplicates = keep\n", log));
    assert_int_equal(report.events, 7);
}

/* An end comes last. */
static void the_order_of_rows_of_one_time_does_not_matter(void **state)
{
    static const char *const log[] = {
        "u,i,a,t,e\na,cup,pv,1,0\na,pot,pv,5,0\na,jug,order,5,0\na,bin,pv,5,1\na,jug,pv,5,0\n",
        "u,i,a,t,e\na,jug,pv,5,0\na,bin,pv,5,1\na,pot,pv,5,0\na,cup,pv,1,0\na,jug,order,5,0\n"};
    char first[64] = "";
    (void)state;
    for (int k = 0; k < 2; k++) {
        assert_ok(ingest_text(COLUMNS "end = e\n" ACTIONS LEAVE, log[k]));
        Read r = read_file("out.h5");
        const char *have = histories(&r);
        if (k == 0) snprintf(first, sizeof first, "%s", have);
        assert_string_equal(have, first);
        assert_string_equal(have + strlen(have) - 4, " bin");
        assert_int_equal(report.tied, 4);
        close_read(&r);
    }
}

/* 1,000 baskets of the same ten items in one order: each item is the last one of 100 of them, with
 * a standard deviation of 9.5; the bound is five of those. */
static void no_item_is_the_last_of_its_time_more_often_than_others(void **state)
{
    enum { USERS = 1000, ITEMS = 10 };
    size_t size;
    char *log;
    FILE *out = open_memstream(&log, &size);
    int64_t last[ITEMS] = {0};
    (void)state;
    fputs("u,i,t\n", out);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) fprintf(out, "%d,%d,7\n", u, i);
    fclose(out);
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nmax_per_minute = 0\n", log));
    Read r = read_file("out.h5");
    for (int u = 0; u < USERS; u++) last[r.item[r.b.offset[u + 1] - 1]]++;
    for (int i = 0; i < ITEMS; i++) assert_near(last[i], (double)USERS / ITEMS, 5 * 9.5);
    close_read(&r);
    free(log);
}

static void the_time_range_keeps_its_first_moment_and_not_its_last(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nfrom = 1970-01-01 00:00:02\nto = 4\n",
                          "u,i,t\na,w,1\na,x,2\na,y,3.999\na,z,4\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: x y");
    assert_int_equal(report.outside_time, 2);
    close_read(&r);
}

static void a_bot_is_dropped_whole(void **state)
{
    (void)state;
    const char *log = "u,i,t\n"
                      "bot,x,0\nbot,x,20\nbot,x,40\nbot,y,59\nbot,z,9999\n"
                      "man,x,0\nman,x,20\nman,x,40\nman,y,60\n";
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nmax_per_minute = 3\n", log));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "man: x x x y");
    assert_int_equal(report.bot_users, 1);
    assert_int_equal(report.bot_events, 5);
    close_read(&r);
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nmax_per_day = 4\nmax_per_minute = 0\n", log));
    assert_int_equal(report.bot_users, 1);
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nmax_per_day = 5\nmax_per_minute = 4\n", log));
    assert_int_equal(report.bot_users, 0);
}

/* c's only item z goes with c; without b's z, b keeps one event and goes; then y has one event. */
static void the_core_is_a_fixpoint(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS LEAVE "[clean]\nmin_user_events = 2\nmin_item_events = 2\n",
                          "u,i,t\na,x,1\na,w,2\na,y,3\nb,y,1\nb,z,2\nc,z,1\nd,x,1\nd,w,2\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: x w | d: x w");
    assert_int_equal(report.core_users, 2);
    assert_int_equal(report.core_items, 2);
    assert_int_equal(report.core_events, 4);
    close_read(&r);
}

static void bad_rows_are_counted_and_the_first_of_a_kind_is_shown(void **state)
{
    (void)state;
    const char *ini = COLUMNS ACTIONS "[events]\nprice = number p\n[clean]\nmax_lost = 1\n" LEAVE;
    const char *log = "u,i,a,t,p\na,x,pv,1,1.5\na,x,pv,noon,1\na,x,pv\n,x,pv,2,1\na,x,buzz,3,1\n"
                      "a,x,pv,4,cheap\na,,pv,5,1\na,x,pv,6,1e999\na,x,pv,7,\n\na,x,pv,never,\n";
    assert_ok(ingest_text(ini, log));
    assert_int_equal(report.events, 2);
    assert_int_equal(report.rows, 10);
    const struct {
        BadKind kind;
        int64_t count, line;
        const char *words;
    } want[] = {{BAD_TIME, 2, 3, "t is \"noon\", expected seconds"},
                {BAD_FIELDS, 1, 4, "3 fields, expected 5"},
                {BAD_NO_USER, 1, 5, "empty"},
                {BAD_ACTION, 1, 6, "\"buzz\", expected one of: pv, order, view, buy"},
                {BAD_NUMBER, 2, 7, "p is \"cheap\""},
                {BAD_NO_ITEM, 1, 8, "empty"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const BadRow *bad = &report.bad[want[i].kind];
        assert_int_equal(bad->count, want[i].count);
        assert_int_equal(bad->line, want[i].line);
        if (!strstr(bad->why, want[i].words)) fail_msg("\"%s\"", bad->why);
    }
    assert_non_null(strstr(report.text, "log:3: t is \"noon\""));
    const IngestOptions strict = {.strict = true, .plain_keys = true, .force = true};
    assert_fails(ingest_with(strict, ini, "log", "out.h5"), "log:3: t is \"noon\"");
}

static void rows_outside_limits_are_dropped_and_counted(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS "[events]\nn = number n\n[limits]\nn = 1..3\n" LEAVE,
                          "u,i,t,n\na,v,1,0\na,w,2,1\na,x,3,3\na,y,4,3.5\na,z,5,\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: w x z");
    assert_int_equal(report.outside_limits, 2);
    close_read(&r);
}

static void numbers_outside_limits_may_count_as_missing(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS "[events]\nn = number n\n[limits]\nn = 1.. missing\n" LEAVE,
                          "u,i,t,n\na,v,1,0\na,w,2,1\na,x,3,3\na,y,4,3.5\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: v w x y");
    assert_int_equal(report.outside_limits, 0);
    assert_int_equal(r.b.event_features.numbers, 2); /* n and n_missing */
    close_read(&r);
    assert_fails(
        ingest_text(COLUMNS "[events]\nn = number n\n[limits]\nn = missing\n" LEAVE, "u,i,t,n\n"),
        "want LOW..HIGH");
}

/* Train: 10 20 60 (mean 30, variance 1400/3) and one missing; test and valid must not count. */
static void missing_numbers_take_the_train_median_and_raise_a_flag(void **state)
{
    (void)state;
    float column[6];
    assert_ok(ingest_text(COLUMNS "[events]\nprice = number p\n" LEAVE,
                          "u,i,t,p\na,x,1,10\na,x,2,60\na,x,3,\na,x,4,20\na,x,5,999\na,x,6,888\n"));
    Read r = read_file("out.h5");
    assert_int_equal(r.b.event_features.numbers, 2);
    assert_string_equal(r.b.event_features.number_name[1], "price_missing");
    assert_near(r.b.event_features.mean[0], 30.0, 1e-5);
    assert_near(r.b.event_features.std[0], sqrt(1400.0 / 3.0), 1e-5);
    assert_ok(columns_read(&r.b, COLUMN_FEATURE, 0, 6, column));
    assert_near(column[0], (10.0 - 30.0) / sqrt(1400.0 / 3.0), 1e-6);
    assert_near(column[2], (20.0 - 30.0) / sqrt(1400.0 / 3.0), 1e-6);
    assert_near(column[4], (999.0 - 30.0) / sqrt(1400.0 / 3.0), 1e-5);
    assert_ok(columns_read(&r.b, COLUMN_FEATURE + 1, 0, 6, column));
    const float flags[] = {0, 0, 1, 0, 0, 0};
    assert_memory_equal(column, flags, sizeof flags);
    close_read(&r);
}

static void an_item_has_its_last_known_value_of_the_train_split(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS "[items]\ncolour = category c\nprice = number p\n" LEAVE,
                          "u,i,t,c,p\n"
                          "a,x,1,red,10\na,x,2,blue,30\na,x,3,,\na,y,4,red,50\n"
                          "a,x,5,green,99\na,z,6,green,70\n"));
    Read r = read_file("out.h5");
    const FeatureSet *f = &r.b.item_features;
    assert_int_equal(f->kinds, 1);
    assert_int_equal(f->kind_rows[0], 4); /* unknown, blue, red, green */
    const int32_t rows[] = {1, 2, 3};
    assert_memory_equal(f->category, rows, sizeof rows);
    assert_int_equal(f->numbers, 1);
    assert_near(f->mean[0], 40.0, 1e-5); /* x 30, y 50; z is not of the train split */
    assert_near(f->std[0], 10.0, 1e-5);
    assert_near(f->number[0], -1.0, 1e-6);
    assert_near(f->number[2], 3.0, 1e-6);
    close_read(&r);
}

static void an_unknown_category_is_row_0_and_never_a_known_one(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS "[items]\nc = category c\nn = number n log\n"
                                  "[users]\nland = category c\n" LEAVE,
                          "u,i,t,c,n\na,x,1,,\na,y,2,red,7\nb,z,3,,\n"));
    Read r = read_file("out.h5");
    const int32_t rows[] = {0, 1, 0}, lands[] = {1, 0};
    assert_memory_equal(r.b.item_features.category, rows, sizeof rows);
    assert_memory_equal(r.b.user_features.category, lands, sizeof lands);
    assert_int_equal(r.b.item_features.numbers, 2);
    assert_near(r.b.item_features.mean[0], log(8.0), 1e-6);
    assert_near(r.b.item_features.number[1], 1.0, 0.0); /* x: missing */
    assert_near(r.b.item_features.number[3], 0.0, 0.0); /* y */
    assert_true(r.b.item_features.logarithm[0] && !r.b.item_features.logarithm[1]);
    assert_near(schema_value(&r.b.item_features, 0, r.b.item_features.number[2]), 7.0, 1e-5);
    assert_near(schema_value(&r.b.item_features, 1, r.b.item_features.number[3]), 0.0, 0.0);
    close_read(&r);
}

/* Gap 100 s: 100 apart is one episode, 101 is two. The log ends at 1000. */
static void an_episode_ends_after_a_gap_and_the_log_end_truncates(void **state)
{
    (void)state;
    const char *log =
        "u,i,t,s\na,x,0,p\na,x,100,p\na,x,201,q\nb,x,899,p\nb,y,899,q\nc,x,900,p\nd,x,1000,p\n";
    assert_ok(ingest_text(COLUMNS "[episodes]\ngap = 100s\n" LEAVE, log));
    Read r = read_file("out.h5");
    assert_string_equal(ends(&r), "011 01 2 2");
    assert_int_equal(report.episodes, 5);
    assert_int_equal(r.b.episode_gap_ms, 100000);
    close_read(&r);
    assert_ok(ingest_text(COLUMNS "session = s\n[episodes]\ngap = 100s\n" LEAVE, log));
    r = read_file("out.h5");
    assert_string_equal(ends(&r), "011 11 2 2");
    close_read(&r);
    assert_ok(ingest_text(COLUMNS "end = s\n" LEAVE, "u,i,t,s\na,x,1,2\na,x,2,0\na,x,3,1\n"));
    r = read_file("out.h5");
    assert_string_equal(ends(&r), "201");
    close_read(&r);
}

static void the_time_split_cuts_everybody_at_the_same_moments(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS, "u,i,t\na,x,1\nb,x,2\na,x,3\nb,x,4\na,x,5\nb,x,6\na,x,7\nb,x,8\n"
                                   "a,x,9\nb,x,10\n"));
    Read r = read_file("out.h5");
    assert_string_equal(splits(&r), "aaaab aaaac");
    assert_int_equal(report.t0_ms, 9000);
    assert_int_equal(report.t1_ms, 10000);
    assert_non_null(strstr(r.b.split_rule, "1970-01-01 00:00:09.000 UTC"));
    close_read(&r);
    assert_ok(ingest_text(COLUMNS "[split]\nvalid = 0.2\ntest = 0.3\n",
                          "u,i,t\na,x,1\nb,x,2\na,x,3\nb,x,4\na,x,5\nb,x,6\na,x,7\nb,x,8\n"
                          "a,x,9\nb,x,10\n"));
    r = read_file("out.h5");
    assert_string_equal(splits(&r), "aaabc aabcc");
    close_read(&r);
    assert_fails(ingest_text(COLUMNS, "u,i,t\na,x,1\na,y,1\n"), "leave-one-out");
}

static void a_split_by_files_follows_the_inputs(void **state)
{
    (void)state;
    const IngestOptions o = {.plain_keys = true, .force = true};
    write_text("a", "u,i,t\na,x,1\nb,x,2\n");
    write_text("b", "i,u,t\ny,a,3\n"); /* columns are found by name in each file */
    write_text("c", "u,i,t\na,z,4\nc,z,5\n");
    assert_ok(ingest_with(o, COLUMNS "[split]\nrule = files\n", "a b c", "out.h5"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "a: x y z | b: x | c: z");
    assert_string_equal(splits(&r), "abc a c");
    close_read(&r);
    assert_fails(ingest_with(o, COLUMNS "[split]\nrule = files\n", "c a", "out.h5"),
                 "order of time");
}

static void a_sequence_file_has_a_user_a_line(void **state)
{
    (void)state;
    assert_ok(ingest_text("[input]\nformat = sequence\n" LEAVE, "7 a b c\n8 b\n\n9\n7 d"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "7: a b c d | 8: b");
    assert_string_equal(splits(&r), "aabc a");
    assert_string_equal(ends(&r), "0002 2");
    assert_int_equal(r.time[3], 3000);
    assert_int_equal(report.bad[BAD_SEQUENCE].line, 4);
    close_read(&r);
    assert_ok(ingest_text("[input]\nformat = sessions\n" LEAVE, "a b c\r\nb b\r\n"));
    r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: a b c | 2: b b");
    close_read(&r);
    assert_fails(ingest_text("[input]\nformat = sessions\n", "a b\n"), "leave-one-out");
}

static void a_basket_is_one_moment_and_the_last_is_the_test(void **state)
{
    (void)state;
    assert_ok(
        ingest_text("[input]\nformat = sequence\nstep = 1d\n[split]\nrule = leave-last-basket\n",
                    "u a b | c | d e\nv a | b\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "u: a b c e d | v: a b");
    assert_string_equal(splits(&r), "aabcc aa");
    assert_string_equal(ends(&r), "01102 12");
    assert_int_equal(r.time[1], 0);
    assert_int_equal(r.time[4], 2 * 86400000);
    close_read(&r);
    assert_ok(ingest_text("[input]\nformat = baskets\n[split]\nrule = leave-last-basket\n",
                          "u a b\nv a | b\n"));
    r = read_file("out.h5");
    assert_string_equal(ends(&r), "02 02");
    assert_int_equal(r.time[1], 0);
    assert_int_equal(r.time[3], 1000);
    close_read(&r);
}

static void json_lines_keep_the_digits_of_ids_and_know_nested_names(void **state)
{
    (void)state;
    assert_ok(
        ingest_text("[columns]\nuser = who.id\nitem = i\ntime = t\n[clean]\nmax_lost = 1\n" LEAVE,
                    "{\"who\": {\"id\": 18446744073709551615}, \"i\": \"\\u00e9\", \"t\": 1}\n"
                    "{\"i\": 123456789012345678901, \"t\": 2, \"who\": {\"x\": NaN, \"id\": "
                    "18446744073709551615}}\n"
                    "{\"who\": 5, \"i\": 1, \"t\": 3}\n{\"who\": {\"id\": 01}}\n[]\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "18446744073709551615: \xc3\xa9 123456789012345678901");
    assert_int_equal(report.bad[BAD_NO_USER].count, 1);
    assert_int_equal(report.bad[BAD_JSON].count, 2);
    assert_int_equal(report.bad[BAD_JSON].line, 4);
    close_read(&r);
}

static void gaps_add_up_to_times_in_order_of_the_input(void **state)
{
    (void)state;
    assert_ok(ingest_text("[columns]\nuser = u\nitem = i\ngap = g\n" LEAVE,
                          "u,i,g\na,x,1.5\nb,x,7\na,y,\na,z,9\n"));
    Read r = read_file("out.h5");
    const int64_t time[] = {0, 1500, 1500, 0};
    assert_memory_equal(r.time, time, sizeof time);
    close_read(&r);
}

static void rewards_and_propensities_come_from_columns(void **state)
{
    (void)state;
    float propensity[3];
    assert_ok(
        ingest_text("[columns]\nuser = @row\nitem = i\ntime = t\nreward = r\n"
                    "propensity = p\n[actions]\nshow = 0.5\n" LEAVE,
                    "i,t,r,p\nx,1,-2.5,0.25\ny,2,,1\nz,3,4,0.5\nz,4,1,0\nz,5,1,1.5\nz,6,1,\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "2: x | 3: y | 4: z");
    const float reward[] = {-2.5f, 0.5f, 4.0f}, want[] = {0.25f, 1.0f, 0.5f};
    assert_memory_equal(r.reward, reward, sizeof reward);
    assert_ok(columns_read(&r.b, COLUMN_PROPENSITY, 0, 3, propensity));
    assert_memory_equal(propensity, want, sizeof want);
    assert_int_equal(report.bad[BAD_NUMBER].count, 3);
    close_read(&r);
}

static void common_columns_are_detected(void **state)
{
    (void)state;
    assert_ok(ingest_text("", "visitorid\tItemID\tevent\ttimestamp\tprice\n"
                              "1\tx\tview\t1433221332117\t5\n1\ty\taddtocart\t1433221400000\t6\n"
                              "1\tz\ttransaction\t1433221500000\t7\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "1: x y z");
    assert_int_equal(r.time[0], 1433221332117);
    assert_near(r.reward[2], 1.0, 0.0);
    char line[256];
    uses_describe(&report.columns, line, sizeof line);
    assert_string_equal(line, "detected columns: user=visitorid item=ItemID action=event "
                              "time=timestamp items.price, events.price=price");
    close_read(&r);
    assert_fails(ingest_text("", "a,b\n1,2\n"), "no column looks like the user");
}

static void a_log_without_events_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    assert_fails(ingest_text("", ""), "empty");
    assert_fails(ingest_text(COLUMNS, "u,i,t\n"), "no events are left of 0 rows");
    assert_fails(ingest_text(COLUMNS, "u,i,t\na,x,y\n"), "t is \"y\", no number and no ISO time");
    assert_fails(ingest_text(COLUMNS "time_unit = s\n", "u,i,t\na,x,y\n"), "line 2: t is \"y\"");
    assert_fails(ingest_text(COLUMNS, "u,i\na,x\n"), "no column \"t\"; the columns are: u, i");
    assert_int_not_equal(access(in_folder("out.h5"), F_OK), 0);
}

static void an_existing_file_is_replaced_only_by_force(void **state)
{
    (void)state;
    write_text("log", "u,i,t\na,x,1\n");
    write_text("out.h5", "mine");
    assert_fails(ingest_with((IngestOptions){.plain_keys = true}, COLUMNS LEAVE, "log", "out.h5"),
                 "exists already, want --force");
    size_t length;
    char *bytes = read_bytes("out.h5", &length);
    assert_string_equal(bytes, "mine");
    free(bytes);
}

static void pseudonyms_depend_on_the_key_file_alone(void **state)
{
    (void)state;
    struct stat s;
    char first[64];
    const char *key;
    write_text("log", "u,i,t\nann,x,1\nbob,x,2\n");
    assert_ok(ingest_with((IngestOptions){0}, COLUMNS LEAVE, "log", "a.h5"));
    assert_int_equal(stat(in_folder("a.h5.key"), &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(s.st_size, 32);
    Read r = read_file("a.h5");
    assert_false(r.b.plain_keys);
    assert_ok(behaviour_keys_user(&r.b, 0, &key));
    assert_int_equal(strlen(key), 16);
    snprintf(first, sizeof first, "%s", key);
    close_read(&r);

    const IngestOptions same = {.key_file = in_folder("a.h5.key")};
    assert_ok(ingest_with(same, COLUMNS LEAVE, "log", "b.h5"));
    assert_same_bytes("a.h5", "b.h5");
    assert_ok(ingest_with((IngestOptions){0}, COLUMNS LEAVE, "log", "c.h5"));
    r = read_file("c.h5");
    assert_ok(behaviour_keys_user(&r.b, 0, &key));
    assert_string_not_equal(key, first);
    close_read(&r);
    write_text("short.key", "abc");
    const IngestOptions bad = {.key_file = in_folder("short.key")};
    assert_fails(ingest_with(bad, COLUMNS LEAVE, "log", "d.h5"),
                 "want a key file of exactly 32 bytes");
    assert_int_equal(mkdir(in_folder("e.h5"), 0700), 0); /* a run that fails leaves no key behind */
    assert_fails(ingest_with((IngestOptions){.force = true}, COLUMNS LEAVE, "log", "e.h5"), "e.h5");
    assert_int_not_equal(access(in_folder("e.h5.key"), F_OK), 0);
    assert_int_equal(rmdir(in_folder("e.h5")), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

/* ---- Threads --------------------------------------------------------------------------------- */

/* Two logs of more users than one batch holds, who have events in both from u1000 on. */
static void write_parts(void)
{
    FILE *early = fopen(in_folder("early"), "we"), *late = fopen(in_folder("late"), "we");
    assert_non_null(early);
    assert_non_null(late);
    fputs("u,i,t\n", early);
    fputs("u,i,t\n", late);
    for (int i = 0; i < 20000; i++) fprintf(early, "u%d,x%d,%d\n", 1000 + i % 2000, i % 7, i * 100);
    for (int i = 0; i < 60000; i++)
        fprintf(late, "u%d,x%d,%d\n", i % 3000, i % 7, 100000000 + i * 100);
    assert_int_equal(fclose(early), 0);
    assert_int_equal(fclose(late), 0);
}

static void threads_change_neither_the_file_nor_the_failure(void **state)
{
    (void)state;
    char key[512];
    snprintf(key, sizeof key, "%s", in_folder("key"));
    write_parts();
    IngestOptions o = {.threads = 1, .force = true, .key_file = key};
    assert_ok(ingest_with(o, COLUMNS, "early late", "want.h5"));
    for (o.threads = 1; o.threads <= 4; o.threads++) {
        assert_ok(ingest_with(o, COLUMNS, "early late", "out.h5"));
        assert_same_bytes("out.h5", "want.h5");
        assert_fails(ingest_with(o, COLUMNS "[split]\nrule = files\n", "late early", "out.h5"),
                     "user \"u1000\" has an event");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_log_becomes_histories_in_order_of_time),
        CASE(items_are_numbered_by_first_appearance),
        CASE(exact_duplicates_are_dropped_and_similar_rows_stay),
        CASE(the_order_of_rows_of_one_time_does_not_matter),
        CASE(no_item_is_the_last_of_its_time_more_often_than_others),
        CASE(the_time_range_keeps_its_first_moment_and_not_its_last),
        CASE(a_bot_is_dropped_whole),
        CASE(the_core_is_a_fixpoint),
        CASE(bad_rows_are_counted_and_the_first_of_a_kind_is_shown),
        CASE(rows_outside_limits_are_dropped_and_counted),
        CASE(numbers_outside_limits_may_count_as_missing),
        CASE(missing_numbers_take_the_train_median_and_raise_a_flag),
        CASE(an_item_has_its_last_known_value_of_the_train_split),
        CASE(an_unknown_category_is_row_0_and_never_a_known_one),
        CASE(an_episode_ends_after_a_gap_and_the_log_end_truncates),
        CASE(the_time_split_cuts_everybody_at_the_same_moments),
        CASE(a_split_by_files_follows_the_inputs),
        CASE(a_sequence_file_has_a_user_a_line),
        CASE(a_basket_is_one_moment_and_the_last_is_the_test),
        CASE(json_lines_keep_the_digits_of_ids_and_know_nested_names),
        CASE(gaps_add_up_to_times_in_order_of_the_input),
        CASE(rewards_and_propensities_come_from_columns),
        CASE(common_columns_are_detected),
        CASE(a_log_without_events_is_an_error_and_leaves_nothing),
        CASE(an_existing_file_is_replaced_only_by_force),
        CASE(pseudonyms_depend_on_the_key_file_alone),
        CASE(threads_change_neither_the_file_nor_the_failure),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
