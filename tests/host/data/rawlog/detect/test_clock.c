/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of a log: its unit, times that no shop has, stamps that are whole days. */
#include "data/rawlog/detect/clock.h"

#include "ingest_case.h"

#define LEAVE  "[split]\nrule = leave-one-out\n"
#define HEADER "user,item,time\n"

static char warned[4096];

static void hear(Listener *self, const char *text)
{
    (void)self;
    const size_t used = strlen(warned);
    snprintf(warned + used, sizeof warned - used, "%s\n", text);
}
static Listener listener = {.warn = hear};

static Status ingest_heard(const char *ini, const char *log)
{
    *warned = '\0';
    write_text("log", log);
    return ingest_with((IngestOptions){.plain_keys = true, .force = true, .listener = &listener},
                       ini, "log", "out.h5");
}

/* A log of `rows` rows whose times are `first`, first + step, ...; `rest` follows. */
static const char *log_of(int rows, int64_t first, int64_t step, const char *rest)
{
    static char text[1 << 17];
    size_t used = (size_t)snprintf(text, sizeof text, HEADER);
    for (int i = 0; i < rows; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "u%d,x%d,%lld\n", i % 3, i % 5,
                                 (long long)(first + i * step));
    snprintf(text + used, sizeof text - used, "%s", rest);
    return text;
}

static void the_unit_is_the_one_that_gives_years_of_shops(void **state)
{
    static const struct {
        const char *time;
        int64_t ms;
    } want[] = {
        {"1600000000", INT64_C(1600000000000)},
        {"1600000000123", INT64_C(1600000000123)},
        {"1600000000123456", INT64_C(1600000000123)},
        {"1600000000123456789", INT64_C(1600000000123)},
        {"1600000000.5", INT64_C(1600000000500)},
        {"20200913", INT64_C(1599955200000)},
        {"202009", INT64_C(1598918400000)},
        {"202009131226", INT64_C(1599999960000)},
        {"20200913122640", INT64_C(1600000000000)},
        {"20200913122640123", INT64_C(1600000000123)},
        {"2020-09-13 12:26:40", INT64_C(1600000000000)},
        {"2020-09-13", INT64_C(1599955200000)},
    };
    char log[200];
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        snprintf(log, sizeof log, HEADER "a,x,%s\na,y,%s\n", want[i].time, want[i].time);
        assert_ok(ingest_heard(LEAVE, log));
        if (report.first_ms != want[i].ms)
            fail_msg("%s: %lld", want[i].time, (long long)report.first_ms);
        assert_null(strstr(warned, "no shop"));
    }
}

static void two_units_in_one_log_are_refused(void **state)
{
    (void)state;
    assert_fails(
        ingest_heard(LEAVE,
                     log_of(15, INT64_C(1600000000000), 60000, "a,x,1600000900\na,y,1600000960\n")),
        "log:17: time is \"1600000900\", seconds, a number, expected milliseconds, a number "
        "as in most rows; 2 rows are so");
    /* One odd row neither moves all times nor ends the ingest. */
    assert_ok(ingest_heard(LEAVE, log_of(30, 1600000000, 60, "a,x,1600000000123\n")));
    assert_non_null(strstr(warned, "1 rows are lost, first line 32: time is \"1600000000123\""));
    assert_int_equal(report.first_ms, INT64_C(1600000000000));
    assert_ok(ingest_heard(LEAVE, HEADER "a,x,1600000000123\na,y,1600000000\nb,x,1600000001\n"
                                         "b,y,1600000002\n"));
    assert_int_equal(report.bad[BAD_UNIT].line, 2);
    /* Nor does a unit that the mapping has wrongly. */
    assert_fails(ingest_heard("[columns]\ntime_unit = ms\n" LEAVE, log_of(5, 1600000000, 60, "")),
                 "which is 1970-01-19 12:26:40.000 UTC as milliseconds, a number, and 2020-09-13 "
                 "12:26:40.000 UTC as seconds");
    assert_fails(ingest_heard("[columns]\ntime_unit = s\n" LEAVE, log_of(5, 20220101, 1, "")),
                 "as a date as a number");
}

static void a_cut_last_line_is_a_bad_row(void **state)
{
    (void)state;
    assert_ok(ingest_heard(LEAVE, log_of(30, 1600000000, 60, "a,x,1600001")));
    assert_int_equal(report.bad[BAD_TIME].line, 32);
    assert_non_null(strstr(report.bad[BAD_TIME].why, "expected a time of the years 1990 to 2099"));
    assert_int_equal(report.first_ms, INT64_C(1600000000000));
    assert_ok(
        ingest_heard("[columns]\ntime_unit = s\n" LEAVE, log_of(30, 1600000000, 60, "a,x,16")));
    assert_int_equal(report.bad[BAD_TIME].count, 1);
    assert_ok(ingest_heard(LEAVE, HEADER "a,x,2020-01-01\na,y,2020-01-02\na,z,1970-01-01\n"));
    assert_int_equal(report.bad[BAD_TIME].count, 1);
}

static void times_of_no_shop_are_warned_of(void **state)
{
    (void)state;
    assert_ok(ingest_heard(LEAVE, log_of(5, 1, 1, "")));
    assert_non_null(strstr(warned, "from 1970-01-01 00:00:01.000 UTC to 1970-01-01"));
    assert_ok(ingest_heard(LEAVE, log_of(5, 4000000000, 1, "")));
    assert_non_null(strstr(warned, "when no shop kept this log"));
    assert_ok(ingest_heard("[columns]\ntime_check = no\n" LEAVE, log_of(5, 1, 1, "")));
    assert_null(strstr(warned, "no shop"));
    assert_ok(
        ingest_heard("[columns]\ntime_check = no\n" LEAVE, log_of(5, 1600000000, 1, "a,x,5\n")));
    assert_int_equal(report.events, 6);
    assert_ok(ingest_heard("[columns]\ntime_origin = 2014-01-01\n" LEAVE, log_of(5, 1, 1, "")));
    assert_null(strstr(warned, "no shop"));
    assert_fails(ingest_heard(LEAVE, HEADER "a,x,31/12/2020\n"), "for instance to a pattern");
}

/* 200 events of one user in a day: a bot by minutes, but not where nobody knows the minute. */
static void limits_need_stamps_as_fine_as_they_are(void **state)
{
    char *log = malloc(1 << 16);
    size_t used;
    (void)state;
    assert_non_null(log);
    used = (size_t)snprintf(log, 100, HEADER "b,y,20200101\nb,y,20200103\n");
    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(log + used, 100, "a,x%d,2020010%d\n", i, 1 + i / 199);
    assert_ok(ingest_heard(LEAVE, log));
    assert_int_equal(report.bot_users, 0);
    assert_non_null(strstr(report.text, "the limit a minute does not apply"));
    assert_ok(ingest_heard(LEAVE "[clean]\nmax_per_day = 100\n", log));
    assert_int_equal(report.bot_users, 1);
    used = (size_t)snprintf(log, 100, HEADER "b,y,2020-01-01 00:00:00\nb,y,2020-01-01 00:00:01\n");
    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(log + used, 100, "a,x%d,2020-01-01 00:00:00\n", i);
    assert_ok(ingest_heard(LEAVE, log));
    assert_int_equal(report.bot_users, 1);
    assert_null(strstr(report.text, "not apply"));
    free(log);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_unit_is_the_one_that_gives_years_of_shops),
        CASE(two_units_in_one_log_are_refused),
        CASE(a_cut_last_line_is_a_bad_row),
        CASE(times_of_no_shop_are_warned_of),
        CASE(limits_need_stamps_as_fine_as_they_are),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
