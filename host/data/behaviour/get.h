/* What behaviour.c takes out of an HDF5 file, whoever wrote it: attributes and small datasets. Texts
 * may have fixed or variable length, numbers either byte order. `path` names the file in messages.
 */
#ifndef SOUK_BEHAVIOUR_GET_H
#define SOUK_BEHAVIOUR_GET_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* An attribute's 1 .. most texts, each allocated here; their number, or -1 without such an
 * attribute. */
int get_texts(hid_t object, const char *name, int most, char **texts);
/* One text; NULL without such an attribute. */
char *get_text(hid_t object, const char *name);
/* An attribute of exactly `count` numbers, converted to `type`. */
bool get_numbers(hid_t object, const char *name, hid_t type, int64_t count, void *out);

/* Rows of a dataset [rows] or, with columns > 0, [rows, columns], whose elements are of this class
 * and, where size > 0, of this many bytes (integers signed or not as `is_signed`). `want` names the
 * dtype. Fails too when the file holds too little for so many rows. */
typedef struct {
    H5T_class_t class;
    size_t size;
    bool is_signed;
    const char *want;
} ElementType;
Status get_rows(const char *path, hid_t file, const char *name, const ElementType *element,
                int64_t columns, int64_t *rows);
/* All of a dataset, converted to `type`, into memory allocated here as *(void **)out. */
Status get_all(const char *path, hid_t file, const char *name, hid_t type, int64_t count,
               void *out);
/* A dataset of texts, as zero-terminated ones of *width bytes, allocated here. */
Status get_keys(const char *path, hid_t file, const char *name, int64_t rows, char **out,
                size_t *width);

#endif
