/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a file or of standard input ("-"), plain or compressed by gzip, zstd or xz, also in
 * several members one after the other. The first bytes say how it is compressed, never the name. */
#ifndef SOUK_RAWLOG_INPUT_H
#define SOUK_RAWLOG_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct LogFile LogFile;

Status input_open(LogFile **input, const char *path);
/* The next `size` bytes. *got is less only at the end, and 0 after it. A stream that is damaged or
 * cut off is an error that names the file. */
Status input_read(LogFile *input, char *out, size_t size, size_t *got);
/* Raw (still compressed) bytes read so far, for progress. */
int64_t input_position(const LogFile *input);
void input_close(LogFile *input); /* safe on NULL */

/* The whole contents, decompressed, with a zero byte behind them; the caller frees *text. For files
 * of less than 1 GiB. */
Status input_whole(const char *path, char **text, size_t *length);

/* Bytes of the file on disk; 0 where they are not known, as of a pipe. */
int64_t input_size(const char *path);

#endif
