/* SPDX-License-Identifier: Apache-2.0 */
/* Clean: order each user's events by time, and those of one time in an order that says nothing;
 * drop duplicates and bots, then users and items with too few events (core.h). */
#ifndef SOUK_INGEST_CLEAN_H
#define SOUK_INGEST_CLEAN_H

#include "data/ingest/stage.h"

/* Fills stage->table with the events that stay. Closes `sorter`, also on failure. */
Status clean_log(Stage *stage, Sorter *sorter);

#endif
