/* SPDX-License-Identifier: Apache-2.0 */
/* Every preset reads rows that have the form of its log and were made up for this test. presets/
 * has for each preset
 *
 *     NAME.log      the rows
 *     NAME.events   "rows R bad B", then the events that these rows mean, one a line in any order:
 *                   user, item, action, reward and milliseconds since 1970, separated by tabs */
#include "ingest_case.h"

enum { LINES_MAX = 256, LINE_MAX = 256 };

static char *read_whole(const char *name, const char *suffix)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", PRESETS_FOLDER, name, suffix);
    FILE *file = fopen(path, "re");
    if (!file) fail_msg("%s: want rows of the preset \"%s\"", path, name);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static int compare_lines(const void *a, const void *b) { return strcmp(a, b); }

/* The events of the file, one a line, sorted. */
static int list_events(Read *r, char (*line)[LINE_MAX])
{
    int count = 0;
    for (int64_t u = 0; u < r->b.users; u++)
        for (int64_t e = r->b.offset[u]; e < r->b.offset[u + 1]; e++) {
            const char *user, *item;
            assert_true(count < LINES_MAX);
            assert_ok(behaviour_keys_user(&r->b, u, &user));
            assert_ok(behaviour_keys_item(&r->b, r->item[e], &item));
            snprintf(line[count++], LINE_MAX, "%s\t%s\t%s\t%g\t%lld", user, item,
                     r->b.action_name[r->action[e]], r->reward[e], (long long)r->time[e]);
        }
    qsort(line, (size_t)count, LINE_MAX, compare_lines);
    return count;
}

static void check_events(const char *name, Read *r)
{
    static char have[LINES_MAX][LINE_MAX], want[LINES_MAX][LINE_MAX];
    char *text = read_whole(name, ".events"), *at = text, *line;
    long long rows, bad, bad_rows = 0;
    assert_int_equal(sscanf(strsep(&at, "\n"), "rows %lld bad %lld", &rows, &bad), 2);
    for (int k = 0; k < BAD_KINDS; k++) bad_rows += report.bad[k].count;
    if (report.rows != rows || bad_rows != bad)
        fail_msg("%s: %lld rows, of which %lld are bad, want %lld and %lld", name,
                 (long long)report.rows, bad_rows, rows, bad);
    int wanted = 0;
    for (; (line = strsep(&at, "\n")) && *line; wanted++) {
        assert_true(wanted < LINES_MAX);
        snprintf(want[wanted], LINE_MAX, "%s", line);
    }
    qsort(want, (size_t)wanted, LINE_MAX, compare_lines);
    const int count = list_events(r, have);
    for (int i = 0; i < count && i < wanted; i++)
        if (strcmp(have[i], want[i]) != 0)
            fail_msg("%s: event \"%s\", want \"%s\"", name, have[i], want[i]);
    if (count != wanted) fail_msg("%s: %d events, want %d", name, count, wanted);
    free(text);
}

/* The split of a few rows says nothing, so all have one that suits any log. */
static void check_preset(const MapPreset *preset)
{
    const char *const input = in_folder("log"), *const output = in_folder("out.h5");
    const IngestOptions o = {
        .inputs = &input, .input_count = 1, .output = output, .plain_keys = true, .force = true};
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    map_init(m);
    char *log = read_whole(preset->name, ".log");
    write_text("log", log);
    assert_ok(map_file_read_preset(m, preset->name));
    assert_ok(map_set(m, "split", "rule", "leave-one-out"));
    ingest_report_close(&report);
    if (ingest_run(&o, m, &report) != OK) fail_msg("%s: %s", preset->name, status_message());
    Read r = read_file("out.h5");
    check_events(preset->name, &r);
    close_read(&r);
    map_close(m);
    free(m);
    free(log);
}

static void every_preset_reads_its_log(void **state)
{
    (void)state;
    const MapPreset *preset;
    int presets = 0;
    for (int i = 0; (preset = map_file_preset(i)); i++) {
        int same = 0; /* another name of a preset before has its text */
        while (strcmp(map_file_preset(same)->text, preset->text) != 0) same++;
        if (same < i) continue;
        presets++;
        check_preset(preset);
    }
    assert_true(presets >= 30);
}

static void presets_are_found_by_any_of_their_names(void **state)
{
    (void)state;
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    map_init(m);
    assert_ok(map_file_read_preset(m, "movielens-25m"));
    assert_string_equal(m->role[ROLE_ITEM], "movieId");
    map_close(m);
    map_init(m);
    assert_ok(map_file_read(m, "retailrocket"));
    assert_string_equal(m->role[ROLE_ITEM], "itemid");
    map_close(m);
    map_init(m);
    assert_fails(map_file_read_preset(m, "movielens-20"),
                 "no preset \"movielens-20\" (did you mean \"movielens-20m\"?)");
    assert_fails(map_file_read(m, "retailroket.ini"), "did you mean \"retailrocket\"");
    assert_fails(map_file_read(m, "zzz"), "want a file, or the name of a preset");
    assert_fails(map_file_read_preset(m, "datasets/retailrocket.ini"), "no preset");
    map_close(m);
    free(m);
}

static void a_first_line_of_the_names_of_the_map_is_no_row(void **state)
{
    (void)state;
    char *log = read_whole("taobao", ".log"), text[4096];
    const MapPreset *preset;
    int i = 0;
    while (strcmp((preset = map_file_preset(i))->name, "taobao") != 0) i++;
    snprintf(text, sizeof text, "user_id,item_id,category_id,behavior,timestamp\n%s", log);
    assert_ok(ingest_text(preset->text, text));
    assert_int_equal(report.rows, 20);
    assert_int_equal(report.events, 20);
    snprintf(text, sizeof text, "user_id,item_id,category_id,action,timestamp\n%s", log);
    assert_ok(ingest_text(preset->text, text));
    assert_int_equal(report.rows, 21);
    assert_int_equal(report.events, 20);
    free(log);
}

/* Ingest of a preset's rows with another mapping. */
static Status ingest_rows(const char *preset, const char *ini)
{
    char *log = read_whole(preset, ".log");
    const Status st = ingest_text(ini, log);
    free(log);
    return st;
}

static void a_log_that_cannot_be_read_hints_at_its_preset(void **state)
{
    (void)state;
    assert_fails(ingest_rows("criteo", ""), "no column looks like the item");
    assert_fails(ingest_rows("criteo", ""), "; preset criteo (Criteo attribution log");
    assert_fails(ingest_rows("retailrocket", "[columns]\nuser = user_id\nitem = item_id\n"),
                 "no column \"user_id\"");
    assert_fails(ingest_rows("retailrocket", "[columns]\nuser = user_id\nitem = item_id\n"),
                 "; preset retailrocket (RetailRocket 2015: events.csv) has these columns");
    assert_fails(ingest_rows("otto", ""), "; preset otto (OTTO:");
    assert_fails(ingest_rows("diginetica", ""), "no time column");
    assert_fails(ingest_rows("diginetica", ""), "; preset diginetica (");
    status_clear();
    assert_int_not_equal(ingest_text("", "a,b\nx,y\n"), OK); /* no preset has these */
    assert_null(strstr(status_message(), "preset"));
    status_clear();
    assert_int_not_equal(
        ingest_text("[columns]\nuser = visitorid\nitem = itemid\naction = event\n"
                    "time = timestamp\n[actions]\nview = 0\ncart = 1\n"
                    "purchase = 2\n",
                    "timestamp,visitorid,event,itemid,transactionid\nx,1,view,2,\n"),
        OK); /* the preset would not help */
    assert_null(strstr(status_message(), "preset"));
    status_clear();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_preset_reads_its_log),
        CASE(a_first_line_of_the_names_of_the_map_is_no_row),
        CASE(a_log_that_cannot_be_read_hints_at_its_preset),
        CASE(presets_are_found_by_any_of_their_names),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
