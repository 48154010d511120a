/* SPDX-License-Identifier: Apache-2.0 */
#include "model/retired/retired.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/key_index.h"
#include "data/behaviour/get.h"
#include "data/behaviour/store.h"

static const char list_name[] = "retired.txt";

enum { PATH_BYTES = 4096 + 16 };

/* The list that is beside a model's file. */
static void path_of(char list[PATH_BYTES], const char *model)
{
    const char *slash = strrchr(model, '/');
    snprintf(list, PATH_BYTES, "%.*s%s", slash ? (int)(slash + 1 - model) : 0, model, list_name);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A key ends with its line, before a carriage return. */
static void read_lines(Retired *r, FILE *in, const KeyIndex *index)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, in)) >= 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = '\0';
        if (length == 0) continue;
        const int64_t item = key_index_find(index, line);
        if (item < 0) {
            if (r->strays++ == 0) snprintf(r->stray, sizeof r->stray, "%s", line);
            continue;
        }
        r->count += !r->item[item];
        r->item[item] = true;
    }
    free(line);
}

static Status read_list(Retired *r, const char *path, FILE *in, const Behaviour *b)
{
    KeyIndex index = {0};
    char *keys = NULL;
    size_t width;
    Status st;
    r->item = calloc((size_t)b->items, sizeof *r->item);
    if (!r->item)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " items", path, b->items));
    TRY_OR_FAIL(st, get_keys(b->path, b->store->file, "/items/key", b->items, &keys, &width));
    TRY_OR_FAIL(st, key_index_open(&index, keys, width, true, b->items));
    read_lines(r, in, &index);
    if (ferror(in)) TRY_OR_FAIL(st, FAIL(ERR_IO, "%s: %s", path, strerror(errno)));
    if (r->count == b->items)
        TRY_OR_FAIL(st, FAIL(ERR_USAGE, "%s has all %" PRId64 " items, want some that are sold",
                             path, b->items));
    st = OK;
fail:
    key_index_close(&index);
    free(keys);
    return st;
}

Status retired_read(Retired *r, const char *model, const Behaviour *b)
{
    char path[PATH_BYTES];
    *r = (Retired){0};
    path_of(path, model);
    FILE *in = fopen(path, "re");
    if (!in && errno == ENOENT) return OK;
    if (!in) return FAIL(ERR_IO, "%s: %s", path, strerror(errno));
    const Status st = read_list(r, path, in, b);
    fclose(in);
    if (st != OK) retired_close(r);
    return st;
}

void retired_close(Retired *r)
{
    free(r->item);
    *r = (Retired){0};
}

/* ---- Taking it along ------------------------------------------------------------------------- */

static Status copy(const void *content, FILE *out)
{
    char buffer[1 << 14];
    FILE *in = (FILE *)(uintptr_t)content;
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, in)) > 0;)
        if (fwrite(buffer, 1, got, out) != got) return FAIL(ERR_IO, "cannot write %s", list_name);
    return ferror(in) ? FAIL(ERR_IO, "cannot read %s", list_name) : OK;
}

Status retired_take(const char *model, const char *to)
{
    char list[PATH_BYTES], taken[PATH_BYTES];
    path_of(list, model);
    snprintf(taken, sizeof taken, "%.4000s/%s", to, list_name);
    if (access(taken, F_OK) == 0) return OK;
    FILE *in = fopen(list, "re");
    if (!in && errno == ENOENT) return OK;
    if (!in) return FAIL(ERR_IO, "%s: %s", list, strerror(errno));
    const Status st = files_atomic_write(taken, copy, in);
    fclose(in);
    return st;
}
