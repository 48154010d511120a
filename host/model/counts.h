/* SPDX-License-Identifier: Apache-2.0 */
/* The count table of a model: its memory on a device, its counting, and its tensors in files, which
 * are called counts.item, counts.next, and so on as the fields of CountTable. */
#ifndef SOUK_MODEL_COUNTS_H
#define SOUK_MODEL_COUNTS_H

#include "base/arena.h"
#include "data/behaviour/catalogue/match.h"
#include "data/counts/tables.h"
#include "model/safetensors.h"

enum { COUNTS_TENSORS = 6 };

/* Allocate an empty table on the device: no item has a neighbour, and all counts are 0. */
Status counts_open(CountTable *t, Arena *memory, int64_t items, int64_t width, Device *dev);

/* Count: data/counts/tables.h. Where the device is no CPU, the host needs memory for the table
 * meanwhile. */
Status counts_fill(const CountTable *t, const Arena *memory, const Behaviour *b,
                   const TablesOptions *options);

/* The table as the host reads it: `host` is memory->base, read by device_read. */
CountTable counts_on_host(const CountTable *t, const Arena *memory, void *host);

/* A row of a table on the host. */
typedef struct {
    int64_t width;
    int32_t *item; /* [width] as in the table, and so are: */
    float *next, *after, *before;
    float popularity;
} CountsRow;

Status counts_row_open(CountsRow *r, const CountTable *t);
void counts_row_close(CountsRow *r); /* safe on {0} */
/* The row of item x. Waits for the device. */
Status counts_row_read(CountsRow *r, const CountTable *t, int32_t x, Device *dev);

/* The tensors of such a table by their names in files. */
void counts_list(NamedTensor list[COUNTS_TENSORS], const CountTable *t, const Arena *memory,
                 void *host);
/* The number of neighbours of an item in a file; 0: the file has no table. */
int64_t counts_width(const Safetensors *file);
/* Read the table from a file, into the rows that `match` says; new items have no neighbours and
 * counts of 0. Fails where a tensor is missing or has another shape, where the neighbours of an
 * item are not items in ascending order with -1 behind them, and where a number is negative or not
 * finite. */
Status counts_load(const CountTable *t, const Arena *memory, const Safetensors *file,
                   const CatalogueMatch *match);
/* Copy the rows of `from`, a table of the catalogue now, to `to`, one of the catalogue then. Both
 * are on the host. New items are left out, as items and as neighbours; counts stay. */
void counts_leave_new(const CountTable *to, const CountTable *from, const CatalogueMatch *match);

#endif
