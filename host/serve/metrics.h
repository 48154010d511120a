/* SPDX-License-Identifier: Apache-2.0 */
/* What a server counts, as text in Prometheus' exposition format 0.0.4 (GET /metrics). */
#ifndef SOUK_SERVE_METRICS_H
#define SOUK_SERVE_METRICS_H

#include <stdatomic.h>
#include <stdio.h>

#include "serve/models.h"

typedef enum {
    ROUTE_RECOMMEND,
    ROUTE_EXPLAIN,
    ROUTE_SIMILAR,
    ROUTE_EVENTS,
    ROUTE_MODELS,
    ROUTE_METRICS,
    ROUTE_LIVE,
    ROUTE_READY,
    ROUTE_OPENAPI,
    ROUTE_PAGE,
    ROUTE_OTHER,
    ROUTES
} Route;
const char *metrics_route_name(Route r);

enum { METRICS_CODES = 6, METRICS_BUCKETS = 12 };

typedef struct {
    atomic_llong count, bucket[METRICS_BUCKETS]; /* bucket: not cumulative */
    _Atomic double sum;
} Histogram;

typedef struct {
    atomic_llong requests[ROUTES][METRICS_CODES]; /* by the first digit of the code */
    Histogram seconds, batch;                     /* of POST /v1/recommend; histories of a batch */
    Histogram explain;                            /* seconds of POST /v1/explain */
    atomic_llong waiting, reloads, failed_reloads, log_failures, shown, events;
} Metrics;

void metrics_request(Metrics *m, Route route, unsigned code);
/* Of the routes that have a histogram of their seconds; does nothing for others. */
void metrics_seconds(Metrics *m, Route route, double seconds);
void metrics_batch(Metrics *m, int64_t histories);

void metrics_write(FILE *out, const Metrics *m, const Models *models);

#endif
