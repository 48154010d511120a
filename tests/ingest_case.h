/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of ingest share: a folder of their own, logs written from strings, results read
 * back through the behaviour file. */
#ifndef SOUK_INGEST_CASE_H
#define SOUK_INGEST_CASE_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/behaviour/behaviour.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/keys.h"
#include "data/ingest/ingest.h"
#include "data/rawlog/map.h"
#include "data/rawlog/map_file.h"
#include "test.h"

static char folder[64];

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/souk-test-XXXXXX");
    status_clear();
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (dir) closedir(dir);
    status_clear();
    return rmdir(folder);
}

/* A path in the folder; a few at a time. */
static inline const char *in_folder(const char *name)
{
    static char path[8][512];
    static int at;
    at = (at + 1) % 8;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static inline void write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(in_folder(name), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static inline char *read_bytes(const char *name, size_t *length)
{
    FILE *file = fopen(in_folder(name), "re");
    assert_non_null(file);
    struct stat s;
    assert_int_equal(fstat(fileno(file), &s), 0);
    char *bytes = malloc((size_t)s.st_size + 1);
    assert_non_null(bytes);
    *length = fread(bytes, 1, (size_t)s.st_size, file);
    bytes[*length] = '\0';
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static inline void assert_same_bytes(const char *a, const char *b)
{
    size_t length_a, length_b;
    char *bytes_a = read_bytes(a, &length_a), *bytes_b = read_bytes(b, &length_b);
    if (length_a != length_b || memcmp(bytes_a, bytes_b, length_a) != 0)
        fail_msg("%s (%zu bytes) and %s (%zu bytes) differ", a, length_a, b, length_b);
    free(bytes_a);
    free(bytes_b);
}

static IngestReport report;

/* Ingest `inputs` (names in the folder, separated by blanks; "-" as it is) into `output`. */
static inline Status ingest_with(IngestOptions o, const char *ini, const char *inputs,
                                 const char *output)
{
    char names[256], paths[8][512], out[512];
    const char *list[8];
    Mapping *m = malloc(sizeof *m);
    assert_non_null(m);
    map_init(m);
    snprintf(names, sizeof names, "%s", inputs);
    for (char *at = names, *name; (name = strsep(&at, " "));) {
        const bool standard = strcmp(name, "-") == 0;
        snprintf(paths[o.input_count], sizeof *paths, "%s", standard ? "-" : in_folder(name));
        list[o.input_count] = paths[o.input_count];
        o.input_count++;
    }
    snprintf(out, sizeof out, "%s", in_folder(output));
    o.inputs = list;
    o.output = out;
    ingest_report_close(&report);
    Status st = map_file_read_text(m, "map.ini", ini, strlen(ini));
    if (st == OK) st = ingest_run(&o, m, &report);
    map_close(m);
    free(m);
    return st;
}

/* As a plain-keyed file, from one log given as text. */
static inline Status ingest_text(const char *ini, const char *log)
{
    write_text("log", log);
    return ingest_with((IngestOptions){.plain_keys = true, .force = true}, ini, "log", "out.h5");
}

#define assert_fails(call, words)                                                                  \
    do {                                                                                           \
        status_clear();                                                                            \
        if ((call) == OK) fail_msg("%s succeeds", #call);                                          \
        if (!strstr(status_message(), words))                                                      \
            fail_msg("\"%s\" does not say \"%s\"", status_message(), words);                       \
        status_clear();                                                                            \
    } while (0)

/* ---- Reading back ---------------------------------------------------------------------------- */

typedef struct {
    Behaviour b;
    int32_t *item;
    uint8_t *action, *end;
    int64_t *time;
    float *reward;
} Read;

static inline void *read_column(const Behaviour *b, Column column, size_t size)
{
    void *out = calloc((size_t)b->events + 1, size);
    assert_non_null(out);
    assert_ok(columns_read(b, column, 0, b->events, out));
    return out;
}

static inline Read read_file(const char *name)
{
    Read r;
    assert_ok(behaviour_open(&r.b, in_folder(name)));
    r.item = read_column(&r.b, COLUMN_ITEM, sizeof *r.item);
    r.action = read_column(&r.b, COLUMN_ACTION, sizeof *r.action);
    r.end = read_column(&r.b, COLUMN_END, sizeof *r.end);
    r.time = read_column(&r.b, COLUMN_TIME, sizeof *r.time);
    r.reward = read_column(&r.b, COLUMN_REWARD, sizeof *r.reward);
    return r;
}

static inline void close_read(Read *r)
{
    free(r->item);
    free(r->action);
    free(r->end);
    free(r->time);
    free(r->reward);
    behaviour_close(&r->b);
}

/* "user: item item | user: item" by keys: the whole file in one line. */
static inline const char *histories(Read *r)
{
    static char text[4096];
    size_t used = 0;
    *text = '\0';
    for (int64_t u = 0; u < r->b.users; u++) {
        const char *key;
        assert_ok(behaviour_keys_user(&r->b, u, &key));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:", u ? " | " : "", key);
        for (int64_t e = r->b.offset[u]; e < r->b.offset[u + 1]; e++) {
            assert_ok(behaviour_keys_item(&r->b, r->item[e], &key));
            used += (size_t)snprintf(text + used, sizeof text - used, " %s", key);
        }
        assert_true(used < sizeof text);
    }
    return text;
}

/* "0100 2": the end flags of every user. */
static inline const char *ends(const Read *r)
{
    static char text[4096];
    size_t used = 0;
    for (int64_t u = 0; u < r->b.users; u++) {
        if (u) text[used++] = ' ';
        for (int64_t e = r->b.offset[u]; e < r->b.offset[u + 1]; e++)
            text[used++] = (char)('0' + r->end[e]);
    }
    text[used] = '\0';
    return text;
}

/* "aaabc ab": the split of every event of every user, a train, b valid, c test. */
static inline const char *splits(const Read *r)
{
    static char text[4096];
    size_t used = 0;
    for (int64_t u = 0; u < r->b.users; u++) {
        if (u) text[used++] = ' ';
        for (int64_t e = r->b.offset[u]; e < r->b.offset[u + 1]; e++)
            for (int s = 0; s < SPLITS; s++)
                if (e >= r->b.split[s][u][0] && e < r->b.split[s][u][1])
                    text[used++] = (char)('a' + s);
    }
    text[used] = '\0';
    return text;
}

#endif
