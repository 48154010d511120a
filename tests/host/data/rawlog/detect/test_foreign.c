/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/foreign.h"

#include "ingest_case.h"

#define TEXT(bytes) bytes, sizeof bytes - 1

static void files_of_other_formats_are_refused_by_name(void **state)
{
    static char tar[512] = "log.csv";
    memcpy(tar + 257, "ustar", 5);
    const struct {
        const char *bytes;
        size_t length;
        const char *words;
    } want[] = {
        {TEXT("PAR1\x15\x04\x15\x10\x15"), "a Parquet file, which souk does not read: convert it"},
        {TEXT("PK\3\4\x14\0\6\0[Content_Types].xml"), "an Excel workbook (.xlsx)"},
        {TEXT("PK\3\4\x14\0\0\0log.csv"), "unzip -p FILE MEMBER | souk ingest - OUTPUT.h5"},
        {TEXT("\xff\xfeu\0s\0"), "UTF-16 text"},
        {TEXT("\xfe\xff\0u\0s"), "iconv -f UTF-16 -t UTF-8"},
        {TEXT("u\0s\0e\0r\0"), "iconv -f UTF-16LE -t UTF-8"},
        {TEXT("\0u\0s\0e\0r"), "iconv -f UTF-16BE -t UTF-8"},
        {TEXT("\n [ {\"user_id\": 1},"), "jq -c '.[]' FILE"},
        {TEXT("user,item\r1,2\r"), "lines end with CR alone"},
        {TEXT("\x89HDF\r\n\x1a\n\0"), "an HDF5 file"},
        {TEXT("BZh91AY&SY\1"), "bzcat FILE"},
        {TEXT("\x80\4\x95"), "a Python pickle"},
        {TEXT("<!DOCTYPE HTML><p>404"), "a web page"},
        {tar, sizeof tar, "a tar archive"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        write_bytes("log", want[i].bytes, want[i].length);
        assert_fails(
            ingest_with((IngestOptions){.plain_keys = true, .force = true}, "", "log", "out.h5"),
            want[i].words);
    }
}

/* Text that only begins so is a log. */
static void logs_that_begin_alike_are_read(void **state)
{
    static const char *const logs[] = {"ORC,item\nx,y\n",
                                       "PAR1\titem\nx\ty\n",
                                       "BZh,item\nx,y\n",
                                       "user,item\rb\nx,y\n",
                                       "[user,item\nx,y\n",
                                       "u",
                                       ""};
    (void)state;
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
        assert_ok(foreign_refuse(&(LogHead){"log", logs[i], strlen(logs[i]), true}));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(files_of_other_formats_are_refused_by_name),
        CASE(logs_that_begin_alike_are_read),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ingest_report_close(&report);
    return failed;
}
