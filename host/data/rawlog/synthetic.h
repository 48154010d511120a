/* A synthetic shop log, CSV `user_id,item_id,category,action,timestamp,price`, for tests, benches
 * and the first run on a machine without data.
 *
 *   sessions   of some seven events, nearly in order of time over `days`, busier by day than by
 * night users      few are very active; each has three favourite clusters of items items clusters
 * of some fifty; popularity of clusters and of items within one follows Zipf next item  27 % the
 * item's successor, 28 % one of three more neighbours, 30 % by popularity within the cluster, 10 %
 * from the cluster bought along with it, 5 % anything funnel     a view leads to a cart by 12 % (6
 * to 18 by user), a cart to a purchase by 45 % dirt       0.1 % exact duplicate rows, 1 % prices
 * and 0.5 % categories missing, a bot (hundreds of events a minute) every 50,000 sessions; with
 * `noise` 0.01 % malformed rows as well
 *
 * Every row is a pure function of (options, its session): the file is the same for any number of
 * threads. */
#ifndef SOUK_SYNTHETIC_H
#define SOUK_SYNTHETIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/listener.h"
#include "base/status.h"

typedef struct {
    int64_t events; /* rows */
    int64_t users;  /* 0: events / 50, at least 10 */
    int64_t items;  /* 0: users / 5, at least 50, at most 1,000,000 */
    uint64_t seed;
    int days;
    int threads; /* 0: all processors */
    bool noise;
    Listener *listener; /* NULL: nobody */
} SyntheticOptions;

/* Writes `path` ("-": standard output); a file appears only when complete. */
Status synthetic_write(const SyntheticOptions *options, const char *path);

#endif
