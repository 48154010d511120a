/* SPDX-License-Identifier: Apache-2.0 */
/* A column on disk that grows as data are appended in small pieces.
 *
 * At first it has a file of its own. That file is unlinked as soon as it is open, so that it
 * vanishes with the process, however the process ends. Then the column is either mapped into memory
 * as a whole (spool_map) or moved to its place in another file (spool_place), where it may grow on.
 */
#ifndef SOUK_SPOOL_H
#define SOUK_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include "base/status.h"

typedef struct {
    int file;
    const char *beside; /* for messages */
    char *buffer;
    size_t buffered;
    int64_t bytes;                  /* appended so far, those in the buffer included */
    void *map;                      /* of spool_map */
    bool placed;                    /* `file` is another's; then these three count: */
    int64_t at;                     /* where the column begins in that file */
    int64_t wanted;                 /* bytes that the column will have */
    int64_t started;                /* bytes whose writing to the disk has been started */
    crypto_generichash_state *hash; /* of what was written from the buffer; NULL: not wanted */
} Spool;

/* The file is in the folder of `beside`, a path that must outlive the spool. */
Status spool_open(Spool *s, const char *beside);
/* From now on, which must be before the first append, hash what is appended. */
Status spool_hash(Spool *s);
/* The BLAKE2b hash (32 bytes) of all that was appended, where spool_hash asked for it; nothing may
 * be appended any more. */
Status spool_hashed(Spool *s, unsigned char hash[32]);
Status spool_append(Spool *s, const void *data, size_t bytes);
/* All that was appended, in memory that pages in on demand; "" where nothing was. Valid until the
 * spool is closed. */
Status spool_map(Spool *s, const void **data);
/* From now on the column is bytes at .. at+bytes-1 of another file: what was appended is moved
 * there, what will be appended goes there. `path` names that file in messages; file and path must
 * outlive the spool. */
Status spool_place(Spool *s, int file, const char *path, int64_t at, int64_t bytes);
/* Write what a placed spool has buffered, and close it. Does nothing where the spool is not
 * placed. */
Status spool_end(Spool *s);
void spool_close(Spool *s); /* frees buffer, memory and own file; safe on {0} and twice */

/* pwrite() all of it. `path` is for the message. */
Status spool_write_at(int file, const char *path, const void *data, int64_t bytes, int64_t at);

#endif
