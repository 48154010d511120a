/* SPDX-License-Identifier: Apache-2.0 */
#include "base/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"

/* errno of an earlier call may be the cause of another failure. */
static Status cannot_write(const char *name)
{
    return FAIL(ERR_IO, "%s: cannot write: %s", name, strerror(errno ? errno : EIO));
}

static Status write_root(const char *name, FILE *out, const json_t *root, size_t layout)
{
    if (!root)
        return FAIL(ERR_FORMAT, "%s: a text in the report is not UTF-8, want UTF-8 names and paths",
                    name);
    errno = 0;
    if (json_dumpf(root, out, layout & ~REPORT_UNENDED) != 0) return cannot_write(name);
    if (!(layout & REPORT_UNENDED) && fputc('\n', out) == EOF) return cannot_write(name);
    return OK;
}

static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

static Status write_in_place(const char *path, const json_t *root, size_t layout)
{
    FILE *out = fopen(path, "w");
    if (!out) return FAIL(ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    const Status st = write_root(path, out, root, layout);
    return fclose(out) != 0 && st == OK ? cannot_write(path) : st;
}

Status report_write(const char *path, json_t *root, size_t layout)
{
    Status st;
    if (is_special(path)) {
        st = write_in_place(path, root, layout);
        json_decref(root);
        return st;
    }
    AtomicFile file = {0};
    TRY_OR_FAIL(st, files_atomic_open(&file, path));
    TRY_OR_FAIL(st, write_root(path, file.stream, root, layout));
    TRY_OR_FAIL(st, files_atomic_commit(&file));
fail:
    files_atomic_close(&file);
    json_decref(root);
    return st;
}

Status report_print(FILE *out, json_t *root, size_t layout)
{
    Status st = write_root("standard output", out, root, layout);
    json_decref(root);
    if (st == OK && fflush(out) != 0) st = cannot_write("standard output");
    return st;
}

/* The length in bytes of the character at `at`; 0 where jansson finds that it is not UTF-8. */
static size_t character(const char *at)
{
    const unsigned char lead = (unsigned char)*at;
    const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (size == 1) return 1;
    json_t *one = strnlen(at, size) == size ? json_stringn(at, size) : NULL;
    const bool good = one != NULL;
    json_decref(one);
    return good ? size : 0;
}

/* Copies what fits. */
static void escape(char *out, size_t size, const char *text, bool controls)
{
    size_t used = 0;
    for (size_t step; *text && used + 5 <= size; text += step) {
        const unsigned char c = (unsigned char)*text;
        const size_t whole = controls && (c < 0x20 || c == 0x7F) ? 0 : character(text);
        step = whole ? whole : 1;
        if (whole)
            memcpy(out + used, text, whole);
        else
            snprintf(out + used, size - used, "\\x%02x", c);
        used += whole ? whole : 4;
    }
    out[used] = '\0';
}

json_t *report_string(const char *text)
{
    json_t *value = json_string(text ? text : "");
    if (value) return value;
    const size_t size = 4 * strlen(text) + 5;
    char *escaped = malloc(size);
    if (!escaped) return NULL;
    escape(escaped, size, text, false);
    value = json_string(escaped);
    free(escaped);
    return value;
}

const char *report_line(char out[REPORT_LINE_MAX], const char *text)
{
    escape(out, REPORT_LINE_MAX, text, true);
    return out;
}

json_t *report_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *report_settings(const Config *c, ConfigSet set)
{
    json_t *settings = json_object();
    for (int i = 0; i < config_count(); i++) {
        char value[sizeof(Config_text)];
        if (!config_in(i, set)) continue;
        config_value(c, i, value, sizeof value);
        json_object_set_new(settings, config_file_key(i), report_string(value));
    }
    return settings;
}

/* ---- JSON of users --------------------------------------------------------------------------- */

enum { FIELDS_MAX = 256 };

static const char *list_of(char list[FIELDS_MAX], const char *const *known)
{
    size_t used = 0;
    list[0] = '\0';
    for (int i = 0; known[i] && used < FIELDS_MAX; i++)
        used +=
            (size_t)snprintf(list + used, FIELDS_MAX - used, "%s%s", i > 0 ? ", " : "", known[i]);
    return list;
}

Status report_fields(const json_t *object, const char *const *known, const char *what)
{
    char list[FIELDS_MAX];
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        int i = 0;
        while (known[i] && strcmp(known[i], name) != 0) i++;
        if (!known[i])
            return FAIL(ERR_FORMAT, "there is no field \"%.64s\" in %s, want %s", name, what,
                        list_of(list, known));
    }
    return OK;
}
