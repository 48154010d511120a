/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic batching: one thread answers all requests. While it works on a batch, the next ones queue
 * up, and become its next batch. So a request that comes alone waits for nobody, and under load the
 * batches grow until they hold `most` histories.
 *
 * Explanations and similar items have a queue of their own, and each of them is a batch by itself.
 * Where both queues have something, they take turns. So a request for recommendations waits for one
 * explanation at most, whose work the limits of requests bound.
 *
 * Exploration: with probability epsilon an item is drawn uniformly from the n items that the
 * request allows, and put first in the list; the others move down. The propensity of the first item
 * is epsilon / n, and 1 - epsilon more where it is the best of the n. With include_seen the n items
 * have also those that the model's own rule leaves out (exclude_last). Where the list has as many
 * items of the drawn item's category as the cap allows, the last of these leaves the list.
 */
#ifndef SOUK_SERVE_BATCHER_H
#define SOUK_SERVE_BATCHER_H

#include <pthread.h>
#include <stdbool.h>

#include "serve/asks.h"
#include "serve/metrics.h"

/* A body that waits for its answer. */
typedef struct Waiting Waiting;
struct Waiting {
    Asks asks;
    void (*done)(Waiting *w); /* called on the batcher's thread */
    Waiting *next;
};

typedef struct {
    Waiting *first, **last;
} WaitingQueue;

typedef struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    WaitingQueue lists, single; /* of recommendations; of what is answered alone */
    bool turn;                  /* of `single` */
    bool stopping;
    int64_t most; /* histories of a batch */
    double epsilon;
    Metrics *metrics;
} Batcher;

Status batcher_start(Batcher *b, int64_t most, double epsilon, Metrics *metrics);
void batcher_add(Batcher *b, Waiting *w);
/* Answers what waits, then ends the thread. Nothing may be added any more. */
void batcher_stop(Batcher *b);

#endif
