/* A behaviour file in figures: one pass over its events. */
#ifndef SOUK_SUMMARY_H
#define SOUK_SUMMARY_H

#include "data/behaviour/behaviour.h"

enum { QUANTILES = 7, LENGTH_BINS = 40 };

typedef struct {
    int64_t file_bytes;
    int64_t first_ms, last_ms; /* earliest and latest event */
    int64_t action_events[ACTIONS_MAX];
    double action_reward[ACTIONS_MAX]; /* sum of rewards */
    double reward;                     /* their sum */
    int64_t terminal, truncated;       /* events that end an episode */
    int64_t repeats;                   /* events whose item is that of the event before */

    int64_t length[QUANTILES]; /* events of a history at the quantiles of summary_quantile */
    int64_t bin[LENGTH_BINS]; /* users with 2^k .. 2^(k+1)-1 events; bin 0 is 1, none at 0 events */
    int bins;                 /* up to the last one that is not empty */

    int64_t split_events[SPLITS], split_users[SPLITS]; /* users who give it any event */

    int64_t items_seen; /* items with any event */
    int tops;
    int32_t *top;        /* [tops] items with the most events, most first; ties by number */
    int64_t *top_events; /* [tops] */
    double top_share[3]; /* events of the most frequent 1 %, 10 %, 50 % of items, rounded up */
} Summary;

extern const double summary_quantile[QUANTILES];

/* With the `tops` most frequent items (or all, where there are fewer). */
Status summary_read(Summary *s, const Behaviour *b, int tops);
void summary_close(Summary *s); /* safe on {0} */

#endif
