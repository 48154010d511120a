/* SPDX-License-Identifier: Apache-2.0 */
/* The count table of a behaviour file (kernels/counts/table.h): for every pair of events of one
 * user, at most COUNT_GAP events apart, that are counted, in the order of the file's rows. A pair's
 * weight follows from this distance and from the time between its events (kernels/counts/pair.h).
 *
 * The counted events are read into memory once (counts/events.h). Then a pass for each range of
 * items x, as large as the memory allows, collects where the items of the range occur; each thread
 * takes items of the range, adds up the pairs around all of their occurrences and writes their
 * rows. So a pair is looked at twice, from both of its items, and nothing is merged or sorted.
 *
 * Memory: 8 bytes a counted event and a user, 8 bytes an item, 28 bytes an item and thread, 8 bytes
 * a counted event, divided by the number of passes, and 11 KB. The same bits for any number of
 * threads and any memory: all sums are of integers.
 */
#ifndef SOUK_COUNTS_TABLES_H
#define SOUK_COUNTS_TABLES_H

#include "base/listener.h"
#include "counts/table.h"
#include "data/behaviour/behaviour.h"
#include "data/counts/events.h"

#define TABLES_MEMORY_DEFAULT (INT64_C(2) << 30)
enum { TABLES_PASSES_DEFAULT = 4 };

typedef struct {
    int counted;    /* COUNTED_TRAIN, COUNTED_VALID or COUNTED_ALL */
    int threads;    /* at least 1; fewer work where the memory does not suffice for all */
    int64_t memory; /* bytes to stay within, without the table itself; 0: TABLES_MEMORY_DEFAULT or,
                           where those would need more passes, what TABLES_PASSES_DEFAULT need */
    Listener *listener; /* NULL: nobody */
} TablesOptions;

/* Fills `table`, whose tensors are in memory of the host. Fails with ERR_MEMORY where the memory
 * does not suffice for one thread and one item, and says how much would; with ERR_CANCELLED where
 * the listener asks to stop. */
Status tables_count(const CountTable *table, const Behaviour *b, const TablesOptions *options);

#endif
