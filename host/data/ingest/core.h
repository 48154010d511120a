/* SPDX-License-Identifier: Apache-2.0 */
/* The k-core: users and items with too few events are dropped. Their events are dropped with them,
 * which may leave others with too few; this is repeated until all have enough. */
#ifndef SOUK_INGEST_CORE_H
#define SOUK_INGEST_CORE_H

#include "data/ingest/stage.h"

typedef struct {
    uint32_t *user, *item;     /* [users.count], [items.count] events of each; 0: dropped */
    int64_t first_ms, last_ms; /* earliest and latest time of all events */
} Core;

Status core_open(Core *core, const Stage *stage);
void core_add(Core *core, const Record *records, int64_t count, size_t size);
/* Drop from stage->table the events of users and items below the minimum, and give the items that
 * stay their rows in the catalogue. */
Status core_find(Stage *stage, Core *core);
void core_close(Core *core); /* safe on {0} */

#endif
