/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/get.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/types.h"

enum { TEXT_BYTES_MAX = 1 << 28, DEFLATE_MOST = 1032 };

/* ---- Attributes ------------------------------------------------------------------------------ */

/* Both return false where the attribute cannot be read. *taken: the texts that there was memory
 * for. */
static bool take_variable(hid_t attribute, hid_t type, hid_t space, int count, char **texts,
                          int *taken)
{
    char **stored = calloc((size_t)count, sizeof *stored);
    if (!stored) return true;
    const bool good = H5Aread(attribute, type, stored) >= 0;
    for (*taken = 0; good && *taken < count; ++*taken)
        if (!(texts[*taken] = strdup(stored[*taken] ? stored[*taken] : ""))) break;
    if (good) H5Dvlen_reclaim(type, space, H5P_DEFAULT, stored);
    free(stored);
    return good;
}

static bool take_fixed(hid_t attribute, hid_t type, int count, char **texts, int *taken)
{
    const size_t width = H5Tget_size(type);
    if (width < 1 || width > TEXT_BYTES_MAX / (size_t)count) return false;
    char *stored = calloc((size_t)count, width);
    if (!stored) return true;
    const bool good = H5Aread(attribute, type, stored) >= 0;
    for (*taken = 0; good && *taken < count; ++*taken)
        if (!(texts[*taken] = strndup(stored + (size_t)*taken * width, width))) break;
    free(stored);
    return good;
}

Status get_texts(const char *path, hid_t object, const char *name, int most, char **texts,
                 int *count)
{
    *count = 0;
    if (H5Aexists(object, name) <= 0) return OK;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) return OK;
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const hssize_t stored = H5Sget_simple_extent_npoints(space);
    int taken = 0;
    if (stored >= 1 && stored <= most && H5Tget_class(type) == H5T_STRING) {
        const bool good = H5Tis_variable_str(type) > 0
                              ? take_variable(attribute, type, space, (int)stored, texts, &taken)
                              : take_fixed(attribute, type, (int)stored, texts, &taken);
        if (good) *count = (int)stored;
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return taken == *count ? OK : FAIL(ERR_MEMORY, "%s: no memory for attribute %s", path, name);
}

Status get_text(const char *path, hid_t object, const char *name, char **text)
{
    int count;
    *text = NULL;
    return get_texts(path, object, name, 1, text, &count);
}

bool get_numbers(hid_t object, const char *name, ElementType type, int64_t count, void *out)
{
    if (H5Aexists(object, name) <= 0) return false;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) return false;
    const hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
    const H5T_class_t class = H5Tget_class(stored);
    const bool good = H5Sget_simple_extent_npoints(space) == count &&
                      (class == H5T_INTEGER || class == H5T_FLOAT) &&
                      H5Aread(attribute, types_native(type), out) >= 0;
    H5Tclose(stored);
    H5Sclose(space);
    H5Aclose(attribute);
    return good;
}

/* ---- Datasets -------------------------------------------------------------------------------- */

Status get_check_links(const char *path, hid_t file, const char *name)
{
    char part[256];
    for (const char *end = name; *end;) {
        H5L_info_t info;
        end = strchr(end + 1, '/');
        if (!end) end = name + strlen(name);
        if ((size_t)(end - name) >= sizeof part)
            return FAIL(ERR_FORMAT, "%s: %.40s...: a path of %zu bytes, want less than %zu", path,
                        name, strlen(name), sizeof part);
        snprintf(part, sizeof part, "%.*s", (int)(end - name), name);
        if (H5Lget_info(file, part, &info, H5P_DEFAULT) < 0)
            return FAIL(ERR_FORMAT, "%s: %s: no readable dataset or group", path, name);
        if (info.type != H5L_TYPE_HARD)
            return FAIL(ERR_FORMAT, "%s: %s is a link to %s, want the data in their place", path,
                        part,
                        info.type == H5L_TYPE_SOFT ? "another place of the file" : "another file");
    }
    return OK;
}

static Status check_chunk(const char *path, const char *name, hid_t dataset, hid_t plist)
{
    hsize_t chunk[H5S_MAX_RANK], elements = 1;
    const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const hssize_t all = H5Sget_simple_extent_npoints(space);
    const size_t size = H5Tget_size(type);
    const int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    bool good = rank >= 1 && all >= 0 && size > 0;
    const hsize_t most = good ? (hsize_t)all + CHUNK_BYTES_FREE / size : 0;
    for (int i = 0; i < rank && good; i++) {
        good = chunk[i] > 0 && chunk[i] <= most / elements;
        if (good) elements *= chunk[i];
    }
    H5Sclose(space);
    H5Tclose(type);
    if (good) return OK;
    return FAIL(ERR_FORMAT,
                "%s: %s: chunks that are much larger than the dataset of %lld elements, want "
                "smaller ones",
                path, name, (long long)all);
}

static Status check_layout(const char *path, const char *name, hid_t dataset)
{
    const hid_t plist = H5Dget_create_plist(dataset);
    if (plist < 0) return FAIL(ERR_FORMAT, "%s: %s: cannot read its layout", path, name);
    const H5D_layout_t layout = H5Pget_layout(plist);
    Status st = OK;
    if (layout == H5D_VIRTUAL || H5Pget_external_count(plist) > 0)
        st = FAIL(ERR_FORMAT, "%s: %s: its data are in other files, want them in this one", path,
                  name);
    else if (layout == H5D_CHUNKED)
        st = check_chunk(path, name, dataset, plist);
    H5Pclose(plist);
    return st;
}

Status get_open(const char *path, hid_t file, const char *name, hid_t *dataset)
{
    TRY(get_check_links(path, file, name));
    *dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (*dataset < 0) return FAIL(ERR_FORMAT, "%s: %s: no readable dataset", path, name);
    const Status st = check_layout(path, name, *dataset);
    if (st == OK) return OK;
    H5Dclose(*dataset);
    *dataset = H5I_INVALID_HID;
    return st;
}

static Status check_shape(const char *path, hid_t dataset, const char *name, ElementType type,
                          int64_t columns, int64_t *rows)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    const hid_t stored_type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const bool right_type = types_equal(stored_type, type);
    const size_t size = H5Tget_size(stored_type);
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    H5Tclose(stored_type);
    H5Sclose(space);
    if (!right_type)
        return FAIL(ERR_FORMAT, "%s: %s: want dtype %s", path, name, schema_type_name[type]);
    if (rank != (columns ? 2 : 1) || (columns && dims[1] != (hsize_t)columns))
        return FAIL(ERR_FORMAT, "%s: %s: %d axes, want %s", path, name, rank,
                    columns ? "2, the second of width 2" : "1");
    /* Deflate makes data at most 1032 times smaller. Where there are more rows than that allows,
     * the header is damaged. */
    const hsize_t stored = H5Dget_storage_size(dataset), wide = size * (columns ? 2 : 1);
    if (dims[0] > INT64_MAX / 4096 || dims[0] * wide / DEFLATE_MOST > stored)
        return FAIL(ERR_FORMAT, "%s: %s: %" PRIu64 " rows, but %" PRIu64 " bytes stored for them",
                    path, name, (uint64_t)dims[0], (uint64_t)stored);
    *rows = (int64_t)dims[0];
    return OK;
}

Status get_rows(const char *path, hid_t file, const char *name, ElementType type, int64_t columns,
                int64_t *rows)
{
    hid_t dataset;
    TRY(get_open(path, file, name, &dataset));
    const Status st = check_shape(path, dataset, name, type, columns, rows);
    H5Dclose(dataset);
    return st;
}

Status get_all(const char *path, hid_t file, const char *name, ElementType type, int64_t count,
               void *out)
{
    hid_t dataset;
    void *memory = malloc((size_t)count * schema_type_bytes(type) + 1);
    *(void **)out = memory;
    if (!memory)
        return FAIL(ERR_MEMORY, "%s: %s: no memory for %" PRId64 " values", path, name, count);
    TRY(get_open(path, file, name, &dataset));
    const bool good = count == 0 || H5Dread(dataset, types_native(type), H5S_ALL, H5S_ALL,
                                            H5P_DEFAULT, memory) >= 0;
    H5Dclose(dataset);
    return good ? OK : FAIL(ERR_FORMAT, "%s: %s: cannot read its data", path, name);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static Status allocate_keys(const char *path, const char *name, int64_t rows, size_t width,
                            char **out)
{
    *out = calloc((size_t)rows + 1, width);
    return *out ? OK
                : FAIL(ERR_MEMORY, "%s: %s: no memory for %" PRId64 " keys of %zu bytes", path,
                       name, rows, width);
}

static Status take_variable_keys(const char *path, hid_t dataset, hid_t type, const char *name,
                                 int64_t rows, char **out, size_t *width)
{
    char **stored = calloc((size_t)rows + 1, sizeof *stored);
    if (!stored)
        return FAIL(ERR_MEMORY, "%s: %s: no memory for %" PRId64 " keys", path, name, rows);
    Status st;
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, stored) < 0)
        TRY_OR_FAIL(st, FAIL(ERR_FORMAT, "%s: %s: cannot read its data", path, name));
    *width = 1;
    for (int64_t i = 0; i < rows; i++)
        if (stored[i] && strlen(stored[i]) >= *width) *width = strlen(stored[i]) + 1;
    TRY_OR_FAIL(st, allocate_keys(path, name, rows, *width, out));
    for (int64_t i = 0; i < rows; i++)
        if (stored[i]) memcpy(*out + (size_t)i * *width, stored[i], strlen(stored[i]));
fail:;
    const hid_t space = H5Dget_space(dataset);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, stored);
    H5Sclose(space);
    free(stored);
    return st;
}

static Status take_fixed_keys(const char *path, hid_t dataset, hid_t type, const char *name,
                              int64_t rows, char **out, size_t *width)
{
    *width = H5Tget_size(type) + 1;
    TRY(allocate_keys(path, name, rows, *width, out));
    const hid_t memory = H5Tcopy(type); /* as stored, with one byte more for a closing zero */
    H5Tset_size(memory, *width);
    H5Tset_strpad(memory, H5T_STR_NULLTERM);
    const bool good =
        rows == 0 || H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) >= 0;
    H5Tclose(memory);
    return good ? OK : FAIL(ERR_FORMAT, "%s: %s: cannot read its data", path, name);
}

Status get_keys(const char *path, hid_t file, const char *name, int64_t rows, char **out,
                size_t *width)
{
    hid_t dataset;
    TRY(get_open(path, file, name, &dataset));
    const hid_t type = H5Dget_type(dataset);
    const Status st = H5Tis_variable_str(type) > 0
                          ? take_variable_keys(path, dataset, type, name, rows, out, width)
                          : take_fixed_keys(path, dataset, type, name, rows, out, width);
    H5Tclose(type);
    H5Dclose(dataset);
    if (st != OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}
