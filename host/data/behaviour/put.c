/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/put.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "data/behaviour/types.h"

enum { CHUNKS_AT_ONCE = 32, SLAB_BYTES = 1 << 20, ALIGN_ABOVE = 1 << 16, ALIGN = 4096 };

/* HDF5 does not say why it failed; the operating system's last error is the best hint. Callers set
 * errno to 0 beforehand. */
static Status refused(const PutFile *f, const char *name)
{
    const int cause = errno;
    return FAIL(ERR_IO, "%s: cannot write %s: %s", f->path, name,
                cause ? strerror(cause) : "refused by the HDF5 library");
}

Status put_open(PutFile *f, const char *path, const char *temporary, int descriptor)
{
    *f = (PutFile){.path = path, .file = H5I_INVALID_HID, .descriptor = descriptor};
    H5dont_atexit(); /* after a full disk its clean-up at exit would print, and fail again */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    errno = 0;
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), plist = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(plist, false); /* the same events give the same bytes at any time */
    if (access >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
        H5Pset_alignment(access, ALIGN_ABOVE, ALIGN) >= 0 && H5Pset_file_locking(access, 0, 1) >= 0)
        f->file = H5Fcreate(temporary, H5F_ACC_TRUNC, plist, access);
    H5Pclose(plist);
    H5Pclose(access);
    return f->file < 0 ? refused(f, "the file") : OK;
}

Status put_commit(PutFile *f)
{
    errno = 0;
    const herr_t flushed = H5Fflush(f->file, H5F_SCOPE_GLOBAL);
    const herr_t closed = H5Fclose(f->file);
    f->file = H5I_INVALID_HID;
    return flushed < 0 || closed < 0 ? refused(f, "the file's directory") : OK;
}

void put_close(PutFile *f)
{
    if (f->file > 0) H5Fclose(f->file);
    f->file = H5I_INVALID_HID;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

Status put_group(PutFile *f, const char *name)
{
    errno = 0;
    const hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_link_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    const hid_t group = H5Gcreate2(f->file, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    if (group < 0) return refused(f, name);
    H5Gclose(group);
    return OK;
}

static Status put_values(PutFile *f, const char *object, const char *name, hid_t type,
                         int64_t count, const void *values)
{
    errno = 0;
    const hsize_t size = (hsize_t)count;
    const hid_t space = count ? H5Screate_simple(1, &size, NULL) : H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate_by_name(f->file, object, name, type, space, H5P_DEFAULT,
                                              H5P_DEFAULT, H5P_DEFAULT);
    const herr_t written = attribute < 0 ? -1 : H5Awrite(attribute, type, values);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return written < 0 ? refused(f, name) : OK;
}

Status put_attribute(PutFile *f, const char *object, const char *name, ElementType type,
                     int64_t count, const void *values)
{
    return put_values(f, object, name, types_native(type), count, values);
}

static hid_t text_type(size_t width)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width ? width : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

Status put_texts(PutFile *f, const char *object, const char *name, int64_t count,
                 const char *const *texts)
{
    const size_t texts_given = count ? (size_t)count : 1;
    size_t width = 1;
    for (size_t i = 0; i < texts_given; i++)
        if (strlen(texts[i]) > width) width = strlen(texts[i]);
    char *padded = calloc(texts_given, width);
    if (!padded) return FAIL(ERR_MEMORY, "%s: no memory for %s", f->path, name);
    for (size_t i = 0; i < texts_given; i++) memcpy(padded + i * width, texts[i], strlen(texts[i]));
    const hid_t type = text_type(width);
    const Status st = put_values(f, object, name, type, count, padded);
    H5Tclose(type);
    free(padded);
    return st;
}

Status put_text(PutFile *f, const char *object, const char *name, const char *text)
{
    return put_texts(f, object, name, 0, &text);
}

/* ---- Contiguous ------------------------------------------------------------------------------ */

static Status put_empty(PutFile *f, const char *name, hid_t type, int64_t rows, int64_t columns,
                        int64_t *address)
{
    errno = 0;
    const hsize_t size[2] = {(hsize_t)rows, (hsize_t)columns};
    const hid_t space = H5Screate_simple(columns ? 2 : 1, size, NULL);
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    const hid_t dataset = H5Dcreate2(f->file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    const haddr_t at = dataset < 0 || rows == 0 ? 0 : H5Dget_offset(dataset);
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(plist);
    H5Sclose(space);
    if (dataset < 0 || at == HADDR_UNDEF) return refused(f, name);
    *address = (int64_t)at;
    return OK;
}

Status put_dataset(PutFile *f, const char *name, ElementType type, int64_t rows, int64_t columns,
                   int64_t *address)
{
    return put_empty(f, name, types_native(type), rows, columns, address);
}

Status put_spool(PutFile *f, const char *name, ElementType type, int64_t rows, int64_t columns,
                 Spool *spool)
{
    int64_t address;
    TRY(put_dataset(f, name, type, rows, columns, &address));
    return spool_place(spool, f->descriptor, f->path, address,
                       rows * (columns ? columns : 1) * (int64_t)schema_type_bytes(type));
}

static Status put_padded(PutFile *f, int64_t rows, size_t width, const char *text, int64_t address)
{
    const int64_t most = (int64_t)(SLAB_BYTES / width) + 1;
    char *slab = malloc((size_t)most * width);
    if (!slab) return FAIL(ERR_MEMORY, "%s: no memory for keys of %zu bytes", f->path, width);
    Status st = OK;
    for (int64_t first = 0; first < rows; first += most) {
        const int64_t count = rows - first < most ? rows - first : most;
        memset(slab, 0, (size_t)count * width);
        for (int64_t i = 0; i < count; i++) {
            const size_t length = strlen(text);
            memcpy(slab + (size_t)i * width, text, length);
            text += length + 1;
        }
        TRY_OR_FAIL(st, spool_write_at(f->descriptor, f->path, slab, count * (int64_t)width,
                                       address + first * (int64_t)width));
    }
fail:
    free(slab);
    return st;
}

Status put_keys(PutFile *f, const char *name, int64_t rows, size_t width, Spool *spool)
{
    if (width == 0) width = 1;
    int64_t address;
    const void *text;
    const hid_t type = text_type(width);
    const Status st = put_empty(f, name, type, rows, 0, &address);
    H5Tclose(type);
    TRY(st);
    TRY(spool_map(spool, &text));
    TRY(put_padded(f, rows, width, text, address));
    spool_close(spool);
    return OK;
}

/* ---- Compressed ------------------------------------------------------------------------------ */

typedef struct {
    const PutFile *f;
    const char *name, *data;    /* the column */
    int64_t rows, chunk, first; /* `first`: number of the chunk that packed[0] has */
    size_t size;                /* bytes of an element */
    char *packed[CHUNKS_AT_ONCE];
    size_t packed_bytes[CHUNKS_AT_ONCE];
} Compression;

/* Byte 0 of every element, then byte 1 of every element, … */
static void shuffle(char *restrict out, const char *restrict in, size_t count, size_t size)
{
    for (size_t byte = 0; byte < size; byte++)
        for (size_t i = 0; i < count; i++) out[byte * count + i] = in[i * size + byte];
}

static Status compress_chunk(void *context, int64_t index)
{
    Compression *c = context;
    const int64_t first = (c->first + index) * c->chunk;
    const size_t bytes = (size_t)c->chunk * c->size;
    const size_t have = (size_t)(c->rows - first < c->chunk ? c->rows - first : c->chunk) * c->size;
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(1);
    char *plain = calloc(2, bytes), *shuffled = plain ? plain + bytes : NULL;
    Status st = OK;
    bool good = false;
    if (compressor && plain) {
        memcpy(plain, c->data + (size_t)first * c->size, have);
        shuffle(shuffled, plain, (size_t)c->chunk, c->size);
        const size_t most = libdeflate_zlib_compress_bound(compressor, bytes);
        char *packed = realloc(c->packed[index], most);
        if (packed) {
            c->packed[index] = packed;
            c->packed_bytes[index] =
                libdeflate_zlib_compress(compressor, shuffled, bytes, packed, most);
            good = true;
        }
    }
    if (!good) st = FAIL(ERR_MEMORY, "%s: no memory to compress %s", c->f->path, c->name);
    free(plain);
    libdeflate_free_compressor(compressor);
    return st;
}

static Status write_chunks(Compression *c, hid_t dataset)
{
    const int64_t chunks = (c->rows + c->chunk - 1) / c->chunk;
    for (c->first = 0; c->first < chunks; c->first += CHUNKS_AT_ONCE) {
        const int64_t count =
            chunks - c->first < CHUNKS_AT_ONCE ? chunks - c->first : CHUNKS_AT_ONCE;
        TRY(parallel_run(parallel_processors(), count, compress_chunk, c));
        errno = 0;
        for (int64_t i = 0; i < count; i++) {
            const hsize_t at = (hsize_t)((c->first + i) * c->chunk);
            if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &at, c->packed_bytes[i], c->packed[i]) < 0)
                return refused(c->f, c->name);
        }
    }
    return OK;
}

/* Where data of HDF5's own filters are to be written chunk by chunk. */
static hid_t compressed_dataset(PutFile *f, const char *name, ElementType type, int64_t rows,
                                int64_t chunk)
{
    errno = 0;
    const hsize_t size = (hsize_t)rows, chunk_size = (hsize_t)chunk;
    const hid_t space = H5Screate_simple(1, &size, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    H5Pset_chunk(plist, 1, &chunk_size);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    H5Pset_shuffle(plist);
    H5Pset_deflate(plist, 1);
    const hid_t dataset =
        H5Dcreate2(f->file, name, types_native(type), space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    H5Sclose(space);
    return dataset;
}

Status put_compressed(PutFile *f, const char *name, ElementType type, int64_t rows, int64_t chunk,
                      Spool *spool)
{
    Compression c = {
        .f = f, .name = name, .rows = rows, .chunk = chunk, .size = schema_type_bytes(type)};
    REQUIRE(spool->bytes == rows * (int64_t)c.size, "%s: %" PRId64 " bytes for %" PRId64 " rows",
            name, spool->bytes, rows);
    const void *data;
    TRY(spool_map(spool, &data));
    c.data = data;
    const hid_t dataset = compressed_dataset(f, name, type, rows, chunk);
    Status st = dataset < 0 ? refused(f, name) : write_chunks(&c, dataset);
    for (int i = 0; i < CHUNKS_AT_ONCE; i++) free(c.packed[i]);
    const bool closed = dataset < 0 || H5Dclose(dataset) >= 0;
    spool_close(spool);
    if (st == OK && !closed) return refused(f, name);
    return st;
}
