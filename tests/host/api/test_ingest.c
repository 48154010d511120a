/* SPDX-License-Identifier: Apache-2.0 */
/* Ingesting through souk.h. */
#include "api_case.h"

enum { ROWS = 3000 };

static char folder[64], log_path[96], out_path[96];

static int write_log(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/souk-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(log_path, sizeof log_path, "%s/log.csv", folder);
    snprintf(out_path, sizeof out_path, "%s/log.h5", folder);
    FILE *f = fopen(log_path, "w");
    assert_non_null(f);
    fprintf(f, "user_id,item_id,action,timestamp\n");
    for (int i = 0; i < ROWS; i++)
        fprintf(f, "u%d,p%d,%s,%d\n", i % 50, i * 7 % 31, i % 9 ? "view" : "purchase",
                1700000000 + 60 * i);
    fprintf(f, "u1,p1,view,no-time\n");
    fclose(f);
    return 0;
}

static int remove_log(void **state)
{
    (void)state;
    return nftw(folder, api_remove, 8, FTW_DEPTH | FTW_PHYS);
}

typedef struct {
    char stages[256];
    int ends, stop_at_end; /* of so many stages */
    char message[512];
} Seen;

static int see(void *context, const souk_progress *p)
{
    Seen *s = context;
    if (!strstr(s->stages, p->stage)) {
        const size_t used = strlen(s->stages);
        snprintf(s->stages + used, sizeof s->stages - used, "%s ", p->stage);
    }
    assert_true(isnan(p->loss) && isnan(p->validation));
    s->ends += p->ended;
    return s->stop_at_end > 0 && s->ends >= s->stop_at_end;
}

static void hear(void *context, const char *text)
{
    Seen *s = context;
    snprintf(s->message, sizeof s->message, "%s", text);
}

static souk_ingest_options options(Seen *s)
{
    static const char *inputs[1];
    souk_ingest_options o = SOUK_INGEST_OPTIONS_INIT;
    inputs[0] = log_path;
    o.inputs = inputs;
    o.input_count = 1;
    o.output = out_path;
    o.settings = "split.rule = leave-one-out\n# who comes back\nclean.min_user_events=2";
    o.plain_keys = 1;
    o.progress = see;
    o.message = hear;
    o.context = s;
    return o;
}

static void a_log_becomes_a_behaviour_file(void **state)
{
    Seen seen = {0};
    souk_ingest_result result = SOUK_INGEST_RESULT_INIT;
    souk_ingest_options o = options(&seen);
    Behaviour b;
    (void)state;
    assert_done(souk_ingest(&o, &result, error));
    assert_string_equal(seen.stages, "reading cleaning writing ");
    assert_int_equal(seen.ends, 3);
    assert_non_null(strstr(seen.message, "user=user_id"));
    assert_int_equal(result.rows, ROWS + 1);
    assert_int_equal(result.bad_rows, 1);
    assert_int_equal(result.users, 50);
    assert_int_equal(result.items, 31);
    assert_int_equal(result.events, ROWS);
    assert_true(result.seconds > 0.0);
    assert_ok(behaviour_open(&b, out_path));
    assert_int_equal(b.events, ROWS);
    assert_non_null(strstr(b.split_rule, "leave"));
    behaviour_close(&b);
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "exists");
    o.force = 1;
    assert_done(souk_ingest(&o, NULL, error));
    o.strict = 1;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_FORMAT, "log.csv:3002");
    assert_int_equal(unlink(out_path), 0);
}

static void a_cancelled_ingest_leaves_nothing(void **state)
{
    (void)state;
    for (int stages = 1; stages <= 2; stages++) {
        Seen seen = {.stop_at_end = stages};
        const souk_ingest_options o = options(&seen);
        assert_failed(souk_ingest(&o, NULL, error), SOUK_CANCELLED, "stopped on request");
        assert_int_equal(access(out_path, F_OK), -1);
    }
}

static void wrong_settings_and_maps_are_refused(void **state)
{
    Seen seen = {0};
    souk_ingest_options o = options(&seen);
    (void)state;
    o.settings = "columns.user=user_id\ncolumns.itme=item_id";
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "settings, line 2");
    o.settings = "columns.user=shopper\ncolumns.item=item_id\nsplit.rule=leave-one-out";
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_FORMAT, "shopper");
    o = options(&seen);
    o.map = "no-such-map";
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "map \"no-such-map\"");
    o.map = "/no/such/map.ini";
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_IO, "/no/such/map.ini");
}

static void wrong_calls_are_refused(void **state)
{
    static const char *const missing[] = {"/no/such/log.csv"}, *const null[] = {NULL};
    Seen seen = {0};
    souk_ingest_options o = options(&seen);
    souk_ingest_result none = {0};
    (void)state;
    assert_failed(souk_ingest(NULL, NULL, error), SOUK_ERROR_USAGE, "options is NULL");
    assert_failed(souk_ingest(&o, &none, error), SOUK_ERROR_USAGE, "result->size is 0");
    o.inputs = missing;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_IO, "/no/such/log.csv");
    o.inputs = null;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "input is NULL");
    o.inputs = NULL;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "inputs is NULL");
    o.input_count = 0;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "input_count is 0");
    o = options(&seen);
    o.output = NULL;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "output is NULL");
    o = options(&seen);
    o.memory = -1;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "want 0 or more");
    o.memory = 1000;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_USAGE, "1 MiB");
}

static void a_catalogue_grows(void **state)
{
    Seen seen = {0};
    souk_ingest_result result = SOUK_INGEST_RESULT_INIT;
    souk_ingest_options o = options(&seen);
    char grown[sizeof out_path + 8];
    Behaviour then, now;
    (void)state;
    assert_done(souk_ingest(&o, NULL, error));
    snprintf(grown, sizeof grown, "%s.grown", out_path);
    o.catalogue = out_path;
    o.output = grown;
    assert_done(souk_ingest(&o, &result, error));
    assert_ok(behaviour_open(&then, out_path));
    assert_ok(behaviour_open(&now, grown));
    assert_int_equal(result.items, then.items);
    assert_string_equal(now.catalogue_hash, then.catalogue_hash);
    behaviour_close(&then);
    behaviour_close(&now);
    o.catalogue = "/no/such/run";
    o.force = 1;
    assert_failed(souk_ingest(&o, NULL, error), SOUK_ERROR_IO, "/no/such/run");
    assert_int_equal(unlink(grown), 0);
    assert_int_equal(unlink(out_path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_becomes_a_behaviour_file),
        cmocka_unit_test(a_catalogue_grows),
        cmocka_unit_test(a_cancelled_ingest_leaves_nothing),
        cmocka_unit_test(wrong_settings_and_maps_are_refused),
        cmocka_unit_test(wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, write_log, remove_log);
}
