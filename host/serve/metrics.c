/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/metrics.h"

static const double seconds_bounds[METRICS_BUCKETS] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                                       0.05,   0.1,   0.2,   0.5,   1.0,  5.0};
static const double batch_bounds[METRICS_BUCKETS] = {1,  2,   4,   8,   16,   32,
                                                     64, 128, 256, 512, 1024, 4096};

const char *metrics_route_name(Route r)
{
    static const char *const names[ROUTES] = {[ROUTE_RECOMMEND] = "/v1/recommend",
                                              [ROUTE_EXPLAIN] = "/v1/explain",
                                              [ROUTE_SIMILAR] = "/v1/items/{key}/similar",
                                              [ROUTE_EVENTS] = "/v1/events",
                                              [ROUTE_MODELS] = "/v1/models",
                                              [ROUTE_METRICS] = "/metrics",
                                              [ROUTE_LIVE] = "/health/live",
                                              [ROUTE_READY] = "/health/ready",
                                              [ROUTE_OPENAPI] = "/openapi.json",
                                              [ROUTE_PAGE] = "/",
                                              [ROUTE_OTHER] = "other"};
    return names[r];
}

static void observe(Histogram *h, const double *bounds, double value)
{
    int b = 0;
    while (b < METRICS_BUCKETS && value > bounds[b]) b++;
    if (b < METRICS_BUCKETS) h->bucket[b]++;
    h->count++;
    double sum = atomic_load(&h->sum);
    while (!atomic_compare_exchange_weak(&h->sum, &sum, sum + value)) {}
}

void metrics_request(Metrics *m, Route route, unsigned code)
{
    m->requests[route][code / 100 % METRICS_CODES]++;
}

void metrics_seconds(Metrics *m, Route route, double seconds)
{
    if (route == ROUTE_RECOMMEND) observe(&m->seconds, seconds_bounds, seconds);
    if (route == ROUTE_EXPLAIN) observe(&m->explain, seconds_bounds, seconds);
}

void metrics_batch(Metrics *m, int64_t histories)
{
    observe(&m->batch, batch_bounds, (double)histories);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void begin(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP souk_%s %s\n# TYPE souk_%s %s\n", name, help, name, type);
}

static void write_one(FILE *out, const char *name, const char *type, const char *help,
                      long long value)
{
    begin(out, name, type, help);
    fprintf(out, "souk_%s %lld\n", name, value);
}

static void write_histogram(FILE *out, const char *name, const char *help, const Histogram *h,
                            const double *bounds)
{
    long long below = 0;
    begin(out, name, "histogram", help);
    for (int b = 0; b < METRICS_BUCKETS; b++)
        fprintf(out, "souk_%s_bucket{le=\"%g\"} %lld\n", name, bounds[b], below += h->bucket[b]);
    fprintf(out, "souk_%s_bucket{le=\"+Inf\"} %lld\nsouk_%s_sum %.9g\nsouk_%s_count %lld\n", name,
            (long long)h->count, name, atomic_load(&h->sum), name, (long long)h->count);
}

/* A label's value: backslashes and quotes have a backslash before them. */
static void write_label(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"') fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void write_models(FILE *out, const Models *models)
{
    begin(out, "model_share", "gauge", "Share of the users that a model answers.");
    for (int i = 0; i < models->count; i++) {
        fputs("souk_model_share{model=\"", out);
        write_label(out, models->served[i].name);
        fprintf(out, "\",version=\"%s\"} %g\n", models->served[i].version, models->served[i].share);
    }
}

void metrics_write(FILE *out, const Metrics *m, const Models *models)
{
    begin(out, "requests_total", "counter", "Answered HTTP requests.");
    for (int r = 0; r < ROUTES; r++)
        for (int c = 1; c < METRICS_CODES; c++)
            if (m->requests[r][c])
                fprintf(out, "souk_requests_total{route=\"%s\",code=\"%dxx\"} %lld\n",
                        metrics_route_name((Route)r), c, (long long)m->requests[r][c]);
    write_histogram(out, "recommend_seconds",
                    "Seconds from the first byte of a request for recommendations to its answer.",
                    &m->seconds, seconds_bounds);
    write_histogram(out, "explain_seconds",
                    "Seconds from the first byte of a request for an explanation to its answer.",
                    &m->explain, seconds_bounds);
    write_histogram(out, "batch_histories", "Histories that one pass of a model answers.",
                    &m->batch, batch_bounds);
    write_one(out, "waiting", "gauge", "Requests that wait for their answer.", m->waiting);
    write_one(out, "shown_total", "counter", "Shown items in the log.", m->shown);
    write_one(out, "events_total", "counter", "Events in the log.", m->events);
    write_one(out, "log_failures_total", "counter", "Answers and events that the log did not get.",
              m->log_failures);
    write_one(out, "reloads_total", "counter", "Times that the models were opened anew.",
              m->reloads);
    write_one(out, "failed_reloads_total", "counter", "Times that new models did not open.",
              m->failed_reloads);
    write_models(out, models);
}
