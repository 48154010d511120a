/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, attributes and columns of the HDF5 file that write.c writes.
 *
 * The format is that of HDF5 1.10: its metadata carry checksums, so that the library notices damage
 * before it uses them. Texts have a fixed length and are padded with zeros. Filters are the
 * library's own.
 */
#ifndef SOUK_BEHAVIOUR_PUT_H
#define SOUK_BEHAVIOUR_PUT_H

#include <hdf5.h>

#include "data/behaviour/schema.h"
#include "data/behaviour/spool.h"

typedef struct {
    const char *path; /* for messages */
    hid_t file;
    int descriptor; /* of the same file, for what is written past the library */
} PutFile;

/* Create the file `temporary`, or empty it. `descriptor` is one of that file. */
Status put_open(PutFile *f, const char *path, const char *temporary, int descriptor);
/* Hand everything to the operating system, and close the HDF5 file. */
Status put_commit(PutFile *f);
void put_close(PutFile *f); /* safe on {0} and after put_commit */

Status put_group(PutFile *f, const char *name);
/* A scalar (count 0) or an array of `count`, on the object named `object`. */
Status put_attribute(PutFile *f, const char *object, const char *name, ElementType type,
                     int64_t count, const void *values);
Status put_text(PutFile *f, const char *object, const char *name, const char *text);
Status put_texts(PutFile *f, const char *object, const char *name, int64_t count,
                 const char *const *texts);

/* A contiguous dataset of shape [rows] or, with columns > 0, [rows, columns]. The caller writes its
 * bytes at *address of the descriptor (0 where there are no rows). */
Status put_dataset(PutFile *f, const char *name, ElementType type, int64_t rows, int64_t columns,
                   int64_t *address);
/* Such a dataset with the contents of the spool, also with those that are still to be appended. The
 * caller ends the spool by spool_end. */
Status put_spool(PutFile *f, const char *name, ElementType type, int64_t rows, int64_t columns,
                 Spool *spool);
/* A dataset of shape [rows] with the contents of the spool, in chunks of `chunk` rows, shuffled and
 * deflated at level 1. The spool is closed. */
Status put_compressed(PutFile *f, const char *name, ElementType type, int64_t rows, int64_t chunk,
                      Spool *spool);
/* Texts of a fixed length, from a spool of zero-terminated ones; the longest has `width` bytes, its
 * zero not counted. The spool is closed. */
Status put_keys(PutFile *f, const char *name, int64_t rows, size_t width, Spool *spool);

#endif
