/* SPDX-License-Identifier: Apache-2.0 */
/* A synthetic shop log for tests, benches and the first run on a machine without data: CSV with the
 * columns user_id,item_id,category,action,timestamp,price.
 *
 *   sessions    some seven events each, nearly in order of time over `days`, more by day than by
 *               night
 *   users       few are very active; each has three favourite clusters of items
 *   items       in clusters of some fifty; the popularity of clusters, and of items within a
 *               cluster, follows Zipf's law
 *   next item   27 % the item's successor, 28 % one of three more neighbours, 30 % by popularity
 *               within the cluster, 10 % from the cluster that is bought along with it, 5 % any
 *   funnel      12 % of views lead to a cart (6 to 18 %, by user), 45 % of carts to a purchase
 *   dirt        0.1 % exact duplicates of rows; 1 % of prices and 0.5 % of categories missing; a
 *               bot (hundreds of events a minute) in every 50,000 sessions; with `noise` also
 *               0.01 % malformed rows
 *
 * Every row is a pure function of the options and of its session, so that the file is the same for
 * any number of threads. */
#ifndef SOUK_RAWLOG_SYNTHETIC_H
#define SOUK_RAWLOG_SYNTHETIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/listener.h"
#include "base/status.h"

typedef struct {
    int64_t events; /* rows */
    int64_t users;  /* 0: events / 50, but at least 10 */
    int64_t items;  /* 0: users / 5, but at least 50 and at most 1,000,000 */
    uint64_t seed;
    int days;
    int threads; /* 0: one for each processor */
    bool noise;
    Listener *listener; /* NULL: nobody */
} SyntheticOptions;

/* Writes `path`, or standard output for "-". A file appears only once it is complete. */
Status synthetic_write(const SyntheticOptions *options, const char *path);

#endif
