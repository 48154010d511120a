/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/catalogue/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/get.h"
#include "data/behaviour/spool.h"
#include "data/behaviour/store.h"

enum { PATH_BYTES = FEATURE_NAME_MAX + 32 };

const char names_of_items[] = "/catalogue/items", names_of_users[] = "/catalogue/users";

bool names_any(const FeatureSet *f)
{
    for (int k = 0; k < f->kinds; k++)
        if (f->row_name[k]) return true;
    return false;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static Status put_kind(const FeatureSet *f, int k, PutFile *put, const char *group)
{
    const int64_t rows = f->kind_rows[k] - 1;
    char path[PATH_BYTES];
    Spool spool;
    size_t width = 0;
    Status st;
    snprintf(path, sizeof path, "%s/%s", group, f->kind_name[k]);
    TRY_OR_FAIL(st, spool_open(&spool, put->path));
    for (int64_t i = 0; i < rows; i++) {
        const size_t length = strlen(f->row_name[k][i]);
        if (length > width) width = length;
        TRY_OR_FAIL(st, spool_append(&spool, f->row_name[k][i], length + 1));
    }
    TRY_OR_FAIL(st, put_keys(put, path, rows, width, &spool));
fail:
    spool_close(&spool);
    return st;
}

Status names_put(const FeatureSet *f, PutFile *put, const char *group)
{
    TRY(put_group(put, group));
    for (int k = 0; k < f->kinds; k++)
        if (f->row_name[k]) TRY(put_kind(f, k, put, group));
    return OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static Status read_kind(FeatureSet *f, int k, const char *path, hid_t file, const char *group)
{
    const int64_t rows = f->kind_rows[k] - 1;
    char name[PATH_BYTES];
    int64_t length;
    size_t width;
    snprintf(name, sizeof name, "%s/%s", group, f->kind_name[k]);
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0) return OK;
    TRY(get_rows(path, file, name, TYPE_TEXT, 0, &length));
    if (length != rows)
        return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want %" PRId64 ", one less than %s has",
                    path, name, length, rows, f->kind_name[k]);
    TRY(get_keys(path, file, name, rows, &f->row_text[k], &width));
    f->row_name[k] = malloc((size_t)(rows + 1) * sizeof *f->row_name[k]);
    if (!f->row_name[k]) return FAIL(ERR_MEMORY, "%s: no memory for the names of %s", path, name);
    for (int64_t i = 0; i < rows; i++) f->row_name[k][i] = f->row_text[k] + (size_t)i * width;
    return OK;
}

Status names_read(FeatureSet *f, const Behaviour *b, const char *group)
{
    const hid_t file = b->store->file;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (H5Lexists(file, "/catalogue", H5P_DEFAULT) <= 0 || H5Lexists(file, group, H5P_DEFAULT) <= 0)
        return OK;
    for (int k = 0; k < f->kinds; k++) TRY(read_kind(f, k, b->path, file, group));
    return OK;
}

Status names_copy(FeatureSet *copy, const FeatureSet *f, const Behaviour *b, const char *group)
{
    *copy = *f;
    memset(copy->row_name, 0, sizeof copy->row_name);
    memset(copy->row_text, 0, sizeof copy->row_text);
    return names_read(copy, b, group);
}

void names_close(FeatureSet *f)
{
    for (int k = 0; k < f->kinds; k++) {
        free((void *)f->row_name[k]);
        free(f->row_text[k]);
        f->row_name[k] = NULL;
        f->row_text[k] = NULL;
    }
}
