/* Bytes of a log file or of standard input ("-"), plain or compressed. The compression is told from
 * the first bytes, never from the name: gzip, zstd and xz, also several members in a row. */
#ifndef SOUK_INGEST_INPUT_H
#define SOUK_INGEST_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct LogFile LogFile;

Status input_open(LogFile **input, const char *path);
/* Up to `size` bytes, fewer only at the end: *got == 0 there. A damaged or cut stream is an error
 * that names the file. */
Status input_read(LogFile *input, char *out, size_t size, size_t *got);
/* Raw (still compressed) bytes read so far; monotone, for progress. */
int64_t input_position(const LogFile *input);
void input_close(LogFile *input); /* safe on NULL */

/* The whole of it, decompressed, one zero byte after its end; free() it. For files that are small: at
 * most 1 GiB. */
Status input_whole(const char *path, char **text, size_t *length);

/* Bytes of the file on disk; 0 where unknown (a pipe). */
int64_t input_size(const char *path);

#endif
