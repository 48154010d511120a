/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 18, START_BYTES = 1 << 22 };

Status spool_open(Spool *s, const char *beside)
{
    *s = (Spool){.file = -1, .beside = beside, .buffer = malloc(BUFFER_BYTES)};
    char *path = NULL;
    if (!s->buffer || asprintf(&path, "%s.spool.XXXXXX", beside) < 0)
        return FAIL(ERR_MEMORY, "%s: no memory for a buffer", beside);
    s->file = mkostemp(path, O_CLOEXEC);
    const int cause = errno;
    if (s->file >= 0) unlink(path);
    free(path);
    if (s->file >= 0) return OK;
    return FAIL(ERR_IO, "%s: cannot create a file beside it: %s", beside, strerror(cause));
}

Status spool_write_at(int file, const char *path, const void *data, int64_t bytes, int64_t at)
{
    const char *from = data;
    while (bytes > 0) {
        const size_t most = (size_t)1 << 30;
        const ssize_t put = pwrite(file, from, (size_t)bytes < most ? (size_t)bytes : most, at);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            return FAIL(ERR_IO, "%s: cannot write: %s", path,
                        put < 0 ? strerror(errno) : "the file takes no more bytes");
        from += put;
        at += put;
        bytes -= put;
    }
    return OK;
}

/* Let the disk work while the column grows, so that the fsync at the end is short. */
static void start_writing(Spool *s)
{
    const int64_t bytes = s->bytes - s->started;
    if (bytes) sync_file_range(s->file, s->at + s->started, bytes, SYNC_FILE_RANGE_WRITE);
    s->started = s->bytes;
}

static Status flush(Spool *s)
{
    if (s->hash) crypto_generichash_update(s->hash, (unsigned char *)s->buffer, s->buffered);
    TRY(spool_write_at(s->file, s->beside, s->buffer, (int64_t)s->buffered,
                       s->at + s->bytes - (int64_t)s->buffered));
    s->buffered = 0;
    if (s->placed && s->bytes - s->started >= START_BYTES) start_writing(s);
    return OK;
}

Status spool_hash(Spool *s)
{
    REQUIRE(s->bytes == 0, "%s: %" PRId64 " bytes before the hash begins", s->beside, s->bytes);
    /* The state wants an alignment of 64 bytes. */
    s->hash = aligned_alloc(64, crypto_generichash_statebytes());
    if (!s->hash || sodium_init() < 0)
        return FAIL(ERR_MEMORY, "%s: no memory for a hash", s->beside);
    crypto_generichash_init(s->hash, NULL, 0, 32);
    return OK;
}

Status spool_hashed(Spool *s, unsigned char hash[32])
{
    TRY(flush(s));
    crypto_generichash_final(s->hash, hash, 32);
    free(s->hash);
    s->hash = NULL;
    return OK;
}

Status spool_append(Spool *s, const void *data, size_t bytes)
{
    const char *from = data;
    while (bytes > 0) {
        const size_t free_bytes = BUFFER_BYTES - s->buffered;
        const size_t part = bytes < free_bytes ? bytes : free_bytes;
        memcpy(s->buffer + s->buffered, from, part);
        s->buffered += part;
        s->bytes += (int64_t)part;
        from += part;
        bytes -= part;
        if (s->buffered == BUFFER_BYTES) TRY(flush(s));
    }
    return OK;
}

Status spool_map(Spool *s, const void **data)
{
    *data = "";
    TRY(flush(s));
    if (s->bytes == 0) return OK;
    s->map = mmap(NULL, (size_t)s->bytes, PROT_READ, MAP_SHARED, s->file, 0);
    if (s->map == MAP_FAILED) {
        s->map = NULL;
        return FAIL(ERR_IO, "%s: cannot read a temporary file back: %s", s->beside,
                    strerror(errno));
    }
    *data = s->map;
    return OK;
}

Status spool_place(Spool *s, int file, const char *path, int64_t at, int64_t bytes)
{
    const void *data;
    TRY(spool_map(s, &data));
    TRY(spool_write_at(file, path, data, s->bytes, at));
    if (s->map) munmap(s->map, (size_t)s->bytes);
    close(s->file);
    s->map = NULL;
    s->file = file;
    s->beside = path;
    s->placed = true;
    s->at = at;
    s->wanted = bytes;
    start_writing(s);
    return OK;
}

Status spool_end(Spool *s)
{
    if (!s->placed) return OK;
    TRY(flush(s));
    REQUIRE(s->bytes == s->wanted, "%s: a column of %" PRId64 " bytes, want %" PRId64, s->beside,
            s->bytes, s->wanted);
    start_writing(s);
    spool_close(s);
    return OK;
}

void spool_close(Spool *s)
{
    if (s->map) munmap(s->map, (size_t)s->bytes);
    if (s->buffer && s->file >= 0 && !s->placed) close(s->file);
    free(s->buffer);
    free(s->hash);
    *s = (Spool){0};
}
