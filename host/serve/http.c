/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"
#include "base/report.h"
#include "serve/assets.h"

enum { EVENTS_MAX = 10000 }; /* of a body of POST /v1/events */

/* A request under way. */
typedef struct {
    Waiting waiting; /* first, so that it is its Call */
    Http *http;
    struct MHD_Connection *connection;
    Route route;
    bool waits, counted; /* counted: in metrics.waiting */
    double begun;
    char *key; /* in the path, of ROUTE_SIMILAR */
    char *body;
    size_t bytes, capacity;
} Call;

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static enum MHD_Result respond(Call *c, unsigned code, struct MHD_Response *r, const char *type)
{
    if (!r) return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (c->http->ending) MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    if (code == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    const enum MHD_Result result = MHD_queue_response(c->connection, code, r);
    MHD_destroy_response(r);
    metrics_request(&c->http->metrics, c->route, code);
    metrics_seconds(&c->http->metrics, c->route, now_seconds() - c->begun);
    return result;
}

/* Takes `root`. */
static enum MHD_Result respond_json(Call *c, unsigned code, json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text) return MHD_NO;
    return respond(c, code,
                   MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE),
                   "application/json");
}

static enum MHD_Result respond_error(Call *c, unsigned code, const char *status,
                                     const char *message)
{
    return respond_json(
        c, code,
        json_pack("{s:{s:s, s:o}}", "error", "status", status, "message", report_string(message)));
}

/* The failure that the thread recorded. */
static enum MHD_Result respond_failure(Call *c, Status st)
{
    char message[1024];
    snprintf(message, sizeof message, "%s", status_message());
    status_clear();
    return st == ERR_IO       ? respond_error(c, 503, "SOUK_ERROR_IO", message)
           : st == ERR_MEMORY ? respond_error(c, 503, "SOUK_ERROR_MEMORY", message)
                              : respond_error(c, 400, "SOUK_ERROR_USAGE", message);
}

static enum MHD_Result respond_asset(Call *c, const Asset *a)
{
    return respond(
        c, 200, MHD_create_response_from_buffer(a->bytes, (void *)a->text, MHD_RESPMEM_PERSISTENT),
        a->type);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static void recommended(Waiting *w)
{
    Call *c = (Call *)w;
    MHD_resume_connection(c->connection);
}

static const char *argument(const Call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* What a request asks of a model. */
static Status read_asks(Call *c)
{
    const AskLimits *limits = &c->http->options->limits;
    Models *models = models_now(&c->http->models);
    Asks *asks = &c->waiting.asks;
    if (c->route == ROUTE_SIMILAR)
        return asks_similar(asks, c->key, argument(c, "model"), argument(c, "k"), limits, models);
    return asks_read(asks, c->route == ROUTE_EXPLAIN ? ASK_EXPLAIN : ASK_RECOMMEND,
                     c->body ? c->body : "", c->bytes, limits, models);
}

/* A request is counted before it asks whether the server ends: once `ending` is set and none is
 * counted, none can reach the batcher, which ends then. */
static enum MHD_Result ask_for(Call *c)
{
    c->counted = true;
    c->http->metrics.waiting++;
    if (c->http->ending) return respond_error(c, 503, "SOUK_ERROR_IO", "the server ends");
    const Status st = read_asks(c);
    if (st != OK) return respond_failure(c, st);
    c->waits = true;
    c->waiting.done = recommended;
    MHD_suspend_connection(c->connection);
    batcher_add(&c->http->batcher, &c->waiting);
    return MHD_YES;
}

/* What was recommended is in the log before the answer leaves; explanations show nothing. */
static enum MHD_Result answer_asks(Call *c)
{
    Http *h = c->http;
    const Asks *asks = &c->waiting.asks;
    int64_t lines = 0;
    const Status st =
        asks->kind == ASK_RECOMMEND ? journal_shown(&h->journal, asks, now_ms(), &lines) : OK;
    if (st != OK) {
        h->metrics.log_failures++;
        return respond_failure(c, st);
    }
    h->metrics.shown += lines;
    const unsigned failed = asks->ask[0].missing ? 404 : 400;
    return respond_json(c, asks_all_failed(asks) ? failed : 200, asks_answer(asks));
}

static enum MHD_Result take_events(Call *c)
{
    Http *h = c->http;
    Models *m = models_now(&h->models);
    int64_t lines;
    const Status st = journal_events(&h->journal, c->body ? c->body : "", c->bytes, now_ms(),
                                     EVENTS_MAX, m->served[0].model, &lines);
    models_release(m);
    if (st == ERR_IO) h->metrics.log_failures++;
    if (st != OK) return respond_failure(c, st);
    h->metrics.events += lines;
    return respond_json(c, 200, json_pack("{s:I}", "events", (json_int_t)lines));
}

static enum MHD_Result list_models(Call *c)
{
    Models *m = models_now(&c->http->models);
    json_t *list = json_array();
    for (int i = 0; i < m->count; i++) {
        const ServedModel *s = &m->served[i];
        json_t *actions = json_array();
        for (int a = 0; a < souk_model_actions(s->model); a++)
            json_array_append_new(actions, report_string(souk_model_action_name(s->model, a)));
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:f, s:I, s:o}", "name", report_string(s->name), "version",
                            s->version, "share", s->share, "items",
                            (json_int_t)souk_model_items(s->model), "actions", actions));
    }
    models_release(m);
    return respond_json(c, 200, json_pack("{s:o}", "models", list));
}

static enum MHD_Result show_metrics(Call *c)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return MHD_NO;
    Models *m = models_now(&c->http->models);
    metrics_write(out, &c->http->metrics, m);
    models_release(m);
    if (fclose(out) != 0) {
        free(text);
        return MHD_NO;
    }
    return respond(c, 200, MHD_create_response_from_buffer(bytes, text, MHD_RESPMEM_MUST_FREE),
                   "text/plain; version=0.0.4");
}

/* Live: the process answers. Ready: it has models and its log can be written, which is so from the
 * moment that it listens. */
static enum MHD_Result be_healthy(Call *c)
{
    return respond_json(c, 200, json_pack("{s:s}", "status", "ok"));
}

static enum MHD_Result show_openapi(Call *c) { return respond_asset(c, &asset_openapi); }
static enum MHD_Result show_page(Call *c) { return respond_asset(c, &asset_page); }

static const struct {
    const char *method;
    enum MHD_Result (*answer)(Call *c);
    bool open; /* also without the token */
} paths[ROUTES] = {
    [ROUTE_RECOMMEND] = {"POST", ask_for, false},
    [ROUTE_EXPLAIN] = {"POST", ask_for, false},
    [ROUTE_SIMILAR] = {"GET", ask_for, false},
    [ROUTE_EVENTS] = {"POST", take_events, false},
    [ROUTE_MODELS] = {"GET", list_models, false},
    [ROUTE_METRICS] = {"GET", show_metrics, false},
    [ROUTE_LIVE] = {"GET", be_healthy, true},
    [ROUTE_READY] = {"GET", be_healthy, true},
    [ROUTE_OPENAPI] = {"GET", show_openapi, true},
    [ROUTE_PAGE] = {"GET", show_page, true},
    [ROUTE_OTHER] = {"", NULL, true},
};

/* The key in /v1/items/KEY/similar, which the caller frees; NULL: another path. */
static char *key_of(const char *url)
{
    static const char before[] = "/v1/items/", behind[] = "/similar";
    const size_t around = sizeof before - 1 + sizeof behind - 1, bytes = strlen(url);
    if (bytes <= around || strncmp(url, before, sizeof before - 1) != 0 ||
        strcmp(url + bytes - (sizeof behind - 1), behind) != 0)
        return NULL;
    return strndup(url + sizeof before - 1, bytes - around);
}

static Route route_of(const Call *c, const char *url)
{
    int r = 0;
    if (c->key) return ROUTE_SIMILAR;
    while (r < ROUTE_OTHER && strcmp(url, metrics_route_name((Route)r)) != 0) r++;
    return (Route)r;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static bool may(const Call *c)
{
    static const char scheme[] = "Bearer ";
    const char *token = c->http->options->token;
    if (!token || paths[c->route].open) return true;
    const char *given =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!given || strncmp(given, scheme, sizeof scheme - 1) != 0) return false;
    given += sizeof scheme - 1;
    return strlen(given) == strlen(token) && sodium_memcmp(given, token, strlen(token)) == 0;
}

/* What the head of a request is refused for; 0: nothing. */
static unsigned refuse(const Call *c, const char *method, const char **why)
{
    const char *length =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const bool head = !strcmp(method, "HEAD") && !strcmp(paths[c->route].method, "GET");
    if (c->route == ROUTE_OTHER) return *why = "there is no such path: GET /openapi.json", 404;
    if (!head && strcmp(method, paths[c->route].method) != 0)
        return *why = "this path has another method: GET /openapi.json", 405;
    if (!may(c)) return *why = "want the server's bearer token", 401;
    if (length && strtoll(length, NULL, 10) > c->http->options->body)
        return *why = "the body is too large", 413;
    return 0;
}

static enum MHD_Result begin(Http *h, struct MHD_Connection *connection, const char *url,
                             const char *method, void **state)
{
    const char *why = "";
    Call *c = calloc(1, sizeof *c);
    if (!c) return MHD_NO;
    *state = c;
    c->http = h;
    c->connection = connection;
    c->key = key_of(url);
    c->route = route_of(c, url);
    c->begun = now_seconds();
    const unsigned code = refuse(c, method, &why);
    return code ? respond_error(c, code, "SOUK_ERROR_USAGE", why) : MHD_YES;
}

/* MHD_NO closes the connection: a body without a length is too long, or there is no memory. */
static enum MHD_Result add_body(Call *c, const char *data, size_t *bytes)
{
    if (c->bytes + *bytes > (size_t)c->http->options->body) return MHD_NO;
    if (c->bytes + *bytes > c->capacity) {
        const size_t capacity = 2 * (c->bytes + *bytes);
        char *body = realloc(c->body, capacity);
        if (!body) return MHD_NO;
        c->body = body;
        c->capacity = capacity;
    }
    memcpy(c->body + c->bytes, data, *bytes);
    c->bytes += *bytes;
    *bytes = 0;
    return MHD_YES;
}

/* libmicrohttpd calls this for the head of a request, for each part of its body, at its end, and
 * again when an answer that it waited for is there. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *bytes, void **state)
{
    (void)version;
    Call *c = *state;
    if (!c) return begin(context, connection, url, method, state);
    if (*bytes > 0) return add_body(c, data, bytes);
    return c->waits ? answer_asks(c) : paths[c->route].answer(c);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why)
{
    (void)context, (void)connection, (void)why;
    Call *c = *state;
    if (!c) return;
    if (c->counted) c->http->metrics.waiting--;
    asks_close(&c->waiting.asks);
    free(c->body);
    free(c->key);
    free(c);
    *state = NULL;
}

/* ---- The daemon ------------------------------------------------------------------------------ */

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static Status read_address(Address *a, const ServerOptions *o)
{
    *a = (Address){0};
    if (inet_pton(AF_INET, o->address, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons((uint16_t)o->port);
        return OK;
    }
    if (inet_pton(AF_INET6, o->address, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((uint16_t)o->port);
        return OK;
    }
    return FAIL(ERR_USAGE, "\"%s\" is no address, want one as 127.0.0.1 or ::1", o->address);
}

Status http_open(Http *h)
{
    const ServerOptions *o = h->options;
    Address address;
    TRY(read_address(&address, o));
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (address.any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
    const int processors = parallel_processors();
    errno = 0;
    h->daemon = MHD_start_daemon(
        flags, (uint16_t)o->port, NULL, NULL, handle, h, MHD_OPTION_SOCK_ADDR, &address.any,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)(processors > 1 ? processors : 2),
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)o->seconds, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (!h->daemon)
        return FAIL(ERR_IO, "%s, port %" PRId64 ": %s", o->address, o->port,
                    errno ? strerror(errno) : "libmicrohttpd does not start");
    return OK;
}

int http_port(const Http *h)
{
    return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

/* MHD_quiesce_daemon() would do so too, but in libmicrohttpd 0.9.75 it and the daemon's threads
 * sometimes both take the socket out of epoll, which ends the program. */
void http_refuse(Http *h) { h->ending = true; }

void http_close(Http *h)
{
    if (!h->daemon) return;
    MHD_stop_daemon(h->daemon);
    h->daemon = NULL;
}
