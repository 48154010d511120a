/* SPDX-License-Identifier: Apache-2.0 */
/* Reads past the HDF5 library: contiguous columns from the mapped file, deflated ones by a table of
 * chunks and libdeflate. Only layouts that are unknown here go through the library. */
#include "data/behaviour/columns.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "data/behaviour/get.h"
#include "data/behaviour/store.h"
#include "data/behaviour/types.h"

enum { CHUNKS_MAX = 4096, CHUNK_EVENTS_MAX = 1 << 24 };

void columns_path(const Behaviour *b, Column column, char *path)
{
    snprintf(path, COLUMN_PATH_MAX, "/events/%s", schema_column_name(b, column));
}

/* ---- Where the bytes are --------------------------------------------------------------------- */

/* True where the pipeline has no filters but shuffle and deflate, in this order, each at most
 * once. */
static bool known_filters(StoredColumn *c, hid_t plist)
{
    const int filters = H5Pget_nfilters(plist);
    c->shuffle = c->deflate = -1;
    for (int i = 0; i < filters; i++) {
        unsigned flags, config, values[16];
        size_t count = 16;
        char name[64];
        const H5Z_filter_t id =
            H5Pget_filter2(plist, (unsigned)i, &flags, &count, values, sizeof name, name, &config);
        int *place = id == H5Z_FILTER_SHUFFLE   ? &c->shuffle
                     : id == H5Z_FILTER_DEFLATE ? &c->deflate
                                                : NULL;
        if (!place || *place >= 0) return false;
        *place = i;
    }
    return c->shuffle < 0 || c->deflate < 0 || c->shuffle < c->deflate;
}

static Status read_table(const Behaviour *b, StoredColumn *c, const char *path)
{
    const BehaviourStore *s = b->store;
    const hid_t space = H5Dget_space(c->dataset);
    c->table = calloc((size_t)c->chunks + 1, sizeof *c->table);
    bool good = c->table && space >= 0;
    for (hsize_t i = 0; i < (hsize_t)c->chunks && good; i++) {
        hsize_t at, bytes;
        unsigned mask;
        haddr_t address;
        good = H5Dget_chunk_info(c->dataset, space, i, &at, &mask, &address, &bytes) >= 0 &&
               at % (hsize_t)c->chunk == 0 && at / (hsize_t)c->chunk < (hsize_t)c->chunks &&
               bytes <= s->bytes && address <= s->bytes - bytes;
        if (good) c->table[at / (hsize_t)c->chunk] = (ChunkPlace){address, bytes, mask};
    }
    for (int64_t i = 0; i < c->chunks && good; i++) good = c->table[i].bytes > 0;
    if (space >= 0) H5Sclose(space);
    if (good) return OK;
    return FAIL(ERR_FORMAT, "%s: %s: one of its %" PRId64 " chunks is missing or outside the file",
                b->path, path, c->chunks);
}

static Status find_bytes(const Behaviour *b, StoredColumn *c, hid_t native, const char *path,
                         hid_t plist)
{
    const BehaviourStore *s = b->store;
    const hid_t stored = H5Dget_type(c->dataset);
    const bool as_in_memory = H5Tequal(stored, native) > 0;
    H5Tclose(stored);
    const H5D_layout_t layout = H5Pget_layout(plist);
    c->stored = STORED_OTHERWISE;
    if (!as_in_memory || b->events == 0) return OK;
    if (layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) == 0) {
        const haddr_t address = H5Dget_offset(c->dataset);
        const uint64_t bytes = (uint64_t)b->events * c->size;
        if (address == HADDR_UNDEF || bytes > s->bytes || address > s->bytes - bytes)
            return FAIL(ERR_FORMAT,
                        "%s: %s: its %" PRIu64 " bytes are not inside the file (truncated?)",
                        b->path, path, bytes);
        c->address = address;
        c->stored = STORED_CONTIGUOUS;
    } else if (layout == H5D_CHUNKED && known_filters(c, plist)) {
        hsize_t chunk = 0;
        if (H5Pget_chunk(plist, 1, &chunk) != 1 || chunk == 0 || chunk > CHUNK_EVENTS_MAX)
            return OK;
        c->chunk = (int64_t)chunk;
        c->chunks = (b->events + c->chunk - 1) / c->chunk;
        /* The library finds the n-th chunk in time that grows with n: a table of very many takes
         * long. */
        if (c->chunks > CHUNKS_MAX) return OK;
        TRY(read_table(b, c, path));
        c->stored = STORED_CHUNKED;
    }
    return OK;
}

Status columns_open(Behaviour *b, Column column)
{
    StoredColumn *c = &b->store->column[column];
    const ElementType type = schema_column_type(column);
    char path[COLUMN_PATH_MAX];
    columns_path(b, column, path);
    TRY(get_open(b->path, b->store->file, path, &c->dataset));
    c->size = schema_type_bytes(type);
    const hid_t plist = H5Dget_create_plist(c->dataset);
    if (plist < 0) return FAIL(ERR_FORMAT, "%s: %s: cannot read its layout", b->path, path);
    c->bytes_stored = (int64_t)H5Dget_storage_size(c->dataset);
    const Status st = find_bytes(b, c, types_native(type), path, plist);
    H5Pclose(plist);
    return st;
}

void columns_close(Behaviour *b)
{
    BehaviourStore *s = b->store;
    for (int i = 0; i < EVENT_COLUMNS_MAX; i++) {
        if (s->column[i].dataset > 0) H5Dclose(s->column[i].dataset);
        free(s->column[i].table);
        s->column[i] = (StoredColumn){0};
    }
    for (int i = 0; i < CACHE_SLOTS; i++) {
        free(s->cache[i].data);
        s->cache[i] = (CachedChunk){0};
    }
}

/* ---- Decoding -------------------------------------------------------------------------------- */

/* The shuffle filter stores byte 0 of every element, then byte 1 of every element, … */
static void unshuffle(char *restrict out, const char *restrict in, size_t count, size_t size)
{
    for (size_t byte = 0; byte < size; byte++)
        for (size_t i = 0; i < count; i++) out[i * size + byte] = in[byte * count + i];
}

static void unshuffle4(char *restrict out, const char *restrict in, size_t count)
{
    const uint8_t *b0 = (const uint8_t *)in, *b1 = b0 + count, *b2 = b1 + count, *b3 = b2 + count;
    uint32_t *restrict words = (uint32_t *)out;
    for (size_t i = 0; i < count; i++)
        words[i] =
            (uint32_t)b0[i] | (uint32_t)b1[i] << 8 | (uint32_t)b2[i] << 16 | (uint32_t)b3[i] << 24;
}

static void unshuffle8(char *restrict out, const char *restrict in, size_t count)
{
    const uint8_t *b = (const uint8_t *)in;
    uint64_t *restrict words = (uint64_t *)out;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = 0;
        for (int k = 0; k < 8; k++) word |= (uint64_t)b[(size_t)k * count + i] << (8 * k);
        words[i] = word;
    }
}

/* A whole chunk into `out` [chunk]. `scratch` is as large. */
static Status decode(const Behaviour *b, const StoredColumn *c, int64_t index, char *out,
                     char *scratch, const char *path)
{
    const ChunkPlace *p = &c->table[index];
    const size_t count = (size_t)c->chunk, bytes = count * c->size;
    const bool deflated = c->deflate >= 0 && !(p->skipped_filters >> c->deflate & 1);
    const bool shuffled = c->shuffle >= 0 && !(p->skipped_filters >> c->shuffle & 1) && c->size > 1;
    const char *from = b->store->map + p->address;
    if (deflated) {
        struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
        if (!d) return FAIL(ERR_MEMORY, "no memory for a decompressor");
        char *to = shuffled ? scratch : out;
        size_t written = 0;
        const enum libdeflate_result r =
            libdeflate_zlib_decompress(d, from, p->bytes, to, bytes, &written);
        libdeflate_free_decompressor(d);
        if (r != LIBDEFLATE_SUCCESS || written != bytes)
            return FAIL(ERR_FORMAT, "%s: %s: chunk %" PRId64 " is damaged (deflate)", b->path, path,
                        index);
        from = to;
    } else if (p->bytes != bytes) {
        return FAIL(ERR_FORMAT, "%s: %s: chunk %" PRId64 " has %" PRIu64 " bytes, want %zu",
                    b->path, path, index, p->bytes, bytes);
    }
    if (shuffled) {
        if (c->size == 4)
            unshuffle4(out, from, count);
        else if (c->size == 8)
            unshuffle8(out, from, count);
        else
            unshuffle(out, from, count, c->size);
    } else if (from != out) {
        memcpy(out, from, bytes);
    }
    return OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static Status read_by_library(const Behaviour *b, Column column, int64_t first, int64_t count,
                              void *out, const char *path)
{
    BehaviourStore *s = b->store;
    const hid_t dataset = s->column[column].dataset;
    const hid_t type = types_native(schema_column_type(column));
    const hsize_t start = (hsize_t)first, size = (hsize_t)count;
    pthread_mutex_lock(&s->lock);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* the library keeps this setting for each thread */
    const hid_t memory = H5Screate_simple(1, &size, NULL), file = H5Dget_space(dataset);
    const bool good = memory >= 0 && file >= 0 &&
                      H5Sselect_hyperslab(file, H5S_SELECT_SET, &start, NULL, &size, NULL) >= 0 &&
                      H5Dread(dataset, type, memory, file, H5P_DEFAULT, out) >= 0;
    if (memory >= 0) H5Sclose(memory);
    if (file >= 0) H5Sclose(file);
    pthread_mutex_unlock(&s->lock);
    if (good) return OK;
    return FAIL(ERR_FORMAT, "%s: %s: cannot read events %" PRId64 " to %" PRId64, b->path, path,
                first, first + count - 1);
}

/* Copy part of a chunk out of the cache; false where the chunk is not there. The caller holds the
 * lock, here and in put_in_cache. */
static bool copy_from_cache(BehaviourStore *s, int column, int64_t chunk, size_t offset,
                            size_t bytes, void *out)
{
    for (int i = 0; i < CACHE_SLOTS; i++) {
        CachedChunk *slot = &s->cache[i];
        if (!slot->used || slot->column != column || slot->chunk != chunk) continue;
        slot->used = ++s->clock;
        memcpy(out, slot->data + offset, bytes);
        return true;
    }
    return false;
}

/* The cache owns `data` from now on. */
static void put_in_cache(BehaviourStore *s, int column, int64_t chunk, char *data)
{
    CachedChunk *oldest = &s->cache[0];
    for (int i = 1; i < CACHE_SLOTS; i++)
        if (s->cache[i].used < oldest->used) oldest = &s->cache[i];
    free(oldest->data);
    *oldest = (CachedChunk){column, chunk, ++s->clock, data};
}

/* Part of a chunk. The whole chunk is decoded, and stays in the cache for the reads that follow. */
static Status read_part(const Behaviour *b, Column column, int64_t chunk, int64_t from,
                        int64_t count, char *out, const char *path)
{
    BehaviourStore *s = b->store;
    const StoredColumn *c = &s->column[column];
    const size_t offset = (size_t)from * c->size, bytes = (size_t)count * c->size;
    pthread_mutex_lock(&s->lock);
    const bool found = copy_from_cache(s, (int)column, chunk, offset, bytes, out);
    pthread_mutex_unlock(&s->lock);
    if (found) return OK;

    const size_t whole = (size_t)c->chunk * c->size;
    char *data = malloc(whole), *scratch = malloc(whole);
    const Status st = data && scratch ? decode(b, c, chunk, data, scratch, path)
                                      : FAIL(ERR_MEMORY, "no memory for a chunk of %s", path);
    free(scratch);
    if (st != OK) return free(data), st;
    memcpy(out, data + offset, bytes);
    pthread_mutex_lock(&s->lock);
    put_in_cache(s, (int)column, chunk, data);
    pthread_mutex_unlock(&s->lock);
    return OK;
}

/* A chunk that no filter has changed. */
static Status copy_part(const Behaviour *b, const StoredColumn *c, int64_t chunk, int64_t from,
                        int64_t count, char *out, const char *path)
{
    const ChunkPlace *p = &c->table[chunk];
    const uint64_t bytes = (uint64_t)c->chunk * c->size;
    if (p->bytes != bytes)
        return FAIL(ERR_FORMAT, "%s: %s: chunk %" PRId64 " has %" PRIu64 " bytes, want %" PRIu64,
                    b->path, path, chunk, p->bytes, bytes);
    memcpy(out, b->store->map + p->address + (size_t)from * c->size, (size_t)count * c->size);
    return OK;
}

static Status read_chunks(const Behaviour *b, Column column, int64_t first, int64_t count,
                          char *out, const char *path)
{
    const StoredColumn *c = &b->store->column[column];
    const bool filtered = c->deflate >= 0 || c->shuffle >= 0;
    Status st = OK;
    char *scratch = filtered && count >= c->chunk ? malloc((size_t)c->chunk * c->size) : NULL;
    while (count > 0) {
        const int64_t chunk = first / c->chunk, from = first % c->chunk;
        const int64_t part = count < c->chunk - from ? count : c->chunk - from;
        if (!filtered)
            TRY_OR_FAIL(st, copy_part(b, c, chunk, from, part, out, path));
        else if (part < c->chunk)
            TRY_OR_FAIL(st, read_part(b, column, chunk, from, part, out, path));
        else if (scratch)
            TRY_OR_FAIL(st, decode(b, c, chunk, out, scratch, path));
        else
            TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for a chunk of %s", path));
        out += (size_t)part * c->size;
        first += part;
        count -= part;
    }
fail:
    free(scratch);
    return st;
}

Status columns_read(const Behaviour *b, Column column, int64_t first, int64_t count, void *out)
{
    const BehaviourStore *s = b->store;
    const StoredColumn *c = &s->column[column];
    REQUIRE((int)column < EVENT_COLUMNS_MAX && c->dataset > 0, "column %d is not in %s",
            (int)column, b->path);
    REQUIRE(first >= 0 && count >= 0 && first + count <= b->events,
            "events %" PRId64 "+%" PRId64 " of %" PRId64, first, count, b->events);
    if (count == 0) return OK;
    if (c->stored == STORED_CONTIGUOUS) {
        memcpy(out, s->map + c->address + (size_t)first * c->size, (size_t)count * c->size);
        return OK;
    }
    char path[COLUMN_PATH_MAX];
    columns_path(b, column, path);
    if (c->stored == STORED_CHUNKED) return read_chunks(b, column, first, count, out, path);
    return read_by_library(b, column, first, count, out, path);
}

const void *columns_direct(const Behaviour *b, Column column)
{
    const StoredColumn *c = &b->store->column[column];
    const bool aligned = c->address % c->size == 0; /* HDF5 aligns large columns only */
    return c->stored == STORED_CONTIGUOUS && aligned ? b->store->map + c->address : NULL;
}

void columns_prefetch(const Behaviour *b, Column column, int64_t first, int64_t count)
{
    const StoredColumn *c = &b->store->column[column];
    if (c->stored != STORED_CONTIGUOUS) return;
    const size_t page = 4096, from = (c->address + (size_t)first * c->size) / page * page;
    const size_t end = c->address + (size_t)(first + count) * c->size;
    madvise((void *)(b->store->map + from), end - from, MADV_WILLNEED);
}

bool columns_storage(const Behaviour *b, Column column, ColumnStorage *storage)
{
    static const char *const layouts[] = {"contiguous", "chunked", "other"};
    if (!columns_has(b, column)) return false;
    const StoredColumn *c = &b->store->column[column];
    *storage = (ColumnStorage){.name = schema_column_name(b, column),
                               .type = schema_type_name[schema_column_type(column)],
                               .layout = layouts[c->stored],
                               .bytes = b->events * (int64_t)c->size,
                               .bytes_stored = c->bytes_stored};
    if (c->stored == STORED_CHUNKED) {
        storage->chunk_events = c->chunk;
        storage->shuffled = c->shuffle >= 0;
        storage->deflated = c->deflate >= 0;
    }
    return true;
}
