/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields of a row mean: missing values, signs of decimals, ratings as actions. */
#include "data/rawlog/rows.h"

#include "ingest_case.h"

#define LEAVE "[split]\nrule = leave-one-out\n"

static void texts_for_missing_values_are_no_keys(void **state)
{
    static const char *const log =
        "user_id,item_id,timestamp\nNULL,a,1600000000\nnan,b,1600000001\nNone,c,1600000002\n"
        "\\N,d,1600000003\n,e,1600000004\nNA,f,1600000005\n7,null,1600000006\n7,g,1600000007\n"
        "NAN,g,1600000008\n";
    (void)state;
    assert_ok(ingest_text(LEAVE "[clean]\nmax_lost = 1\n", log));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "7: g | NAN: g");
    close_read(&r);
    assert_int_equal(report.bad[BAD_NO_USER].count, 6);
    assert_int_equal(report.bad[BAD_NO_ITEM].count, 1);
    assert_non_null(strstr(report.text, "- missing user"));
    assert_non_null(strstr(report.bad[BAD_NO_USER].why, "stands for a missing value"));
    assert_ok(ingest_text("[input]\nmissing = NAN, None\n" LEAVE, log));
    r = read_file("out.h5");
    assert_string_equal(histories(&r), "NULL: a | nan: b | \\N: d | NA: f | 7: null g");
    close_read(&r);
    assert_int_equal(report.bad[BAD_NO_USER].count, 3); /* an empty key is missing always */
    assert_fails(ingest_text("[input]\nmissing = a_word_that_is_too_long\n", log),
                 "at most 15 bytes");
}

static void missing_numbers_categories_and_sessions_keep_their_row(void **state)
{
    (void)state;
    assert_ok(ingest_text(LEAVE "[episodes]\ngap = 1h\n",
                          "user,item,time,price,brand,session,reward\n"
                          "a,x,1600000000,NaN,NULL,s,0.5\n"
                          "a,y,1600000001,2.5,None,s,NA\n"
                          "a,z,1600000002,NULL,red,\\N,None\n"
                          "a,z,1600007202,1.5,red,NULL,7\n"
                          "a,w,1600007203,1.5,red,t,1\n"));
    assert_int_equal(report.events, 5);
    assert_int_equal(ingest_report_lost(&report), 0);
    Read r = read_file("out.h5");
    const float rewards[] = {0.5f, 0.2f, 0.2f, 7.0f, 1.0f};
    assert_memory_equal(r.reward, rewards, sizeof rewards);
    assert_int_equal(r.b.item_features.kind_rows[0], 2); /* unknown and red */
    /* Without sessions of both events the gap decides. */
    assert_string_equal(ends(&r), "00102");
    close_read(&r);
}

static void the_sign_of_decimals_is_found_or_asked_for(void **state)
{
    static const char *const head = "user;item;time;price\n";
    static const struct {
        const char *ini, *rows, *fails;
        double mean; /* of two prices */
    } want[] = {
        {"", "a;x;1600000000;1,5\na;y;1600000001;2,25\nb;z;1600000002;1.234,5\n", NULL, 1.875},
        {"", "a;x;1600000000;1.5\na;y;1600000001;2.25\nb;z;1600000002;1,234.5\n", NULL, 1.875},
        {"", "a;x;1600000000;1.500\na;y;1600000001;2.250\nb;z;1600000002;1\n", NULL, 1.875},
        {"", "a;x;1600000000;1,5\na;y;1600000001;2.25\n",
         "line 3 has the number \"2.25\" and line 2 has \"1,5\"", 0},
        {"", "a;x;1600000000;1,500\na;y;1600000001;2,250\n",
         "log:2: \"1,500\" may be a number with decimals", 0},
        {"[input]\ndecimal = comma\n",
         "a;x;1600000000;1,500\na;y;1600000001;2,250\nb;z;1600000009;1\n", NULL, 1.875},
        {"[input]\ndecimal = point\n",
         "a;x;1600000000;1,500\na;y;1600000001;2,250\nb;z;1600000009;1\n", NULL, 1875},
    };
    char log[400], ini[200];
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        snprintf(log, sizeof log, "%s%s", head, want[i].rows);
        snprintf(ini, sizeof ini, "%s[events]\np = number price\n[clean]\nmax_lost = 1\n%s",
                 want[i].ini, LEAVE);
        if (want[i].fails) {
            assert_fails(ingest_text(ini, log), want[i].fails);
            continue;
        }
        assert_ok(ingest_text(ini, log));
        assert_int_equal(ingest_report_lost(&report), 0);
        Read r = read_file("out.h5");
        float column[3];
        assert_ok(columns_read(&r.b, COLUMN_FEATURE, 0, 2, column));
        const double mean = r.b.event_features.mean[0], std = r.b.event_features.std[0];
        assert_near((column[0] + column[1]) / 2 * std + mean, want[i].mean, 1e-3 * want[i].mean);
        close_read(&r);
    }
}

static void ranges_of_ratings_are_actions(void **state)
{
    (void)state;
    const char *log = "user,item,rating\na,v,4\na,w,4.5\na,x,3.5\na,y,0\na,z,-1\na,z,good\n";
    assert_ok(ingest_text("[columns]\naction = rating\n[actions]\nlike = 1\nmeh = 0.1\nbad = 0\n"
                          "[action_values]\n4.. = like\n0.5..4 = meh\n0 = bad\ngood = like\n" LEAVE,
                          log));
    Read r = read_file("out.h5");
    const uint8_t actions[] = {0, 0, 1, 2, 0};
    assert_string_equal(histories(&r), "a: v w x y z");
    assert_memory_equal(r.action, actions, sizeof actions);
    close_read(&r);
    assert_int_equal(report.bad[BAD_ACTION].count, 1);
    assert_fails(ingest_text("[columns]\naction = rating\n[actions]\nlike = 1\n[action_values]\n"
                             "4.. = love\n" LEAVE,
                             log),
                 "which [actions] does not list");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(texts_for_missing_values_are_no_keys),
        CASE(missing_numbers_categories_and_sessions_keep_their_row),
        CASE(the_sign_of_decimals_is_found_or_asked_for),
        CASE(ranges_of_ratings_are_actions),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
