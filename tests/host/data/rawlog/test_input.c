/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest's readers: compressions, dialects of CSV and JSON, texts, dictionaries, mappings; and that
 * neither memory nor threads change a byte. */
#include <fcntl.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "data/rawlog/input.h"
#include "data/rawlog/synthetic.h"
#include "ingest_case.h"

#define COLUMNS "[columns]\nuser = u\nitem = i\ntime = t\n[split]\nrule = leave-one-out\n"
#define LOG     "u,i,t\nann,tea,1\nbob,\"a \"\"b\"\", c\",2\nann,cup,3\n"
static const IngestOptions plain = {.plain_keys = true, .force = true};

/* The log as it is, for the others to be compared with. */
static void ingest_reference(void)
{
    write_text("log", LOG);
    assert_ok(ingest_with(plain, COLUMNS, "log", "want.h5"));
}

static void write_gzip(const char *name, const char *mode, const char *text)
{
    gzFile file = gzopen(in_folder(name), mode);
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static size_t pack_zstd(void *out, size_t size, const char *text)
{
    const size_t length = ZSTD_compress(out, size, text, strlen(text), 3);
    assert_false(ZSTD_isError(length));
    return length;
}

static size_t pack_xz(uint8_t *out, size_t size, const char *text)
{
    size_t length = 0;
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text,
                                             strlen(text), out, &length, size),
                     LZMA_OK);
    return length;
}

static void every_compression_gives_the_same_file(void **state)
{
    (void)state;
    uint8_t packed[1024];
    ingest_reference();
    write_gzip("log.gz", "we", LOG);
    write_bytes("log.zst", packed, pack_zstd(packed, sizeof packed, LOG));
    write_bytes("log.xz", packed, pack_xz(packed, sizeof packed, LOG));
    const char *const name[] = {"log.gz", "log.zst", "log.xz"};
    for (int i = 0; i < 3; i++) {
        assert_ok(ingest_with(plain, COLUMNS, name[i], "out.h5"));
        assert_same_bytes("out.h5", "want.h5");
    }
}

static void members_one_after_the_other_are_one_log(void **state)
{
    (void)state;
    uint8_t packed[2048];
    ingest_reference();
    const char *rest = strchr(LOG, '\n') + 5;
    char first[32];
    snprintf(first, sizeof first, "%.*s", (int)(strlen(LOG) - strlen(rest)), LOG);
    write_gzip("log.gz", "we", first);
    write_gzip("log.gz", "ae", rest);
    size_t length = pack_zstd(packed, sizeof packed, first);
    length += pack_zstd(packed + length, sizeof packed - length, rest);
    write_bytes("log.zst", packed, length);
    length = pack_xz(packed, sizeof packed, first);
    length += pack_xz(packed + length, sizeof packed - length, rest);
    write_bytes("log.xz", packed, length);
    const char *const name[] = {"log.gz", "log.zst", "log.xz"};
    for (int i = 0; i < 3; i++) {
        assert_ok(ingest_with(plain, COLUMNS, name[i], "out.h5"));
        assert_same_bytes("out.h5", "want.h5");
    }
}

static void cut_and_damaged_streams_are_errors(void **state)
{
    (void)state;
    const char *const name[] = {"log.gz", "log.zst", "log.xz"};
    uint8_t packed[1024];
    write_gzip("log.gz", "we", LOG);
    write_bytes("log.zst", packed, pack_zstd(packed, sizeof packed, LOG));
    write_bytes("log.xz", packed, pack_xz(packed, sizeof packed, LOG));
    for (int i = 0; i < 3; i++) {
        size_t length;
        char *bytes = read_bytes(name[i], &length);
        for (size_t cut = 8; cut < length; cut++) {
            write_bytes("cut", bytes, cut);
            assert_fails(ingest_with(plain, COLUMNS, "cut", "out.h5"), "cut: the");
        }
        free(bytes);
    }
    char *bytes;
    size_t length;
    bytes = read_bytes("log.xz", &length);
    bytes[length / 2] ^= 0x40;
    write_bytes("cut", bytes, length);
    assert_fails(ingest_with(plain, COLUMNS, "cut", "out.h5"), "xz stream is damaged");
    free(bytes);
    assert_fails(ingest_with(plain, COLUMNS, "none", "out.h5"), "none: cannot open: No such file");
}

static void standard_input_is_read_like_a_file(void **state)
{
    (void)state;
    ingest_reference();
    const int kept = dup(STDIN_FILENO), log = open(in_folder("log"), O_RDONLY | O_CLOEXEC);
    assert_true(log >= 0);
    assert_int_equal(dup2(log, STDIN_FILENO), STDIN_FILENO);
    close(log);
    const Status st = ingest_with(plain, COLUMNS, "-", "out.h5");
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_ok(st);
    assert_same_bytes("out.h5", "want.h5");
}

static void dialects_of_csv_give_the_same_events(void **state)
{
    (void)state;
    static const char *const dialect[] = {
        "\xef\xbb\xbfu,i,t\nann,tea,1\nbob,\"a \"\"b\"\", c\",2\nann,cup,3\n", /* BOM */
        "u,i,t\r\nann,tea,1\r\nbob,\"a \"\"b\"\", c\",2\r\nann,cup,3\r\n",     /* CRLF */
        "u,i,t\nann,tea,1\nbob,\"a \"\"b\"\", c\",2\nann,cup,3", /* no last line end */
        "\"u\"\ti\tt\nann\ttea\t1\nbob\t\"a \"\"b\"\", c\"\t2\nann\tcup\t3\n",   /* tabs */
        "\"u\";\"i\";\"t\"\n\"ann\";tea;1\nbob;\"a \"\"b\"\", c\";2\nann;cup;3", /* quoted header */
        "t,extra,i,u\n1,,tea,ann\n2,\"x\ny\",\"a \"\"b\"\", c\",bob\n3,z,cup,ann\n",
        "\n\nu,i,t\nann,tea,1\n\nbob,\"a \"\"b\"\", c\",2\nann,cup,3\n\n",
    };
    for (size_t i = 0; i < sizeof dialect / sizeof *dialect; i++) {
        const char *text = dialect[i];
        while (*text == '\n') text++; /* the header stands first; blank lines may follow */
        assert_ok(ingest_text(COLUMNS, text));
        Read r = read_file("out.h5");
        assert_string_equal(histories(&r), "ann: tea cup | bob: a \"b\", c");
        assert_int_equal(r.time[2], 2000);
        close_read(&r);
    }
}

static void a_broken_quote_costs_one_row(void **state)
{
    (void)state;
    assert_ok(ingest_text(COLUMNS, "u,i,t\nann,\"te\"a,1\nbob,pot,2\nann,\"cup,3\neve,jar,4\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "bob: pot | eve: jar");
    assert_int_equal(report.bad[BAD_QUOTE].count, 2);
    assert_int_equal(report.bad[BAD_QUOTE].line, 2);
    close_read(&r);
}

static void json_lines_are_read_by_name(void **state)
{
    (void)state;
    assert_ok(
        ingest_text(COLUMNS "[events]\nstars = number s\n[clean]\nmax_lost = 1\n",
                    "{\"u\": \"ann\", \"i\": 17, \"t\": 1, \"s\": 4.5, \"deep\": {\"u\": 1}}\n"
                    "\n{\"t\": 2.5, \"i\": \"t\\u00e9\\n\", \"u\": \"ann\", \"s\": null}\n"
                    "{\"u\": \"ann\"\n[1]\n{\"u\": [1], \"i\": 1, \"t\": 1}\n"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "ann: 17 t\xc3\xa9\n");
    assert_int_equal(r.time[1], 2500);
    assert_int_equal(report.bad[BAD_JSON].count, 2);
    assert_int_equal(report.bad[BAD_JSON].line, 4);
    assert_int_equal(report.bad[BAD_NO_USER].line, 6);
    close_read(&r);
    assert_ok(ingest_text("[split]\nrule = leave-one-out\n",
                          "{\"user_id\": 5, \"item_id\": 6, \"timestamp\": \"2020-01-01\"}\n"));
    assert_int_equal(report.first_ms, INT64_C(1577836800000));
}

/* Writes a text without its zero; returns its length. */
static int put(char *to, const char *text)
{
    memcpy(to, text, strlen(text));
    return (int)strlen(text);
}

/* Each line that is too long costs one row, however long it is, in whichever piece. */
static void a_line_that_is_too_long_costs_its_row(void **state)
{
    (void)state;
    enum { BYTES = 9 << 20 };
    char *log = malloc(BYTES + 100);
    assert_non_null(log);
    memset(log, 'x', BYTES + 100);
    size_t at = (size_t)put(log, "u,i,t\nann,tea,1\n");
    at += 3 << 20;
    at += (size_t)put(log + at, "\nann,cup,2\nbad,row\n");
    at += RECORD_BYTES_MAX + 1;
    at += (size_t)put(log + at, "\nann,pot,3\n");
    at += 4 << 20;
    write_bytes("log", log, at);
    free(log);
    assert_ok(ingest_with(plain, COLUMNS "[clean]\nmax_lost = 1\n", "log", "out.h5"));
    Read r = read_file("out.h5");
    assert_string_equal(histories(&r), "ann: tea cup pot");
    close_read(&r);
    assert_int_equal(report.rows, 7);
    assert_int_equal(report.bad[BAD_LONG].count, 3);
    assert_int_equal(report.bad[BAD_LONG].line, 3);
    assert_int_equal(report.bad[BAD_FIELDS].line, 5);
    const IngestOptions strict = {.plain_keys = true, .force = true, .strict = true};
    assert_fails(ingest_with(strict, COLUMNS, "log", "out.h5"), "log:3: no line end within");
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static void times_are_read_in_every_unit(void **state)
{
    (void)state;
    const struct {
        TimeFormat format;
        const char *text;
        int64_t ms; /* -1: refused */
    } want[] = {
        {{.unit = TIME_SECONDS}, "1396860669.277", INT64_C(1396860669277)},
        {{.unit = TIME_SECONDS}, "1396437466.94", INT64_C(1396437466940)},
        {{.unit = TIME_SECONDS}, "1.5e9", INT64_C(1500000000000)},
        {{.unit = TIME_SECONDS}, "12a", -1},
        {{.unit = TIME_SECONDS}, "", -1},
        {{.unit = TIME_SECONDS}, "99999999999999", -1},
        {{.unit = TIME_SECONDS, .origin_ms = 1000}, "0.0019", 1001},
        {{.unit = TIME_MILLIS}, "1433221332117", INT64_C(1433221332117)},
        {{.unit = TIME_MICROS}, "1433221332117999", INT64_C(1433221332117)},
        {{.unit = TIME_ISO}, "1970-01-01", 0},
        {{.unit = TIME_ISO}, "2000-03-01 00:00:00 UTC", INT64_C(951868800000)},
        {{.unit = TIME_ISO}, "2000-02-29T23:59:59.999Z", INT64_C(951868799999)},
        {{.unit = TIME_ISO}, "2019-11-24 00:01:03.979311+00:00", INT64_C(1574553663979)},
        {{.unit = TIME_ISO}, "2010-12-01 08:26", INT64_C(1291191960000)},
        {{.unit = TIME_ISO}, "1970-01-01 08:00:00+0800", 0},
        {{.unit = TIME_ISO, .zone_ms = 28800000}, "1970/01/01 08:00", 0},
        {{.unit = TIME_ISO}, "2001-02-29", -1},
        {{.unit = TIME_ISO}, "2001-13-01", -1},
        {{.unit = TIME_ISO}, "2001-12-01 24:00", -1},
        {{.unit = TIME_ISO}, "2001-12-01 10:00 CET", -1},
        {{.unit = TIME_PATTERN, .pattern = "%m %d, %Y"}, "07 22, 2014", INT64_C(1405987200000)},
        {{.unit = TIME_PATTERN, .pattern = "%d.%m.%Y"}, "22.07.2014x", -1},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        int64_t ms = -1;
        const bool good = text_time(text_of(want[i].text), &want[i].format, &ms);
        if (good != (want[i].ms >= 0) || (good && ms != want[i].ms))
            fail_msg("\"%s\" is %lld, want %lld", want[i].text, good ? (long long)ms : -1LL,
                     (long long)want[i].ms);
    }
}

static void numbers_are_rounded_as_strtod_does(void **state)
{
    (void)state;
    static const char *const good[] = {"0",     "-0.5",   "543.10",  "1e3",
                                       "+7",    ".5",     "5.",      "0.029411764705882353",
                                       "1E-30", "123456", "-999999", "17.99999999999999999"};
    static const char *const bad[] = {"",    "-",    ".",  "1,5", "nan",
                                      "inf", "0x10", "1e", "1 2", "1e999"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_number(text_of(good[i]), &value));
        assert_true(value == strtod(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (text_number(text_of(bad[i]), &value)) fail_msg("\"%s\" is %g", bad[i], value);
}

static void a_dictionary_numbers_keys_in_order(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    Keys keys = {0};
    char name[32];
    for (int i = 0; i < 2 * COUNT; i++) {
        uint32_t id;
        snprintf(name, sizeof name, "key%d", i % COUNT);
        assert_ok(keys_add(&keys, text_of(name), text_hash(text_of(name)), &id));
        assert_int_equal(id, i % COUNT);
    }
    assert_int_equal(keys.count, COUNT);
    assert_string_equal(keys.key[COUNT - 1], "key99999");
    assert_int_equal(keys_find(&keys, text_of("key"), text_hash(text_of("key"))), -1);
    keys_close(&keys);
}

static void a_wrong_mapping_says_where(void **state)
{
    (void)state;
    const struct {
        const char *ini, *words;
    } want[] = {
        {"[columns]\nuser = u\nuzer = v\n",
         "map.ini:3: [columns] has no \"uzer\" (did you mean \"user\"?), want one of: user,"},
        {"[colums]\nuser = u\n",
         "map.ini:2: there is no section [colums] (did you mean \"columns\"?)"},
        {"[clean]\n\nmax_per_day = many\n", "map.ini:3: max_per_day = \"many\", want a number"},
        {"[clean]\nmin_user_events = 2.5\n", "want a whole number"},
        {"nonsense\n", "map.ini:1: want [section] or name = value"},
        {"[events]\nx = column y\n", "want number COLUMN [log] or category COLUMN"},
        {"[events]\ntime = number y\n", "cannot be called \"time\""},
        {"[items]\na/b = number y\n", "cannot be called \"a/b\""},
        {"[episodes]\ngap = soon\n", "want a duration"},
        {"[split]\nvalid = 0.5\ntest = 0.5\n" COLUMNS, "leave nothing to train on"},
        {COLUMNS "[actions]\na = 1\nb = 2\n", "[columns] has no action"},
        {COLUMNS "[action_values]\nx = y\n", "which [actions] does not list"},
        {COLUMNS "[limits]\nx = 1..\n", "no feature or reward reads this column"},
        {"[input]\ndetect = no\n[columns]\nuser = u\n", "[columns] must name user and item"},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_fails(ingest_text(want[i].ini, LOG), want[i].words);
    char line[400];
    snprintf(line, sizeof line, "[columns]\nuser = %300d\n", 1);
    assert_fails(ingest_text(line, LOG), "map.ini:2: line longer than");
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void neither_memory_nor_threads_change_a_byte(void **state)
{
    (void)state;
    const SyntheticOptions s = {
        .events = 60000, .users = 900, .seed = 3, .days = 30, .noise = true};
    const char *ini = "[clean]\nmin_user_events = 20\nmin_item_events = 5\n";
    assert_ok(synthetic_write(&s, in_folder("log")));
    char key[512];
    write_bytes("key", "0123456789abcdef0123456789abcdef", 32);
    snprintf(key, sizeof key, "%s", in_folder("key"));
    IngestOptions o = {.force = true, .key_file = key};
    assert_ok(ingest_with(o, ini, "log", "want.h5"));
    assert_int_equal(report.runs, 0);
    assert_true(report.core_rounds > 0 && report.duplicates > 0 && report.bad[BAD_TIME].count > 0);
    for (int kind = 0; kind < 2; kind++)
        for (o.threads = 1; o.threads <= 5; o.threads += 2) {
            o.memory = kind ? 1 << 20 : 0;
            assert_ok(ingest_with(o, ini, "log", "out.h5"));
            assert_true(kind ? report.runs > 10 : report.runs == 0);
            assert_same_bytes("out.h5", "want.h5");
        }
}

static void the_synthetic_log_has_the_rows_asked_for(void **state)
{
    (void)state;
    const SyntheticOptions s = {.events = 20000, .seed = 9, .days = 10, .threads = 1};
    assert_ok(synthetic_write(&s, in_folder("a")));
    SyntheticOptions other = s;
    other.threads = 3;
    assert_ok(synthetic_write(&other, in_folder("b")));
    assert_same_bytes("a", "b");
    assert_ok(
        ingest_with(plain, "[clean]\nmax_per_minute = 0\nduplicates = keep\n", "a", "out.h5"));
    assert_int_equal(report.events, 20000);
    for (int k = 0; k < BAD_KINDS; k++) assert_int_equal(report.bad[k].count, 0);
    SyntheticOptions bad = s;
    bad.days = 0;
    assert_fails(synthetic_write(&bad, in_folder("c")), "over 0 days");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_compression_gives_the_same_file),
        CASE(members_one_after_the_other_are_one_log),
        CASE(cut_and_damaged_streams_are_errors),
        CASE(standard_input_is_read_like_a_file),
        CASE(dialects_of_csv_give_the_same_events),
        CASE(a_broken_quote_costs_one_row),
        CASE(json_lines_are_read_by_name),
        CASE(a_line_that_is_too_long_costs_its_row),
        CASE(times_are_read_in_every_unit),
        CASE(numbers_are_rounded_as_strtod_does),
        CASE(a_dictionary_numbers_keys_in_order),
        CASE(a_wrong_mapping_says_where),
        CASE(neither_memory_nor_threads_change_a_byte),
        CASE(the_synthetic_log_has_the_rows_asked_for),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
