/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as JSON: whole or not at all. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "base/report.h"

static char folder[200];

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/souk-report-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int files_in_folder(bool remove)
{
    int count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        count++;
        if (remove) unlink(in_folder(e->d_name));
    }
    closedir(d);
    return count;
}

static int remove_folder(void **state)
{
    (void)state;
    files_in_folder(true);
    return rmdir(folder);
}

static void assert_file(const char *path, const char *want)
{
    char text[256];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, want);
}

static json_t *third(void) { return json_pack("{s:f}", "x", 1.0 / 3.0); }

static void a_report_has_its_layout_and_ends_with_a_newline(void **state)
{
    (void)state;
    const char *path = in_folder("a.json");
    assert_ok(report_write(path, third(), REPORT_WIDE));
    assert_file(path, "{\n  \"x\": 0.33333333333333331\n}\n");
    assert_ok(report_write(path, third(), REPORT_9DIGITS));
    assert_file(path, "{\n \"x\": 0.333333333\n}\n");
    assert_ok(report_write(path, third(), REPORT_NARROW | REPORT_UNENDED));
    assert_file(path, "{\n \"x\": 0.33333333333333331\n}");
    assert_int_equal(files_in_folder(true), 1);
}

static void a_report_that_fails_leaves_the_former_one(void **state)
{
    (void)state;
    const char *path = in_folder("b.json");
    assert_ok(report_write(path, third(), REPORT_WIDE));
    assert_refused(report_write(path, json_pack("{s:s}", "name", "\xff"), REPORT_WIDE), ERR_FORMAT,
                   "b.json: a text in the report is not UTF-8");
    assert_file(path, "{\n  \"x\": 0.33333333333333331\n}\n");
    assert_int_equal(files_in_folder(true), 1);
    assert_refused(report_write(in_folder("none/c.json"), third(), REPORT_WIDE), ERR_IO,
                   "cannot create");
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full) skip();
    assert_refused(report_print(full, third(), REPORT_WIDE), ERR_IO,
                   "standard output: cannot write: No space left");
    fclose(full);
    assert_refused(report_write("/dev/full", third(), REPORT_WIDE), ERR_IO,
                   "/dev/full: cannot write");
}

static void a_pipe_is_written_in_place(void **state)
{
    (void)state;
    char text[64];
    const char *path = in_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    const int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_ok(report_write(path, third(), REPORT_9DIGITS));
    const ssize_t length = read(reader, text, sizeof text - 1);
    close(reader);
    text[length > 0 ? length : 0] = '\0';
    assert_string_equal(text, "{\n \"x\": 0.333333333\n}\n");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    files_in_folder(true);
}

static void what_json_does_not_have_is_null(void **state)
{
    (void)state;
    json_t *list = json_pack("[o, o, o, o, o]", report_number(NAN), report_number(-INFINITY),
                             report_number(0.5), report_string("\xff"), report_string(NULL));
    char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(text, "[null,null,0.5,\"\\\\xff\",\"\"]");
    free(text);
    json_decref(list);
}

static void bytes_that_are_no_text_are_escaped(void **state)
{
    static const struct {
        const char *text, *json, *line;
    } want[] = {
        {"caf\xe9", "caf\\xe9", "caf\\xe9"},
        {"caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xff\xe2\x82\xac\xe2\x82", "\\xff\xe2\x82\xac\\xe2\\x82", "\\xff\xe2\x82\xac\\xe2\\x82"},
        {"a\x1b[31m\n", "a\x1b[31m\n", "a\\x1b[31m\\x0a"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"}, /* half a surrogate pair */
        {"", "", ""},
    };
    char line[REPORT_LINE_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        json_t *value = report_string(want[i].text);
        assert_string_equal(json_string_value(value), want[i].json);
        json_decref(value);
        assert_string_equal(report_line(line, want[i].text), want[i].line);
    }
    char *longer = malloc(5000);
    assert_non_null(longer);
    memset(longer, 0xff, 4999);
    longer[4999] = '\0';
    assert_int_equal(strlen(report_line(line, longer)), REPORT_LINE_MAX - 1);
    free(longer);
}

static void settings_are_reported_by_their_role(void **state)
{
    (void)state;
    Config c = config_default();
    assert_ok(config_assign(&c, "model.dim=32"));
    json_t *all = report_settings(&c, CONFIG_ALL), *stored = report_settings(&c, CONFIG_STORED);
    assert_int_equal(json_object_size(all), config_count());
    assert_string_equal(json_string_value(json_object_get(stored, "model.dim")), "32");
    assert_non_null(json_object_get(all, "train.threads"));
    assert_null(json_object_get(stored, "train.threads"));
    json_decref(all);
    json_decref(stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_has_its_layout_and_ends_with_a_newline),
        cmocka_unit_test(a_report_that_fails_leaves_the_former_one),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_pipe_is_written_in_place),
        cmocka_unit_test(what_json_does_not_have_is_null),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(settings_are_reported_by_their_role),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
