/* SPDX-License-Identifier: Apache-2.0 */
/* The Arrow C data and C stream interfaces: three structs of a public ABI, by which tables pass
 * between libraries of one process without a copy. Names, order and types of the fields are those
 * of https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html. */
#ifndef SOUK_ARROW_ABI_H
#define SOUK_ARROW_ABI_H

#include <stdint.h>

/* The type of a column; of a table, a struct with a child for each column. */
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *); /* NULL: released */
    void *private_data;
};

/* The values of a column. */
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *); /* NULL: released, and the end of a stream */
    void *private_data;
};

/* Tables of one type, one after the other. The functions return 0 or an errno. */
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *); /* NULL: released */
    void *private_data;
};

#endif
