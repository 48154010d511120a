/* What behaviour_write.c puts into the HDF5 file: groups, attributes, columns.
 *
 * The format is that of HDF5 1.10, whose metadata carries checksums, so that damage is noticed
 * before the library believes it. Texts have a fixed length, padded with zeros. Only the library's
 * own filters are used.
 */
#ifndef SOUK_BEHAVIOUR_PUT_H
#define SOUK_BEHAVIOUR_PUT_H

#include <hdf5.h>

#include "data/behaviour/spool.h"

typedef struct {
    const char *path; /* for messages */
    hid_t file;
    int descriptor; /* the same file, for contents past the library */
} PutFile;

/* Create (truncate) `temporary`. */
Status put_open(PutFile *f, const char *path, const char *temporary, int descriptor);
/* Everything to the operating system. */
Status put_commit(PutFile *f);
void put_close(PutFile *f); /* safe on {0} and after _commit */

Status put_group(PutFile *f, const char *name);
/* A scalar (count 0) or an array of `count`, on the object named `object`. */
Status put_attribute(PutFile *f, const char *object, const char *name, hid_t type, int64_t count,
                     const void *values);
Status put_text(PutFile *f, const char *object, const char *name, const char *text);
Status put_texts(PutFile *f, const char *object, const char *name, int64_t count,
                 const char *const *texts);

/* A contiguous dataset [rows] or, with columns > 0, [rows, columns]; its bytes are to be written at
 * *address of the descriptor (0 when there are none). */
Status put_dataset(PutFile *f, const char *name, hid_t type, int64_t rows, int64_t columns,
                   int64_t *address);
/* A dataset whose contents are the spool's, those that are still to come as well; spool_end is to
 * follow. */
Status put_spool(PutFile *f, const char *name, hid_t type, int64_t rows, int64_t columns,
                 Spool *spool);
/* A one-dimensional dataset with the spool's contents, in chunks of `chunk` rows, shuffled and deflated
 * (level 1); the spool is closed. */
Status put_compressed(PutFile *f, const char *name, hid_t type, int64_t rows, int64_t chunk,
                      Spool *spool);
/* Fixed-length texts from a spool of zero-terminated ones, of which the longest has `width` bytes;
 * the spool is closed. */
Status put_keys(PutFile *f, const char *name, int64_t rows, size_t width, Spool *spool);

#endif
