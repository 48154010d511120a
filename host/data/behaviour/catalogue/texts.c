/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/catalogue/texts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/get.h"
#include "data/behaviour/spool.h"

static const char OFFSET[] = "/catalogue/text_offset", ROW[] = "/catalogue/text";
static const char BUCKET[] = "/catalogue/text_bucket";

/* ---- Reading --------------------------------------------------------------------------------- */

static Status check_offset(const ItemTexts *t, const char *path, int64_t items, int64_t entries)
{
    if (t->offset[0] != 0)
        return FAIL(ERR_FORMAT, "%s: %s[0] is %" PRId64 ", want 0", path, OFFSET, t->offset[0]);
    for (int64_t i = 0; i < items; i++)
        if (t->offset[i + 1] < t->offset[i])
            return FAIL(ERR_FORMAT,
                        "%s: %s[%" PRId64 "] is %" PRId64 ", want at least %" PRId64
                        ", the value before it",
                        path, OFFSET, i + 1, t->offset[i + 1], t->offset[i]);
    if (t->offset[items] == entries) return OK;
    return FAIL(ERR_FORMAT, "%s: %s ends with %" PRId64 ", want the rows of %s, %" PRId64, path,
                OFFSET, t->offset[items], ROW, entries);
}

/* A text is a set: its rows ascend. */
static Status check_rows(const ItemTexts *t, const char *path, int64_t items)
{
    for (int64_t i = 0; i < items; i++)
        for (int64_t j = t->offset[i], least = 0; j < t->offset[i + 1]; least = t->row[j++] + 1)
            if (t->row[j] < least || t->row[j] >= t->rows)
                return FAIL(ERR_FORMAT,
                            "%s: %s[%" PRId64 "] is %d, want %" PRId64 " to %" PRId64
                            ": the n-grams of an item ascend",
                            path, ROW, j, t->row[j], least, t->rows - 1);
    return OK;
}

static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Each row has a bucket of its own. */
static Status check_buckets(const ItemTexts *t, const char *path)
{
    int32_t *sorted = malloc((size_t)t->rows * sizeof *sorted + 1);
    Status st = OK;
    if (!sorted) return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " n-grams", path, t->rows);
    memcpy(sorted, t->bucket, (size_t)t->rows * sizeof *sorted);
    qsort(sorted, (size_t)t->rows, sizeof *sorted, ascending);
    for (int64_t r = 0; r < t->rows && st == OK; r++)
        if (sorted[r] < 0 || sorted[r] >= t->buckets || (r && sorted[r] == sorted[r - 1]))
            st = FAIL(ERR_FORMAT,
                      "%s: %s has the bucket %" PRId32 "%s, want each of 0 to %" PRId32
                      " once at most",
                      path, BUCKET, sorted[r], r && sorted[r] == sorted[r - 1] ? " twice" : "",
                      t->buckets - 1);
    free(sorted);
    return st;
}

/* Files of earlier versions have no buckets. */
static Status read_buckets(ItemTexts *t, const char *path, hid_t file)
{
    int64_t length;
    hid_t dataset;
    if (H5Lexists(file, BUCKET, H5P_DEFAULT) <= 0) return OK;
    TRY(get_rows(path, file, BUCKET, TYPE_INT32, 0, &length));
    if (length != t->rows)
        return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want one for each n-gram, %" PRId64,
                    path, BUCKET, length, t->rows);
    TRY(get_all(path, file, BUCKET, TYPE_INT32, length, &t->bucket));
    TRY(get_open(path, file, BUCKET, &dataset));
    const bool found = get_numbers(dataset, "buckets", TYPE_INT32, 1, &t->buckets) &&
                       t->buckets >= 1 && (t->buckets & (t->buckets - 1)) == 0;
    H5Dclose(dataset);
    if (!found)
        return FAIL(ERR_FORMAT, "%s: %s: attribute buckets: want a power of two", path, BUCKET);
    return check_buckets(t, path);
}

static Status read_rows(ItemTexts *t, const char *path, hid_t file, int64_t items)
{
    int64_t length, entries;
    TRY(get_rows(path, file, OFFSET, TYPE_INT64, 0, &length));
    if (length != items + 1)
        return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want one more than items, %" PRId64,
                    path, OFFSET, length, items + 1);
    TRY(get_rows(path, file, ROW, TYPE_INT32, 0, &entries));
    TRY(get_all(path, file, OFFSET, TYPE_INT64, length, &t->offset));
    TRY(get_all(path, file, ROW, TYPE_INT32, entries, &t->row));
    hid_t dataset;
    TRY(get_open(path, file, ROW, &dataset));
    int32_t rows = 0;
    const bool found =
        get_numbers(dataset, "rows", TYPE_INT32, 1, &rows) && rows >= 1 && rows <= entries;
    H5Dclose(dataset);
    if (!found)
        return FAIL(ERR_FORMAT,
                    "%s: %s: attribute rows: want a number from 1 to %" PRId64
                    ", as each n-gram is in a set",
                    path, ROW, entries);
    t->rows = rows;
    TRY(check_offset(t, path, items, entries));
    TRY(check_rows(t, path, items));
    TRY(read_buckets(t, path, file));
    return texts_index(t, path, items);
}

Status texts_read(ItemTexts *t, const char *path, hid_t file, int64_t items)
{
    *t = (ItemTexts){0};
    if (H5Lexists(file, "/catalogue", H5P_DEFAULT) <= 0) return OK;
    if (H5Lexists(file, OFFSET, H5P_DEFAULT) <= 0 && H5Lexists(file, ROW, H5P_DEFAULT) <= 0)
        return OK;
    const Status st = read_rows(t, path, file, items);
    if (st != OK) texts_close(t);
    return st;
}

Status texts_index(ItemTexts *t, const char *path, int64_t items)
{
    const int64_t entries = t->offset[items];
    t->row_offset = calloc((size_t)t->rows + 2, sizeof *t->row_offset);
    t->item = malloc((size_t)entries * sizeof *t->item + 1);
    if (!t->row_offset || !t->item)
        return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " n-grams of texts", path, entries);
    /* Until the end row_offset[r + 1] is where the next item of row r goes. */
    for (int64_t j = 0; j < entries; j++) t->row_offset[t->row[j] + 2]++;
    for (int64_t r = 0; r < t->rows; r++) t->row_offset[r + 2] += t->row_offset[r + 1];
    for (int64_t i = 0; i < items; i++)
        for (int64_t j = t->offset[i]; j < t->offset[i + 1]; j++)
            t->item[t->row_offset[t->row[j] + 1]++] = (int32_t)i;
    return OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static Status put_values(PutFile *f, const char *name, ElementType type, int64_t count,
                         const void *values)
{
    int64_t address;
    TRY(put_dataset(f, name, type, count, 0, &address));
    return spool_write_at(f->descriptor, f->path, values, count * (int64_t)schema_type_bytes(type),
                          address);
}

Status texts_put(const ItemTexts *t, PutFile *f, int64_t items)
{
    const int32_t rows = (int32_t)t->rows;
    if (!rows) return OK;
    TRY(put_values(f, OFFSET, TYPE_INT64, items + 1, t->offset));
    TRY(put_values(f, ROW, TYPE_INT32, t->offset[items], t->row));
    TRY(put_attribute(f, ROW, "rows", TYPE_INT32, 0, &rows));
    if (!t->buckets) return OK;
    TRY(put_values(f, BUCKET, TYPE_INT32, rows, t->bucket));
    return put_attribute(f, BUCKET, "buckets", TYPE_INT32, 0, &t->buckets);
}

void texts_hash(const ItemTexts *t, int64_t items, crypto_generichash_state *state)
{
    if (!t->rows) return;
    crypto_generichash_update(state, (const unsigned char *)"text", sizeof "text");
    crypto_generichash_update(state, (const unsigned char *)&t->rows, sizeof t->rows);
    crypto_generichash_update(state, (const unsigned char *)t->offset,
                              (unsigned long long)(items + 1) * sizeof *t->offset);
    crypto_generichash_update(state, (const unsigned char *)t->row,
                              (unsigned long long)t->offset[items] * sizeof *t->row);
}

void texts_close(ItemTexts *t)
{
    free(t->offset);
    free(t->row);
    free(t->bucket);
    free(t->row_offset);
    free(t->item);
    *t = (ItemTexts){0};
}
