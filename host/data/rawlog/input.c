/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { RAW = 1 << 18, XZ_MEMORY = 1 << 30, WHOLE_MAX = 1 << 30 };
typedef enum { PLAIN, GZIP, ZSTD, XZ } Codec;
static const char *const codec_name[] = {"plain", "gzip", "zstd", "xz"};

struct LogFile {
    const char *path;
    int fd;
    Codec codec;
    bool at_end;      /* of the raw file */
    bool mid_unit;    /* inside a gzip member, zstd frame or xz stream */
    int64_t position; /* raw bytes read */
    size_t raw_at, raw_end;
    z_stream gzip;
    ZSTD_DStream *zstd;
    lzma_stream xz;
    bool gzip_open;
    unsigned char raw[RAW];
};

int64_t input_size(const char *path)
{
    struct stat s;
    return strcmp(path, "-") != 0 && stat(path, &s) == 0 && S_ISREG(s.st_mode) ? s.st_size : 0;
}

int64_t input_position(const LogFile *in) { return in->position; }

static Status read_fully(LogFile *in, void *out, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        const ssize_t n = read(in->fd, (char *)out + *got, size - *got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return FAIL(ERR_IO, "%s: cannot read: %s", in->path, strerror(errno));
        if (n == 0) break;
        *got += (size_t)n;
        in->position += n;
    }
    return OK;
}

/* Read raw bytes, once those read before are used up. */
static Status refill(LogFile *in)
{
    if (in->raw_at < in->raw_end || in->at_end) return OK;
    in->raw_at = 0;
    TRY(read_fully(in, in->raw, RAW, &in->raw_end));
    in->at_end = in->raw_end == 0;
    return OK;
}

static Status open_codec(LogFile *in)
{
    static const struct {
        size_t length;
        const char *magic;
    } magic[] = {[GZIP] = {2, "\x1f\x8b"},
                 [ZSTD] = {4, "\x28\xb5\x2f\xfd"},
                 [XZ] = {6, "\xfd"
                            "7zXZ"}};
    TRY(refill(in));
    for (Codec c = GZIP; c <= XZ; c++)
        if (in->raw_end >= magic[c].length && !memcmp(in->raw, magic[c].magic, magic[c].length))
            in->codec = c;
    bool good = true;
    if (in->codec == GZIP) good = in->gzip_open = inflateInit2(&in->gzip, 15 + 16) == Z_OK;
    if (in->codec == ZSTD) good = (in->zstd = ZSTD_createDStream()) != NULL;
    if (in->codec == XZ)
        good = lzma_stream_decoder(&in->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
    in->mid_unit = in->codec != PLAIN;
    return good ? OK : FAIL(ERR_MEMORY, "%s: cannot start %s", in->path, codec_name[in->codec]);
}

Status input_open(LogFile **input, const char *path)
{
    Status st;
    LogFile *in = *input = calloc(1, sizeof *in);
    if (!in) return FAIL(ERR_MEMORY, "%s: no memory to read it", path);
    in->path = path;
    in->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    in->xz = (lzma_stream)LZMA_STREAM_INIT;
    if (in->fd < 0) {
        st = FAIL(ERR_IO, "%s: cannot open: %s", path, strerror(errno));
        goto fail;
    }
    TRY_OR_FAIL(st, open_codec(in));
    return OK;
fail:
    input_close(in);
    *input = NULL;
    return st;
}

void input_close(LogFile *in)
{
    if (!in) return;
    if (in->gzip_open) inflateEnd(&in->gzip);
    ZSTD_freeDStream(in->zstd);
    lzma_end(&in->xz);
    if (in->fd > STDERR_FILENO) close(in->fd);
    free(in);
}

static Status damaged(const LogFile *in, const char *what)
{
    return FAIL(ERR_FORMAT, "%s: the %s stream is %s near byte %" PRId64, in->path,
                codec_name[in->codec], what, in->position);
}

static Status read_gzip(LogFile *in, char *out, size_t size, size_t *made)
{
    z_stream *z = &in->gzip;
    if (!in->mid_unit) { /* bytes after a member: another member */
        inflateReset(z);
        in->mid_unit = true;
    }
    z->next_in = in->raw + in->raw_at;
    z->avail_in = (uInt)(in->raw_end - in->raw_at);
    z->next_out = (unsigned char *)out;
    z->avail_out = (uInt)(size > (1u << 30) ? (1u << 30) : size);
    const uInt wanted = z->avail_out;
    const int code = inflate(z, Z_NO_FLUSH);
    in->raw_at = in->raw_end - z->avail_in;
    *made = wanted - z->avail_out;
    if (code == Z_STREAM_END)
        in->mid_unit = false;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return damaged(in, "damaged");
    return OK;
}

static Status read_zstd(LogFile *in, char *out, size_t size, size_t *made)
{
    ZSTD_inBuffer from = {in->raw, in->raw_end, in->raw_at};
    ZSTD_outBuffer to = {out, size, 0};
    const size_t code = ZSTD_decompressStream(in->zstd, &to, &from);
    in->raw_at = from.pos;
    *made = to.pos;
    if (ZSTD_isError(code)) return damaged(in, "damaged");
    in->mid_unit = code != 0;
    return OK;
}

static Status read_xz(LogFile *in, char *out, size_t size, size_t *made)
{
    lzma_stream *x = &in->xz;
    x->next_in = in->raw + in->raw_at;
    x->avail_in = in->raw_end - in->raw_at;
    x->next_out = (uint8_t *)out;
    x->avail_out = size;
    const lzma_ret code = lzma_code(x, in->at_end ? LZMA_FINISH : LZMA_RUN);
    in->raw_at = in->raw_end - x->avail_in;
    *made = size - x->avail_out;
    if (code == LZMA_STREAM_END)
        in->mid_unit = false;
    else if (code == LZMA_BUF_ERROR && in->at_end)
        return damaged(in, "cut off");
    else if (code != LZMA_OK && code != LZMA_BUF_ERROR)
        return damaged(in, "damaged");
    return OK;
}

static Status read_plain(LogFile *in, char *out, size_t size, size_t *made)
{
    const size_t left = in->raw_end - in->raw_at;
    if (left == 0) return read_fully(in, out, size, made);
    *made = left < size ? left : size;
    memcpy(out, in->raw + in->raw_at, *made);
    in->raw_at += *made;
    return OK;
}

Status input_read(LogFile *in, char *out, size_t size, size_t *got)
{
    static Status (*const reader[])(LogFile *, char *, size_t, size_t *) = {read_plain, read_gzip,
                                                                            read_zstd, read_xz};
    for (*got = 0; *got < size;) {
        size_t made = 0;
        if (in->codec != PLAIN) {
            TRY(refill(in));
            if (in->at_end && !in->mid_unit) break;
        }
        TRY(reader[in->codec](in, out + *got, size - *got, &made));
        *got += made;
        if (made) continue;
        if (in->codec == PLAIN) break;
        if (in->at_end && in->raw_at == in->raw_end && in->mid_unit) return damaged(in, "cut off");
    }
    return OK;
}

static Status read_whole(LogFile *in, char **text, size_t *length)
{
    size_t capacity = 0, got = 0;
    *length = 0;
    do {
        if (*length == capacity) {
            capacity = capacity ? 2 * capacity : RAW;
            if (capacity > WHOLE_MAX)
                return FAIL(ERR_MEMORY, "%s: want a file of less than %d bytes", in->path,
                            WHOLE_MAX);
            char *more = realloc(*text, capacity + 1);
            if (!more) return FAIL(ERR_MEMORY, "%s: no memory for %zu bytes", in->path, capacity);
            *text = more;
        }
        TRY(input_read(in, *text + *length, capacity - *length, &got));
        *length += got;
    } while (got);
    (*text)[*length] = '\0';
    return OK;
}

Status input_whole(const char *path, char **text, size_t *length)
{
    LogFile *in;
    char *all = NULL;
    TRY(input_open(&in, path));
    const Status st = read_whole(in, &all, length);
    input_close(in);
    if (st != OK) return free(all), st;
    *text = all;
    return OK;
}
