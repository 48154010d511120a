/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/foreign.h"

#include <string.h>
#include <strings.h>

enum { LOOKED_AT = 4096 };

#define TO_CSV                                                                                     \
    "convert it to CSV first, for instance with DuckDB or pandas, or give their table "            \
    "to souk.ingest in Python"
#define PIPE(how) "want " how " | souk ingest - OUTPUT.h5"

typedef struct {
    size_t at, length;
    const char *bytes;
    bool binary; /* a log might begin with these bytes too, but has no control characters */
    const char *name, *advice;
} Magic;

static const Magic magics[] = {
    {0, 4, "PAR1", true, "a Parquet file", TO_CSV},
    {0, 6, "ARROW1", true, "an Arrow (Feather) file", TO_CSV},
    {0, 3, "ORC", true, "an ORC file", TO_CSV},
    {0, 4, "Obj\1", false, "an Avro file", TO_CSV},
    {0, 15, "SQLite format 3", false, "an SQLite database", "export the table as CSV"},
    {0, 8, "\x89HDF\r\n\x1a\n", false, "an HDF5 file",
     "want a log; a behaviour file needs no ingest"},
    {0, 4, "\xD0\xCF\x11\xE0", false, "an old Excel workbook (.xls)", "save its sheet as CSV"},
    {0, 4, "\x93NUM", false, "a NumPy array", TO_CSV},
    {0, 4, "%PDF", false, "a PDF document", "want a log"},
    {0, 4, "7z\xBC\xAF", false, "a 7-Zip archive", PIPE("7z x -so FILE")},
    {0, 4, "Rar!", false, "a RAR archive", PIPE("unrar p -inul FILE")},
    {0, 4, "\x04\x22\x4D\x18", false, "compressed by LZ4", PIPE("lz4 -dc FILE")},
    {0, 3, "BZh", true, "compressed by bzip2", PIPE("bzcat FILE")},
    {257, 5, "ustar", true, "a tar archive", PIPE("tar -xOf FILE MEMBER")},
    {0, 4, "\xFF\xFE\0\0", false, "UTF-32 text", PIPE("iconv -f UTF-32 -t UTF-8 FILE")},
    {0, 2, "\xFF\xFE", false, "UTF-16 text", PIPE("iconv -f UTF-16 -t UTF-8 FILE")},
    {0, 2, "\xFE\xFF", false, "UTF-16 text", PIPE("iconv -f UTF-16 -t UTF-8 FILE")},
};

static bool has_control(const char *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)at[i] < '\t') return true;
    return false;
}

static const Magic *find_magic(const char *at, size_t length, size_t looked)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const Magic *m = &magics[i];
        if (length < m->at + m->length || memcmp(at + m->at, m->bytes, m->length) != 0) continue;
        if (!m->binary || has_control(at, looked)) return m;
    }
    return NULL;
}

/* Text of two bytes a character without a byte order mark: every second byte is 0. */
static const char *utf16_of(const char *at, size_t length)
{
    size_t even = 0, odd = 0;
    const size_t pairs = length / 2 < 32 ? length / 2 : 32;
    for (size_t i = 0; i < pairs; i++) {
        even += at[2 * i] == 0;
        odd += at[2 * i + 1] == 0;
    }
    if (pairs < 2) return NULL;
    return even == 0 && odd == pairs ? "UTF-16LE" : odd == 0 && even == pairs ? "UTF-16BE" : NULL;
}

static bool is_array(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at)) at++;
    if (at == end || *at++ != '[') return false;
    while (at < end && strchr(" \t\r\n", *at)) at++;
    return at < end && *at == '{';
}

static bool is_page(const char *at, size_t length)
{
    return (length >= 14 && strncasecmp(at, "<!doctype html", 14) == 0) ||
           (length >= 5 && strncasecmp(at, "<html", 5) == 0);
}

static Status refuse(const LogHead *head, const char *name, const char *advice)
{
    return FAIL(ERR_FORMAT, "%s: this is %s, which souk does not read: %s", head->path, name,
                advice);
}

static Status refuse_zip(const LogHead *head, size_t looked)
{
    static const char content[] = "[Content_Types].xml";
    if (memmem(head->at, looked, content, sizeof content - 1) || memmem(head->at, looked, "xl/", 3))
        return refuse(head, "an Excel workbook (.xlsx)", "save its sheet as CSV");
    return refuse(head, "a zip archive", PIPE("unzip -p FILE MEMBER"));
}

Status foreign_refuse(const LogHead *head)
{
    const char *const at = head->at, *const end = at + head->length;
    const size_t looked = head->length < LOOKED_AT ? head->length : LOOKED_AT;
    const Magic *magic = find_magic(at, head->length, looked);
    if (magic) return refuse(head, magic->name, magic->advice);
    if (looked >= 4 && memcmp(at, "PK\3\4", 4) == 0) return refuse_zip(head, looked);
    if (looked >= 2 && (unsigned char)at[0] == 0x80 && at[1] >= 2 && at[1] <= 5)
        return refuse(head, "a Python pickle", TO_CSV);
    const char *utf16 = utf16_of(at, looked);
    if (utf16)
        return FAIL(ERR_FORMAT,
                    "%s: this is UTF-16 text, which souk does not read: want iconv -f %s -t UTF-8 "
                    "FILE | souk ingest - OUTPUT.h5",
                    head->path, utf16);
    if (is_array(at, end)) return refuse(head, "one JSON array", PIPE("jq -c '.[]' FILE"));
    if (is_page(at, looked)) return refuse(head, "a web page", "want the log itself");
    if (!memchr(at, '\n', head->length) && memchr(at, '\r', head->length))
        return refuse(head, "text whose lines end with CR alone", PIPE("tr '\\r' '\\n' <FILE"));
    return OK;
}
