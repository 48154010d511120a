/* SPDX-License-Identifier: Apache-2.0 */
/* What ingest loses, it says: in the report, by warnings, and by an error where it is most of the
 * log. */
#include "ingest_case.h"

#define COLUMNS "[columns]\nuser = u\nitem = i\ntime = t\n"
#define LEAVE   "[split]\nrule = leave-one-out\n"

static char warned[4096];

static void hear(Listener *self, const char *text)
{
    (void)self;
    const size_t used = strlen(warned);
    snprintf(warned + used, sizeof warned - used, "%s\n", text);
}
static Listener listener = {.warn = hear};

/* Ingests a log of `good` rows and then `rest`; the warnings are in `warned`. */
static Status ingest_rows(const char *ini, const char *header, int good, const char *rest,
                          bool plain)
{
    char *log;
    size_t size;
    FILE *out = open_memstream(&log, &size);
    fprintf(out, "%s\n", header);
    for (int i = 0; i < good; i++) fprintf(out, "u%d,x%d,%d,view\n", i % 7, i % 11, 1600000000 + i);
    fputs(rest, out);
    fclose(out);
    write_text("log", log);
    free(log);
    *warned = '\0';
    return ingest_with((IngestOptions){.plain_keys = plain, .force = true, .listener = &listener},
                       ini, "log", "out.h5");
}

static void more_than_a_hundredth_is_warned_of_and_half_is_refused(void **state)
{
    (void)state;
    assert_ok(ingest_rows(COLUMNS LEAVE, "u,i,t,x", 99, "u,i,noon,x\n", true));
    assert_string_equal(warned, "");
    assert_int_equal(ingest_report_lost(&report), 1);
    assert_ok(ingest_rows(COLUMNS LEAVE, "u,i,t,x", 98, "u,i,noon,x\nu,i\n", true));
    assert_non_null(strstr(warned,
                           "log: 2 of 100 rows are lost (2 %); most: wrong number of fields, "
                           "first in line 101: 2 fields, expected 4"));
    assert_ok(ingest_rows(COLUMNS LEAVE, "u,i,t,x", 2, "u,i,noon,x\n,i,1,x\n", true));
    assert_int_equal(unlink(in_folder("out.h5")), 0);
    assert_fails(ingest_rows(COLUMNS LEAVE, "u,i,t,x", 2, "u,i,noon,x\nu\nu\n", true),
                 "log: 3 of 5 rows are lost (60 %), want at most 50 % (clean.max_lost = 0.5)");
    assert_int_not_equal(access(in_folder("out.h5"), F_OK), 0);
    assert_ok(ingest_rows(COLUMNS LEAVE "[clean]\nmax_lost = 0.7\n", "u,i,t,x", 2,
                          "u,i,noon,x\nu\nu\n", true));
    assert_fails(ingest_rows(COLUMNS LEAVE "[clean]\nmax_lost = 0\n", "u,i,t,x", 99, "u\n", true),
                 "1 of 100 rows are lost");
    /* Rows that the user asked to leave out are not lost. */
    assert_ok(ingest_rows(COLUMNS LEAVE "[clean]\nfrom = 1600000050\n", "u,i,t,x", 100, "", true));
    assert_string_equal(warned, "");
}

static void unknown_actions_are_named_or_kept(void **state)
{
    static const char *const rest = "u,x,1600000000,wish\nu,x,1600000001,share\n"
                                    "u,x,1600000002,share\n";
    (void)state;
    assert_ok(ingest_rows(COLUMNS "action = a\n" LEAVE, "u,i,t,a", 997, rest, true));
    assert_string_equal(warned, "3 rows with unknown actions are lost: \"share\" 2, \"wish\" 1; "
                                "[action_values] or clean.unknown_action = NAME keeps them\n");
    assert_int_equal(report.bad[BAD_ACTION].count, 3);
    /* As an action that there is. */
    assert_ok(ingest_rows(COLUMNS "action = a\n[clean]\nunknown_action = view\n" LEAVE, "u,i,t,a",
                          97, rest, true));
    assert_string_equal(warned, "");
    assert_int_equal(report.action_events[0], 100);
    assert_int_equal(report.unknown.rows, 3);
    assert_non_null(strstr(report.text, "unknown actions kept as view"));
    /* As a further one. */
    assert_ok(ingest_rows(COLUMNS "action = a\n[actions]\nview = 1\nbuy = 2\n[clean]\n"
                                  "unknown_action = other\n" LEAVE,
                          "u,i,t,a", 97, rest, true));
    Read r = read_file("out.h5");
    assert_int_equal(r.b.actions, 3);
    assert_string_equal(r.b.action_name[2], "other");
    assert_near(r.b.action_reward[2], 0.0, 0.0);
    assert_int_equal(report.action_events[2], 3);
    close_read(&r);
    assert_ok(ingest_rows(COLUMNS "action = a\n[clean]\nunknown_action = other\n"
                                  "unknown_action = drop\n" LEAVE,
                          "u,i,t,a", 97, rest, true));
    assert_int_equal(report.bad[BAD_ACTION].count, 3);
}

/* A field that slipped may hold anything about a person. */
static void a_report_with_pseudonyms_quotes_shapes_only(void **state)
{
    static const char *const rest = "u,x,Ann.Lee@shop.example,ok\nu,x\nu,x,1600000001,mail "
                                    "\"to\" bob7@b\xc3\xb6.example\n";
    (void)state;
    assert_ok(ingest_rows(COLUMNS "action = a\n" LEAVE, "u,i,t,a", 997, rest, false));
    assert_non_null(strstr(report.text, "t is \"xxx.xxx@xxxx.xxxxxxx\", expected seconds"));
    assert_non_null(strstr(report.text, "a is \"xxxx \"xx\" xxx9@xxx.xxxxxxx\", expected one of"));
    Mapping none = {0};
    assert_ok(ingest_report_json(&report, &none, in_folder("report.json")));
    size_t length;
    char *json = read_bytes("report.json", &length), *file = read_bytes("out.h5", &length);
    assert_null(strstr(json, "shop.example"));
    assert_non_null(strstr(json, "xxx.xxx@xxxx.xxxxxxx"));
    assert_null(memmem(file, length, "shop.example", 12));
    assert_null(memmem(file, length, "bob7", 4));
    free(json);
    free(file);
    assert_ok(ingest_rows(COLUMNS LEAVE, "u,i,t,a", 997, rest, true));
    assert_non_null(strstr(report.text, "t is \"Ann.Lee@shop.example\""));
}

static void a_json_line_that_is_none_is_not_quoted(void **state)
{
    (void)state;
    assert_ok(ingest_text(LEAVE, "{\"user\": 1, \"item\": 2}\n{\"user\": ann@shop.example}\n"));
    assert_int_equal(report.bad[BAD_JSON].count, 1);
    assert_null(strstr(report.bad[BAD_JSON].why, "shop"));
}

static void bots_and_empty_splits_are_warned_of(void **state)
{
    (void)state;
    assert_ok(ingest_rows(COLUMNS LEAVE "[clean]\nmax_per_minute = 3\n", "u,i,t,x", 20, "", true));
    assert_string_equal(warned, "");
    assert_ok(ingest_rows(COLUMNS LEAVE "[clean]\nmax_per_minute = 2\n", "u,i,t,x", 20, "", true));
    assert_non_null(strstr(warned, "6 users with 18 events are dropped as bots"));
    assert_non_null(strstr(warned, "the valid split has no events"));
    assert_ok(ingest_rows(COLUMNS "[split]\nvalid = 0\ntest = 0\n", "u,i,t,x", 20, "", true));
    assert_string_equal(warned, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(more_than_a_hundredth_is_warned_of_and_half_is_refused),
        CASE(unknown_actions_are_named_or_kept),
        CASE(a_report_with_pseudonyms_quotes_shapes_only),
        CASE(a_json_line_that_is_none_is_not_quoted),
        CASE(bots_and_empty_splits_are_warned_of),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
