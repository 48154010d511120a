/* SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

enum { ALIGN = 8, HEADER_MAX = 100 << 20 };

static const char *const names[] = {
    [F32] = "F32", [F64] = "F64", [BF16] = "BF16", [I32] = "I32", [I64] = "I64", [U8] = "U8",
};

/* ---- Writing --------------------------------------------------------------------------------- */

static int add_tensor(json_t *header, const NamedTensor *t, size_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->tensor.rank; i++)
        json_array_append_new(shape, json_integer(t->tensor.dim[i]));
    return json_object_set_new(header, t->name,
                               json_pack("{s:s, s:o, s:[I,I]}", "dtype", names[t->tensor.dtype],
                                         "shape", shape, "data_offsets", (json_int_t)begin,
                                         (json_int_t)(begin + tensor_bytes(t->tensor))));
}

static char *make_header(const NamedTensor *tensors, int count, const Metadata *metadata,
                         int metadata_count)
{
    json_t *header = json_object(), *texts = json_object();
    int bad = !header || !texts;
    size_t begin = 0;
    for (int i = 0; i < metadata_count; i++)
        bad |= json_object_set_new(texts, metadata[i].key, json_string(metadata[i].value));
    if (metadata_count) bad |= json_object_set(header, "__metadata__", texts);
    for (int i = 0; i < count; i++) {
        bad |= add_tensor(header, &tensors[i], begin);
        begin += tensor_bytes(tensors[i].tensor);
    }
    char *text = bad ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(texts);
    json_decref(header);
    return text;
}

/* Stops at the first write that fails, while errno says why. */
static Status write_all(const AtomicFile *file, const char *header, const NamedTensor *tensors,
                        int count)
{
    FILE *f = file->stream;
    const size_t length = strlen(header), padded = (length + ALIGN - 1) / ALIGN * ALIGN;
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)(padded >> (8 * i));
    bool good = fwrite(prefix, 1, sizeof prefix, f) == sizeof prefix &&
                fprintf(f, "%s%*s", header, (int)(padded - length), "") >= 0;
    for (int i = 0; i < count && good; i++) {
        const size_t bytes = tensor_bytes(tensors[i].tensor);
        good = fwrite(tensors[i].tensor.data, 1, bytes, f) == bytes;
    }
    return good ? OK : FAIL(ERR_IO, "%s: cannot write: %s", file->path, strerror(errno));
}

Status safetensors_write(const char *path, const NamedTensor *tensors, int count,
                         const Metadata *metadata, int metadata_count)
{
    Status st;
    AtomicFile file = {0};
    char *header = make_header(tensors, count, metadata, metadata_count);
    if (!header) return FAIL(ERR_MEMORY, "%s: cannot build the header", path);
    TRY_OR_FAIL(st, files_atomic_open(&file, path));
    TRY_OR_FAIL(st, write_all(&file, header, tensors, count));
    st = files_atomic_commit(&file);
fail:
    files_atomic_close(&file);
    free(header);
    return st;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static Status map_file(Safetensors *s)
{
    const int fd = open(s->path, O_RDONLY);
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot open: %s", s->path, strerror(errno));
    struct stat info;
    Status st = OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        st = FAIL(ERR_IO, "%s: not a regular file", s->path);
    else if (info.st_size < 8)
        st = FAIL(ERR_FORMAT, "%s: %" PRId64 " bytes, want a safetensors file of at least 8",
                  s->path, (int64_t)info.st_size);
    if (st == OK) {
        s->bytes = (size_t)info.st_size;
        s->map = mmap(NULL, s->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (s->map == MAP_FAILED) {
            s->map = NULL;
            st = FAIL(ERR_IO, "%s: cannot map: %s", s->path, strerror(errno));
        }
    }
    close(fd);
    return st;
}

static Status parse_header(Safetensors *s, size_t *data)
{
    const uint8_t *bytes = s->map;
    uint64_t length = 0;
    for (int i = 0; i < 8; i++) length |= (uint64_t)bytes[i] << (8 * i);
    if (length > HEADER_MAX || length > s->bytes - 8)
        return FAIL(ERR_FORMAT,
                    "%s: a header of %" PRIu64 " bytes in a file of %zu, want one that fits",
                    s->path, length, s->bytes);
    json_error_t error;
    s->header = json_loadb((const char *)bytes + 8, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(s->header))
        return FAIL(ERR_FORMAT, "%s: header: %s, want a JSON object", s->path,
                    s->header ? "another JSON value" : error.text);
    *data = 8 + length;
    return OK;
}

static Status parse_dtype(const Safetensors *s, const char *name, const json_t *entry, Dtype *dtype)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (!strcmp(text, names[i])) return *dtype = (Dtype)i, OK;
    return FAIL(ERR_FORMAT, "%s: %s: dtype %s, want F32, F64, BF16, I32, I64 or U8", s->path, name,
                text ? text : "missing");
}

static Status parse_tensor(const Safetensors *s, size_t data, NamedTensor *t, const json_t *entry)
{
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    TRY(parse_dtype(s, t->name, entry, &t->tensor.dtype));
    if (!json_is_array(shape) || json_array_size(shape) > TENSOR_RANK_MAX)
        return FAIL(ERR_FORMAT, "%s: %s: want a shape of at most %d axes", s->path, t->name,
                    TENSOR_RANK_MAX);
    t->tensor.rank = (int)json_array_size(shape);
    const size_t left = s->bytes - data;
    size_t size = tensor_dtype_size(t->tensor.dtype);
    for (int i = 0; i < t->tensor.rank; i++) {
        const json_t *axis = json_array_get(shape, (size_t)i);
        const json_int_t dim = json_is_integer(axis) ? json_integer_value(axis) : -1;
        if (dim < 0 || (size_t)dim > left || (dim > 0 && size > left / (size_t)dim))
            return FAIL(ERR_FORMAT, "%s: %s: axis %d, want a size that fits the file", s->path,
                        t->name, i);
        t->tensor.dim[i] = dim;
        size *= (size_t)dim;
    }
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    const json_int_t begin = json_is_integer(first) ? json_integer_value(first) : -1;
    const json_int_t end = json_is_integer(last) ? json_integer_value(last) : -1;
    if (begin < 0 || end < begin || (size_t)end > left || (size_t)(end - begin) != size)
        return FAIL(ERR_FORMAT,
                    "%s: %s: data_offsets [%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
                    "], want %zu bytes within %zu",
                    s->path, t->name, begin, end, size, left);
    t->tensor.data = (char *)s->map + data + begin;
    return OK;
}

static Status parse_metadata(Safetensors *s, json_t *texts)
{
    const char *key;
    json_t *value;
    s->metadata = calloc(json_object_size(texts) + 1, sizeof *s->metadata);
    if (!s->metadata) return FAIL(ERR_MEMORY, "%s: no memory for the metadata", s->path);
    json_object_foreach(texts, key, value)
    {
        if (!json_is_string(value))
            return FAIL(ERR_FORMAT, "%s: __metadata__ %s: want text", s->path, key);
        s->metadata[s->metadata_count++] = (Metadata){key, json_string_value(value)};
    }
    return OK;
}

static Status parse_entries(Safetensors *s, size_t data)
{
    const char *name;
    json_t *entry;
    s->tensors = calloc(json_object_size(s->header) + 1, sizeof *s->tensors);
    if (!s->tensors) return FAIL(ERR_MEMORY, "%s: no memory for the list of tensors", s->path);
    json_object_foreach(s->header, name, entry)
    {
        if (!strcmp(name, "__metadata__")) {
            TRY(parse_metadata(s, entry));
            continue;
        }
        s->tensors[s->count].name = name;
        TRY(parse_tensor(s, data, &s->tensors[s->count], entry));
        s->count++;
    }
    return OK;
}

Status safetensors_open(Safetensors *s, const char *path)
{
    Status st;
    size_t data;
    *s = (Safetensors){.path = strdup(path)};
    if (!s->path) return FAIL(ERR_MEMORY, "%s: no memory for the path", path);
    TRY_OR_FAIL(st, map_file(s));
    TRY_OR_FAIL(st, parse_header(s, &data));
    TRY_OR_FAIL(st, parse_entries(s, data));
    return OK;
fail:
    safetensors_close(s);
    return st;
}

void safetensors_close(Safetensors *s)
{
    if (s->map) munmap(s->map, s->bytes);
    json_decref(s->header);
    free(s->tensors);
    free(s->metadata);
    free(s->path);
    *s = (Safetensors){0};
}

const Tensor *safetensors_find(const Safetensors *s, const char *name)
{
    for (int i = 0; i < s->count; i++)
        if (!strcmp(s->tensors[i].name, name)) return &s->tensors[i].tensor;
    return NULL;
}

const char *safetensors_metadata(const Safetensors *s, const char *key)
{
    for (int i = 0; i < s->metadata_count; i++)
        if (!strcmp(s->metadata[i].key, key)) return s->metadata[i].value;
    return NULL;
}

static void shape_text(char *text, size_t size, Dtype dtype, int rank, const int64_t *dim)
{
    int n = snprintf(text, size, "%s[", tensor_dtype_name(dtype));
    for (int i = 0; i < rank; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%" PRId64, i ? "," : "", dim[i]);
    snprintf(text + n, size - (size_t)n, "]");
}

Status safetensors_get(const Safetensors *s, const char *name, Dtype dtype, int rank,
                       const int64_t *dim, Tensor *out)
{
    const Tensor *t = safetensors_find(s, name);
    if (!t) return FAIL(ERR_FORMAT, "%s: no tensor \"%s\"", s->path, name);
    bool same = t->dtype == dtype && t->rank == rank;
    for (int i = 0; same && i < rank; i++) same = t->dim[i] == dim[i];
    char have[128], want[128];
    shape_text(have, sizeof have, t->dtype, t->rank, t->dim);
    shape_text(want, sizeof want, dtype, rank, dim);
    if (!same) return FAIL(ERR_FORMAT, "%s: %s is %s, want %s", s->path, name, have, want);
    *out = *t;
    return OK;
}
