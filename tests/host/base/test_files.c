/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear whole or not at all. */
#include "base/files.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/souk-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    status_clear();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a test left anything else behind */
}

static const char *content(void)
{
    static char text[64];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int entries(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

static Status write_text(const void *text, FILE *out)
{
    fputs(text, out);
    return OK;
}

static Status write_half(const void *text, FILE *out)
{
    fputs(text, out);
    return FAIL(ERR_FORMAT, "half of %s", (const char *)text);
}

static void a_committed_file_replaces_the_one_before(void **state)
{
    (void)state;
    assert_ok(files_atomic_write(path, write_text, "first"));
    assert_ok(files_atomic_write(path, write_text, "second"));
    assert_string_equal(content(), "second");
    assert_int_equal(entries(), 1);
}

static void a_file_whose_writer_fails_never_appears(void **state)
{
    (void)state;
    assert_refused(files_atomic_write(path, write_half, "it"), ERR_FORMAT, "half of it");
    assert_int_equal(entries(), 0);
    assert_ok(files_atomic_write(path, write_text, "kept"));
    assert_refused(files_atomic_write(path, write_half, "it"), ERR_FORMAT, "half of it");
    assert_string_equal(content(), "kept");
    assert_int_equal(entries(), 1);
}

static void a_file_that_is_closed_without_commit_is_gone(void **state)
{
    (void)state;
    AtomicFile f;
    assert_ok(files_atomic_open(&f, path));
    fputs("lost", f.stream);
    assert_int_equal(entries(), 1);
    files_atomic_close(&f);
    assert_int_equal(entries(), 0);
    files_atomic_close(&f);
}

static void a_file_in_no_folder_is_refused_by_name(void **state)
{
    (void)state;
    assert_refused(files_atomic_write("/nowhere/file", write_text, ""), ERR_IO, "/nowhere/file");
}

static void what_cannot_be_written_is_known_before(void **state)
{
    (void)state;
    char below[160];
    assert_ok(files_check_writable(path));
    assert_int_equal(entries(), 0);
    assert_ok(files_atomic_write(path, write_text, "a file"));
    assert_ok(files_check_writable(path));
    assert_ok(files_check_writable("/dev/null"));
    snprintf(below, sizeof below, "%s/below", path);
    assert_refused(files_check_writable(below), ERR_IO, "below: cannot create: Not a directory");
    assert_refused(files_check_writable("/nowhere/file"), ERR_IO,
                   "/nowhere/file: cannot create: No such file or directory");
    assert_refused(files_check_writable(folder), ERR_IO, "is a folder");
    assert_string_equal(content(), "a file");
}

static void a_folder_is_made_with_its_parents(void **state)
{
    (void)state;
    char deep[160];
    struct stat info;
    snprintf(deep, sizeof deep, "%s/a/b/c", folder);
    assert_ok(files_make_folder(deep));
    assert_ok(files_make_folder(deep));
    assert_int_equal(stat(deep, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    while (strlen(deep) > strlen(folder)) {
        rmdir(deep);
        *strrchr(deep, '/') = '\0';
    }
    assert_ok(files_atomic_write(path, write_text, "a file"));
    snprintf(deep, sizeof deep, "%s/below", path);
    assert_refused(files_make_folder(deep), ERR_IO, "cannot create folder: Not a directory");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_committed_file_replaces_the_one_before),
        CASE(a_file_whose_writer_fails_never_appears),
        CASE(a_file_that_is_closed_without_commit_is_gone),
        CASE(a_file_in_no_folder_is_refused_by_name),
        CASE(what_cannot_be_written_is_known_before),
        CASE(a_folder_is_made_with_its_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
