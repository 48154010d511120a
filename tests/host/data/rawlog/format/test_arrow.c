/* SPDX-License-Identifier: Apache-2.0 */
/* An Arrow stream makes the file that the CSV file with the same contents makes. */
#include <time.h>

#include "arrow_case.h"
#include "ingest_case.h"

enum { ROWS = 600 };
#define SETTINGS "[split]\nvalid = 0.1\n"

static char words[ROWS][96];
static const char *user[ROWS], *item[ROWS], *action[ROWS], *seconds[ROWS], *price[ROWS],
    *cents[ROWS], *fresh[ROWS], *title[ROWS];

static const char *word(const char *format, int value)
{
    static char memory[8 * ROWS][64];
    static int at;
    char *out = memory[at++ % (8 * ROWS)];
    snprintf(out, sizeof *memory, format, value);
    return out;
}

static void make_values(void)
{
    static const char *const actions[] = {"view", "cart", "purchase"};
    for (int i = 0; i < ROWS; i++) {
        user[i] = word("%d", 100000 + i * 7 % 23);
        item[i] = word("%d", i * i % 31);
        action[i] = actions[i % 3];
        seconds[i] = word("%d", 1700000000 + 60 * (i / 2));
        price[i] = i % 7 == 0 ? NULL : word(i % 2 ? "%d.25" : "%d.5", i % 31 * 3);
        cents[i] = word("%d.05", i % 31);
        fresh[i] = i % 5 == 0 ? NULL : i % 2 ? "1" : "0";
        snprintf(words[i], sizeof words[i], "%s %d, \"%c\"%s", i % 31 ? "a long red thing" : "",
                 i % 31, 'a' + i % 31 % 26, i % 4 == 0 ? "\nand more" : "");
        title[i] = i % 9 == 0 ? NULL : words[i];
    }
}

/* The CSV file "log". */
static void write_csv(const CaseTable *t)
{
    FILE *f = fopen(in_folder("log"), "we");
    assert_non_null(f);
    for (int c = 0; c < t->columns; c++) fprintf(f, "%s%s", c ? "," : "", t->column[c].name);
    for (int64_t r = 0; r < t->rows; r++)
        for (int c = 0; c < t->columns; c++) {
            const char *text = t->column[c].text[r] ? t->column[c].text[r] : "";
            const bool quoted = strpbrk(text, ",\"\n\r") != NULL;
            fprintf(f, "%s%s", c ? "," : "\n", quoted ? "\"" : "");
            for (; *text; text++) fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
            fprintf(f, "%s", quoted ? "\"" : "");
        }
    fputs("\n", f);
    assert_int_equal(fclose(f), 0);
}

static Status ingest_stream(CaseTable *t, IngestOptions o, const char *ini)
{
    struct ArrowArrayStream *stream = case_stream(t);
    o.streams = &stream;
    o.force = o.plain_keys = true;
    const Status st = ingest_with(o, ini, "log", "out.h5");
    assert_int_equal(t->live, 0);
    assert_non_null(stream->release); /* the caller's */
    return st;
}

static void assert_same_file(CaseTable *t, const char *ini)
{
    const int threads[] = {1, 3};
    const int64_t batches[] = {0, 1, 7, 250};
    write_csv(t);
    assert_ok(
        ingest_with((IngestOptions){.plain_keys = true, .force = true}, ini, "log", "want.h5"));
    for (int k = 0; k < 8; k++) {
        t->batch_rows = batches[k % 4];
        assert_ok(ingest_stream(t, (IngestOptions){.threads = threads[k / 4]}, ini));
        assert_same_bytes("out.h5", "want.h5");
    }
}

static CaseTable table_of(const char *user_type, const char *item_type, const char *item_index,
                          const char *text_type, const char *text_index, const char *time_type,
                          const char *real_type)
{
    return (CaseTable){.rows = ROWS,
                       .columns = 8,
                       .column = {{"user_id", user_type, NULL, user},
                                  {"item_id", item_type, item_index, item},
                                  {"action", text_type, text_index, action},
                                  {"timestamp", time_type, NULL, seconds},
                                  {"price", real_type, NULL, price},
                                  {"weight", "d:10,2", NULL, cents},
                                  {"fresh", "b", NULL, fresh},
                                  {"title", text_type, text_index, title}}};
}

static void every_type_is_as_in_csv(void **state)
{
    (void)state;
    CaseTable tables[] = {
        table_of("l", "i", NULL, "u", NULL, "l", "g"),
        table_of("i", "u", NULL, "U", NULL, "L", "f"),
        table_of("L", "s", NULL, "vu", NULL, "i", "g"),
        table_of("u", "c", NULL, "u", "s", "I", "u"),
        table_of("U", "C", "i", "vu", "S", "u", "f"),
        table_of("vu", "S", "L", "U", "i", "l", "g"),
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        assert_same_file(&tables[i], SETTINGS);
}

/* As numbers in the stream and as texts in the CSV file. */
static void times_and_dates_are_texts(void **state)
{
    (void)state;
    static const struct {
        const char *format, *zone;
        int64_t per_second;
    } types[] = {{"tss:", "", 1},
                 {"tsm:", "", 1000},
                 {"tsu:UTC", "+00:00", 1000000},
                 {"tsn:Europe/Berlin", "+00:00", 1000000000},
                 {"tdm", NULL, 1000},
                 {"tdD", NULL, 0}};
    static char number[ROWS][32], text[ROWS][48];
    static const char *numbers[ROWS], *texts[ROWS];
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        for (int i = 0; i < ROWS; i++) {
            const time_t when = 1700000000 + 43200 * (time_t)i;
            struct tm parts;
            const bool date = !types[k].zone, days = types[k].per_second == 0;
            const int64_t of_day = when % 86400;
            const int64_t value =
                days ? when / 86400 : (when - (date ? of_day : 0)) * types[k].per_second;
            assert_non_null(gmtime_r(&when, &parts));
            const size_t used =
                strftime(text[i], sizeof *text, date ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S", &parts);
            snprintf(text[i] + used, sizeof *text - used, "%s", date ? "" : types[k].zone);
            snprintf(number[i], sizeof *number, "%lld", (long long)value);
            numbers[i] = number[i];
            texts[i] = text[i];
        }
        CaseTable t = table_of("l", "i", NULL, "u", NULL, types[k].format, "g");
        t.column[3].text = texts;
        write_csv(&t);
        assert_ok(ingest_with((IngestOptions){.plain_keys = true, .force = true}, SETTINGS, "log",
                              "want.h5"));
        t.column[3].text = numbers;
        t.batch_rows = 100;
        assert_ok(ingest_stream(&t, (IngestOptions){.threads = 2}, SETTINGS));
        assert_same_bytes("out.h5", "want.h5");
    }
}

static void bad_rows_are_at_the_lines_of_the_csv_file(void **state)
{
    (void)state;
    CaseTable t = table_of("u", "u", NULL, "u", NULL, "u", "u");
    const char *kept[] = {user[50], item[60], seconds[70], price[81]};
    user[50] = NULL;
    item[60] = "";
    seconds[70] = "soon";
    price[81] = "cheap";
    assert_same_file(&t, SETTINGS "[clean]\nmax_lost = 0.1\n");
    assert_int_equal(report.bad[BAD_NO_USER].count, 1);
    assert_int_equal(report.bad[BAD_NUMBER].count, 1);
    assert_string_equal(report.bad[BAD_TIME].why,
                        "timestamp is \"soon\", expected seconds, a number");
    t.batch_rows = 7;
    assert_fails(ingest_stream(&t, (IngestOptions){.strict = true}, SETTINGS),
                 "log:63: the user is empty, expected a key"); /* 11 titles of two lines before */
    user[50] = kept[0], item[60] = kept[1], seconds[70] = kept[2], price[81] = kept[3];
}

static void a_row_that_is_too_long_is_lost_as_in_csv(void **state)
{
    (void)state;
    CaseTable t = table_of("l", "i", NULL, "u", NULL, "l", "g");
    const char *kept = title[8];
    char *longer = calloc(3, RECORD_BYTES_MAX);
    assert_non_null(longer);
    memset(longer, 'x', 2 * RECORD_BYTES_MAX + 1);
    title[8] = longer;
    assert_same_file(&t, SETTINGS "[clean]\nmax_lost = 0.1\n");
    assert_int_equal(report.bad[BAD_LONG].count, 1);
    longer[1000] = ','; /* quotes around it, and short enough without them */
    longer[RECORD_BYTES_MAX - 100] = '\0';
    assert_same_file(&t, SETTINGS);
    title[8] = kept;
    free(longer);
}

static void lists_become_events(void **state)
{
    (void)state;
    static const char *lists[ROWS];
    CaseTable t = table_of("l", "u", NULL, "u", NULL, "l", "g");
    for (int i = 0; i < ROWS; i++) lists[i] = i % 3 ? "[1 2 3]" : "[4]";
    t.column[1].text = lists;
    assert_same_file(&t, SETTINGS "[list]\ncolumns = item_id\n[columns]\nitem = item_id\n");
}

static void names_of_the_mapping_count(void **state)
{
    (void)state;
    const char *ini = SETTINGS "[input]\ncolumns = u,i,a,t,p,w,f,n\ndelimiter = ;\nheader = no\n"
                               "[columns]\nuser = u\nitem = i\naction = a\ntime = t\n";
    CaseTable t = table_of("l", "i", NULL, "u", NULL, "l", "g");
    t.batch_rows = 100;
    write_csv(&t);
    assert_ok(ingest_stream(&t, (IngestOptions){0}, ini));
    assert_int_equal(report.rows, ROWS);
    /* By name where the stream has the names, in whatever order. */
    CaseTable by_name = t;
    by_name.column[0] = t.column[1];
    by_name.column[1] = t.column[0];
    const char *const names[] = {"i", "u", "a", "t", "p", "w", "f", "n"};
    for (int c = 0; c < 8; c++) by_name.column[c].name = names[c];
    const int64_t users = report.users;
    assert_ok(ingest_stream(&by_name, (IngestOptions){0}, ini));
    assert_int_equal(report.users, users);
    t.columns = 7;
    assert_fails(ingest_stream(&t, (IngestOptions){0}, ini),
                 "has 7 columns, and [input] columns has 8 names");
    CaseTable first = table_of("l", "i", NULL, "u", NULL, "l", "g");
    first.batch_rows = t.batch_rows = 100;
    struct ArrowArrayStream *streams[] = {case_stream(&first), case_stream(&t)};
    const IngestOptions both = {.streams = streams, .force = true, .threads = 2};
    assert_fails(ingest_with(both, ini, "log log2", "out.h5"), "log2: the Arrow stream has 7");
    assert_int_equal(first.live + t.live, 0);
    t.columns = 8;
    assert_fails(ingest_stream(&t, (IngestOptions){0}, "[input]\nformat = sequence\n"),
                 "format = sequence is for records without names of columns");
}

static void other_types_may_be_there(void **state)
{
    (void)state;
    CaseTable t = table_of("l", "i", NULL, "u", NULL, "l", "g");
    t.batch_rows = 100;
    t.column[8] = (CaseColumn){"blob", "z", NULL, price};
    t.columns = 9;
    write_csv(&t);
    assert_ok(ingest_stream(&t, (IngestOptions){0}, SETTINGS));
    assert_fails(ingest_stream(&t, (IngestOptions){0}, SETTINGS "[items]\nblob = number blob\n"),
                 "the column \"blob\" has the Arrow type \"z\", which souk does not read");
}

static void what_is_wrong_with_a_stream_is_said(void **state)
{
    (void)state;
    CaseTable t = table_of("l", "i", NULL, "u", NULL, "l", "g");
    t.batch_rows = 100;
    write_csv(&t);
    t.fail_at = 200;
    assert_fails(ingest_stream(&t, (IngestOptions){0}, SETTINGS),
                 "log: the Arrow stream failed: the disk is on fire");
    t.fail_at = 0;
    t.rows = 0;
    t.batch_rows = 1;
    assert_fails(ingest_stream(&t, (IngestOptions){0}, SETTINGS), "no events are left of 0 rows");
    t.columns = 0;
    assert_fails(ingest_stream(&t, (IngestOptions){0}, SETTINGS), "with 0 columns, want a table");
}

static void several_streams_are_parts(void **state)
{
    (void)state;
    CaseTable a = table_of("l", "i", NULL, "u", NULL, "l", "g"), b = a;
    a.batch_rows = b.batch_rows = 64;
    for (int c = 0; c < b.columns; c++) b.column[c].text += ROWS / 2;
    a.rows = b.rows = ROWS / 2;
    write_csv(&a);
    struct ArrowArrayStream *streams[] = {case_stream(&a), case_stream(&b)};
    const IngestOptions o = {.streams = streams, .force = true, .plain_keys = true, .threads = 2};
    assert_ok(ingest_with(o, "[split]\nrule = files\n", "log log2", "out.h5"));
    assert_int_equal(report.rows, ROWS);
    assert_true(report.split_events[SPLIT_TRAIN] > 0 && report.split_events[SPLIT_TEST] > 0);
    assert_int_equal(a.live + b.live, 0);
    assert_true(a.made > 1 && b.made > 1);
}

static int set_up(void **state)
{
    make_values();
    return make_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_as_in_csv),
        cmocka_unit_test(times_and_dates_are_texts),
        cmocka_unit_test(bad_rows_are_at_the_lines_of_the_csv_file),
        cmocka_unit_test(a_row_that_is_too_long_is_lost_as_in_csv),
        cmocka_unit_test(lists_become_events),
        cmocka_unit_test(names_of_the_mapping_count),
        cmocka_unit_test(other_types_may_be_there),
        cmocka_unit_test(what_is_wrong_with_a_stream_is_said),
        cmocka_unit_test(several_streams_are_parts),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
