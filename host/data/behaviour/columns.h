/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of events of an open behaviour file. */
#ifndef SOUK_BEHAVIOUR_COLUMNS_H
#define SOUK_BEHAVIOUR_COLUMNS_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* Whether the file has the column. */
static inline bool columns_has(const Behaviour *b, Column column)
{
    return (int)column - COLUMN_FEATURE < b->event_features.numbers &&
           (column != COLUMN_PROPENSITY || b->has_propensity);
}

/* Events first .. first+count-1 of one column into `out`, dense, in the column's dtype.
 * Thread-safe. Contiguous and deflated columns are read past the HDF5 library and its lock, and
 * decoded in the calling thread. */
Status columns_read(const Behaviour *b, Column column, int64_t first, int64_t count, void *out);

/* The whole column in memory: element r is the value of event r. NULL where the file does not have
 * it as memory wants it (contiguous, unfiltered, aligned, in this machine's byte order):
 * columns_read reads such columns. */
const void *columns_direct(const Behaviour *b, Column column);
/* Start fetching events first .. first+count-1 of a direct column from the disk. */
void columns_prefetch(const Behaviour *b, Column column, int64_t first, int64_t count);

/* How the file stores a column. */
typedef struct {
    const char *name;        /* "item", ...; lives as long as `b` */
    const char *type;        /* "int32", ... */
    const char *layout;      /* "contiguous", "chunked", or "other" (read through the library) */
    int64_t chunk_events;    /* where chunked */
    bool shuffled, deflated; /* where chunked */
    int64_t bytes, bytes_stored; /* in memory, in the file */
} ColumnStorage;
/* False where the file has no such column. */
bool columns_storage(const Behaviour *b, Column column, ColumnStorage *storage);

/* ---- For behaviour.c ------------------------------------------------------------------------- */

/* The path of a column's dataset, e.g. "/events/item", into `path` [COLUMN_PATH_MAX]. */
enum { COLUMN_PATH_MAX = FEATURE_NAME_MAX + 16 };
void columns_path(const Behaviour *b, Column column, char *path);
/* Find where the column's bytes are. The dataset has b->events elements of the column's dtype. */
Status columns_open(Behaviour *b, Column column);
void columns_close(Behaviour *b); /* all columns and what is cached of them */

#endif
