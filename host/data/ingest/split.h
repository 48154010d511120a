/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a user's events are for training, validation and test, and where episodes end. */
#ifndef SOUK_INGEST_SPLIT_H
#define SOUK_INGEST_SPLIT_H

#include "data/ingest/stage.h"

/* Fills split_rule of the report and, where events are split by time, t0_ms and t1_ms. */
Status split_plan(Stage *stage);
/* The ranges [first, end) of one user's records for each split. */
Status split_user(const Stage *stage, const Record *records, int64_t count,
                  int64_t range[SPLITS][2]);
/* The end flag of an event. `next` is the same user's next event; NULL: there is none. */
uint8_t split_event_end(const Stage *stage, const Record *r, const Record *next);

#endif
