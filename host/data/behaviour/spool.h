/* A growing column on disk: appended to in small pieces, then read back whole or put in its place in
 * another file, before or after it has grown. Until then its file has no name (it is unlinked as soon
 * as it is open), so nothing is left behind whatever happens. */
#ifndef SOUK_SPOOL_H
#define SOUK_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    int file;
    const char *beside; /* for messages */
    char *buffer;
    size_t buffered;
    int64_t bytes;           /* appended so far */
    void *map;               /* of spool_map */
    bool placed;             /* the file is another's, and: */
    int64_t at;              /* where the column begins in it */
    int64_t wanted, started; /* bytes it will have; on their way to the disk */
} Spool;

/* The file lies in the folder of `beside`, which must outlive the spool. */
Status spool_open(Spool *s, const char *beside);
Status spool_append(Spool *s, const void *data, size_t bytes);
/* All that was appended, in memory that pages in on demand; "" when nothing was. Valid until
 * closed. */
Status spool_map(Spool *s, const void **data);
/* What was appended and what will be, `bytes` in all, goes to another file, from `at` on. `path` is
 * for messages; both must outlive the spool. */
Status spool_place(Spool *s, int file, const char *path, int64_t at, int64_t bytes);
/* All in its place, and the spool closed; does nothing to one that is not placed. */
Status spool_end(Spool *s);
void spool_close(Spool *s); /* gives the disk space back; safe on {0} and twice */

/* pwrite() all of it. `path` is for the message. */
Status spool_write_at(int file, const char *path, const void *data, int64_t bytes, int64_t at);

#endif
