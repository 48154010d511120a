/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and small datasets of an HDF5 file, whoever wrote it. Texts may have a fixed or a
 * variable length, numbers either byte order. `path` names the file in messages. */
#ifndef SOUK_BEHAVIOUR_GET_H
#define SOUK_BEHAVIOUR_GET_H

#include <hdf5.h>

#include "base/status.h"
#include "data/behaviour/schema.h"

/* The texts of an attribute, at most `most`, each allocated here; the caller frees them, also on
 * failure. *count: their number, 0 where there is no such attribute. */
Status get_texts(const char *path, hid_t object, const char *name, int most, char **texts,
                 int *count);
/* The text of an attribute, allocated here; NULL where there is no such attribute. */
Status get_text(const char *path, hid_t object, const char *name, char **text);
/* An attribute of exactly `count` numbers, converted to `type`. False where there is none. */
bool get_numbers(hid_t object, const char *name, ElementType type, int64_t count, void *out);

/* Opens the dataset `name`, a path from the root. Nothing outside of the file is read: links to
 * other files or places, virtual datasets, and data in other files are ERR_FORMAT. So is a chunk
 * that is larger than its dataset and CHUNK_BYTES_FREE, since the library would allocate it. */
enum { CHUNK_BYTES_FREE = 8 << 20 };
Status get_open(const char *path, hid_t file, const char *name, hid_t *dataset);
/* Fails where a part of the path `name` is no hard link. */
Status get_check_links(const char *path, hid_t file, const char *name);

/* The number of rows of a dataset of this type and of shape [rows] or, with columns > 0, [rows,
 * columns]. It is an error if the file holds too few bytes for so many rows. */
Status get_rows(const char *path, hid_t file, const char *name, ElementType type, int64_t columns,
                int64_t *rows);
/* All `count` elements of a dataset, converted to `type`, into memory that is allocated here and
 * returned as *(void **)out, which the caller frees. */
Status get_all(const char *path, hid_t file, const char *name, ElementType type, int64_t count,
               void *out);
/* All texts of a dataset, zero-terminated, of *width bytes each, into memory that is allocated
 * here. */
Status get_keys(const char *path, hid_t file, const char *name, int64_t rows, char **out,
                size_t *width);

#endif
