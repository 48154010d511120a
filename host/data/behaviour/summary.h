/* SPDX-License-Identifier: Apache-2.0 */
/* A behaviour file in figures, from one pass over its events. */
#ifndef SOUK_SUMMARY_H
#define SOUK_SUMMARY_H

#include "base/status.h"
#include "data/behaviour/schema.h"

enum { QUANTILES = 7, LENGTH_BINS = 40 };

typedef struct {
    int64_t file_bytes;
    int64_t first_ms, last_ms; /* times of the earliest and of the latest event */
    int64_t action_events[ACTIONS_MAX];
    double action_reward[ACTIONS_MAX]; /* sum of the rewards of each action's events */
    double reward;                     /* sum of all rewards */
    int64_t impressions;               /* events that were shown and not taken */
    int64_t terminal, truncated;       /* events that end an episode */
    int64_t repeats; /* events whose item is that of the event before, of the same user */

    int64_t length[QUANTILES]; /* events of a history, at the quantiles of summary_quantile */
    int64_t bin[LENGTH_BINS];  /* bin k: users with 2^k .. 2^(k+1)-1 events */
    int bins;                  /* bins up to the last one that is not empty */

    int64_t split_events[SPLITS];
    int64_t split_users[SPLITS]; /* users who give any event to the split */

    int64_t items_seen; /* items with any event */
    int tops;
    int32_t *top;        /* [tops] items with the most events, most first; equal ones by number */
    int64_t *top_events; /* [tops] */
    double top_share[3]; /* share of all events that the most frequent 1 %, 10 % and 50 % of items
                            have; the number of items is rounded up */
} Summary;

extern const double summary_quantile[QUANTILES];

/* Lists the `tops` most frequent items, or all where there are fewer. */
Status summary_read(Summary *s, const Behaviour *b, int tops);
void summary_close(Summary *s); /* safe on {0} */

#endif
