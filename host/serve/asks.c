/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/asks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/report.h"
#include "data/rawlog/keys.h"

void asks_fail(Ask *ask, souk_status status, const char *message)
{
    ask->status = status;
    free(ask->message);
    ask->message = strdup(message);
}

void asks_fail_recorded(Ask *ask, Status st)
{
    asks_fail(ask, st == ERR_MEMORY ? SOUK_ERROR_MEMORY : SOUK_ERROR_USAGE, status_message());
    status_clear();
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A text of an object; *text is NULL where it is not there. */
static Status read_text(const json_t *o, const char *name, const char **text)
{
    const json_t *value = json_object_get(o, name);
    *text = json_string_value(value);
    if (!value || *text || json_is_null(value)) return OK;
    return FAIL(ERR_USAGE, "\"%s\" is not a text", name);
}

Status asks_check_key(const char *key, const char *what)
{
    const size_t bytes = strlen(key);
    if (bytes >= 1 && bytes <= KEY_MAX) return OK;
    return FAIL(ERR_USAGE, "%s has %zu bytes, want 1 to %d", what, bytes, KEY_MAX);
}

#define FIELDS                                                                                     \
    "id", "user", "model", "k", "include_seen", "history", "allow", "block", "category", "cap"
static const char *const fields[] = {FIELDS, NULL},
                         *const explain_fields[] = {FIELDS, "items", "events", NULL},
                         *const event_fields[] = {"item", "action", "time", NULL},
                         *const list_fields[] = {"requests", NULL};

static Status read_event(souk_history *h, int64_t i, const json_t *event, bool *timed)
{
    const char **item = (const char **)h->item_key, **action = (const char **)h->action_name;
    int64_t *time = (int64_t *)h->time_ms;
    if (json_is_string(event)) {
        item[i] = json_string_value(event);
        *timed = false;
        return OK;
    }
    if (!json_is_object(event))
        return FAIL(ERR_USAGE, "history[%" PRId64 "] is neither an item's key nor an object", i);
    TRY(report_fields(event, event_fields, "an event of the history"));
    TRY(read_text(event, "item", &item[i]));
    if (!item[i]) return FAIL(ERR_USAGE, "history[%" PRId64 "] has no \"item\"", i);
    TRY(read_text(event, "action", &action[i]));
    const json_t *at = json_object_get(event, "time");
    if (at && !json_is_integer(at))
        return FAIL(ERR_USAGE,
                    "history[%" PRId64 "].time is no whole number of milliseconds since 1970", i);
    *timed = at;
    time[i] = json_integer_value(at);
    return OK;
}

/* Gives events without an action the first one of the model, as souk.h does for histories without
 * actions. */
static void complete_actions(souk_history *h, const souk_model *model)
{
    const char **action = (const char **)h->action_name;
    for (int64_t i = 0; i < h->count; i++)
        if (!action[i]) action[i] = souk_model_action_name(model, 0);
}

static Status read_history(Ask *ask, const json_t *list, const AskLimits *limits)
{
    souk_history *h = &ask->history;
    int64_t timed = 0;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return FAIL(ERR_USAGE, "want a \"history\": a list with at least one event");
    h->count = (int64_t)json_array_size(list);
    if (h->count > limits->history)
        return FAIL(ERR_USAGE, "the history has %" PRId64 " events, want at most %" PRId64,
                    h->count, limits->history);
    h->item_key = calloc((size_t)h->count, sizeof *h->item_key);
    h->action_name = calloc((size_t)h->count, sizeof *h->action_name);
    h->time_ms = calloc((size_t)h->count, sizeof *h->time_ms);
    if (!h->item_key || !h->action_name || !h->time_ms)
        return FAIL(ERR_MEMORY, "no memory for a history");
    for (int64_t i = 0; i < h->count; i++) {
        bool has_time;
        TRY(read_event(h, i, json_array_get(list, (size_t)i), &has_time));
        timed += has_time;
        ask->unknown += souk_model_find_item(ask->served->model, h->item_key[i]) < 0;
    }
    if (timed && timed < h->count)
        return FAIL(ERR_USAGE, "%" PRId64 " of %" PRId64 " events have a time, want all or none",
                    timed, h->count);
    if (!timed) {
        free((void *)h->time_ms);
        h->time_ms = NULL;
    }
    complete_actions(h, ask->served->model);
    return OK;
}

/* The items of a list of keys; keys that the model does not know are counted. */
static Status read_items(Ask *ask, const json_t *o, const char *name, int32_t **item,
                         int64_t *count)
{
    const json_t *list = json_object_get(o, name);
    if (!list) return OK;
    if (!json_is_array(list)) return FAIL(ERR_USAGE, "\"%s\" is not a list of keys", name);
    *item = malloc((json_array_size(list) + 1) * sizeof **item);
    if (!*item) return FAIL(ERR_MEMORY, "no memory for a list of items");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *key = json_string_value(json_array_get(list, i));
        if (!key) return FAIL(ERR_USAGE, "%s[%zu] is not a key", name, i);
        const int32_t found = souk_model_find_item(ask->served->model, key);
        if (found >= 0)
            (*item)[(*count)++] = found;
        else
            ask->unknown++;
    }
    return OK;
}

static Status choose_model(Ask *ask, const json_t *o, const Models *models)
{
    const char *name;
    TRY(read_text(o, "model", &name));
    ask->served = name ? models_find(models, name) : models_of_user(models, ask->user);
    return ask->served ? OK : FAIL(ERR_USAGE, "there is no model \"%.64s\"", name);
}

/* A member of an object of the request, such as {"name": "brand", "rows": [3]}, which has exactly a
 * name and `value`; NULL where it is not there. */
static Status read_named(const json_t *o, const char *member, const char *value, const char **name,
                         const json_t **of)
{
    const json_t *given = json_object_get(o, member);
    *of = json_object_get(given, value);
    *name = json_string_value(json_object_get(given, "name"));
    if (!given || (*name && *of && json_object_size(given) == 2)) return OK;
    return FAIL(ERR_USAGE, "\"%s\" is not an object with \"name\", a text, and \"%s\"", member,
                value);
}

static Status read_category(Ask *ask, const json_t *o)
{
    souk_recommend_options *to = &ask->options;
    const json_t *rows;
    TRY(read_named(o, "category", "rows", &to->category, &rows));
    if (!to->category) return OK;
    to->category_rows = (int64_t)json_array_size(rows);
    if (to->category_rows < 1)
        return FAIL(ERR_USAGE, "\"rows\" of \"category\" is not a list of at least one number");
    to->category_row = ask->row = malloc((size_t)to->category_rows * sizeof *ask->row);
    if (!ask->row) return FAIL(ERR_MEMORY, "no memory for a list of rows");
    for (int64_t i = 0; i < to->category_rows; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        const json_int_t value = json_integer_value(row);
        if (!json_is_integer(row) || value < 0 || value > INT32_MAX)
            return FAIL(ERR_USAGE, "rows[%" PRId64 "] of \"category\" is no row", i);
        ask->row[i] = (int32_t)value;
    }
    return OK;
}

static Status read_cap(Ask *ask, const json_t *o)
{
    const json_t *most;
    TRY(read_named(o, "cap", "most", &ask->options.cap_category, &most));
    if (!ask->options.cap_category) return OK;
    ask->options.cap = json_integer_value(most);
    if (json_is_integer(most) && ask->options.cap >= 1) return OK;
    return FAIL(ERR_USAGE, "\"most\" of \"cap\" is no whole number of at least 1");
}

static Status read_options(Ask *ask, const json_t *o, const AskLimits *limits)
{
    const json_t *k = json_object_get(o, "k"), *seen = json_object_get(o, "include_seen");
    souk_recommend_options *to = &ask->options;
    const int64_t items = souk_model_items(ask->served->model);
    const int64_t most = limits->k < items ? limits->k : items;
    if (!k) to->k = to->k < most ? to->k : most;
    if (k) to->k = json_is_integer(k) ? json_integer_value(k) : 0;
    if (to->k < 1 || to->k > most)
        return FAIL(ERR_USAGE, "\"k\" is no whole number from 1 to %" PRId64, most);
    if (seen && !json_is_boolean(seen))
        return FAIL(ERR_USAGE, "\"include_seen\" is neither true nor false");
    to->include_seen = json_is_true(seen);
    TRY(read_items(ask, o, "allow", &ask->allow, &to->allow_count));
    TRY(read_items(ask, o, "block", &ask->block, &to->block_count));
    TRY(read_category(ask, o));
    TRY(read_cap(ask, o));
    to->allow = ask->allow;
    to->block = ask->block;
    ask->best = calloc((size_t)to->k, sizeof *ask->best);
    return ask->best ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", to->k);
}

/* The items to explain, all of which the model has to know, and the events to leave out. */
static Status read_explain(Ask *ask, const json_t *o, const AskLimits *limits)
{
    const json_t *events = json_object_get(o, "events");
    const int64_t unknown = ask->unknown;
    ask->events = limits->effects;
    if (events) ask->events = json_is_integer(events) ? json_integer_value(events) : -1;
    if (ask->events < 0 || ask->events > limits->effects)
        return FAIL(ERR_USAGE, "\"events\" is no whole number from 0 to %" PRId64, limits->effects);
    TRY(read_items(ask, o, "items", &ask->item, &ask->items));
    if (ask->unknown > unknown) return FAIL(ERR_USAGE, "the model does not know all of \"items\"");
    if (ask->item && (ask->items < 1 || ask->items > limits->k))
        return FAIL(ERR_USAGE, "\"items\" has %" PRId64 " keys, want 1 to %" PRId64, ask->items,
                    limits->k);
    return OK;
}

static Status read_ask(Ask *ask, AskKind kind, const json_t *o, const AskLimits *limits,
                       const Models *models)
{
    if (!json_is_object(o)) return FAIL(ERR_USAGE, "a request is not an object");
    TRY(read_text(o, "id", &ask->id));
    TRY(read_text(o, "user", &ask->user));
    if (ask->user) TRY(asks_check_key(ask->user, "\"user\""));
    TRY(report_fields(o, kind == ASK_EXPLAIN ? explain_fields : fields, "a request"));
    TRY(choose_model(ask, o, models));
    TRY(read_options(ask, o, limits));
    if (kind == ASK_EXPLAIN) TRY(read_explain(ask, o, limits));
    return read_history(ask, json_object_get(o, "history"), limits);
}

static Status open_asks(Asks *asks, int64_t count)
{
    asks->ask = calloc((size_t)count, sizeof *asks->ask);
    if (!asks->ask) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " requests", count);
    asks->count = count;
    for (int64_t i = 0; i < count; i++)
        asks->ask[i] = (Ask){.history = SOUK_HISTORY_INIT,
                             .options = SOUK_RECOMMEND_OPTIONS_INIT,
                             .propensity = 1.0};
    return OK;
}

Status asks_read(Asks *asks, AskKind kind, const char *body, size_t bytes, const AskLimits *limits,
                 Models *models)
{
    json_error_t error;
    *asks = (Asks){.kind = kind, .models = models};
    asks->root = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!asks->root)
        return FAIL(ERR_FORMAT, "the body is not JSON: line %d: %s", error.line, error.text);
    const json_t *list = kind == ASK_RECOMMEND ? json_object_get(asks->root, "requests") : NULL;
    if (list && !json_is_array(list)) return FAIL(ERR_USAGE, "\"requests\" is not a list");
    if (list) TRY(report_fields(asks->root, list_fields, "a body with \"requests\""));
    asks->single = !list;
    const int64_t count = list ? (int64_t)json_array_size(list) : 1;
    if (count < 1 || count > limits->requests)
        return FAIL(ERR_USAGE, "%" PRId64 " requests, want 1 to %" PRId64, count, limits->requests);
    TRY(open_asks(asks, count));
    for (int64_t i = 0; i < asks->count; i++) {
        const json_t *o = list ? json_array_get(list, (size_t)i) : asks->root;
        const Status st = read_ask(&asks->ask[i], kind, o, limits, models);
        if (st != OK) asks_fail_recorded(&asks->ask[i], st);
    }
    return OK;
}

static Status read_similar(Ask *ask, const char *key, const char *model, const char *k,
                           const AskLimits *limits, const Models *models)
{
    const NumberRange range = {.whole = true, .low = 1.0, .high = (double)limits->k};
    double real;
    ask->served = model ? models_find(models, model) : models_of_user(models, NULL);
    if (!ask->served) return FAIL(ERR_USAGE, "there is no model \"%.64s\"", model);
    if (ask->options.k > limits->k) ask->options.k = limits->k;
    if (k) TRY(number_parse("k", k, &range, &real, &ask->options.k));
    ask->item = malloc(sizeof *ask->item);
    if (!ask->item) return FAIL(ERR_MEMORY, "no memory for an item");
    *ask->item = souk_model_find_item(ask->served->model, key);
    ask->missing = *ask->item < 0;
    return ask->missing ? FAIL(ERR_USAGE, "the model knows no item \"%.64s\"", key) : OK;
}

Status asks_similar(Asks *asks, const char *key, const char *model, const char *k,
                    const AskLimits *limits, Models *models)
{
    *asks = (Asks){.kind = ASK_SIMILAR, .models = models, .single = true};
    TRY(open_asks(asks, 1));
    const Status st = read_similar(&asks->ask[0], key, model, k, limits, models);
    if (st != OK) asks_fail_recorded(&asks->ask[0], st);
    return OK;
}

void asks_close(Asks *asks)
{
    for (int64_t i = 0; i < asks->count; i++) {
        Ask *ask = &asks->ask[i];
        free((void *)ask->history.item_key);
        free((void *)ask->history.action_name);
        free((void *)ask->history.time_ms);
        free(ask->allow);
        free(ask->block);
        free(ask->row);
        free(ask->item);
        free(ask->best);
        json_decref(ask->members);
        free(ask->message);
    }
    free(asks->ask);
    json_decref(asks->root);
    models_release(asks->models);
    *asks = (Asks){0};
}

/* ---- Answering ------------------------------------------------------------------------------- */

json_t *asks_item_json(const souk_recommendation *r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "item", report_string(r->key), "score",
                     report_number((double)r->score), "probability",
                     report_number((double)r->probability), "q", report_number((double)r->q));
}

static json_t *items_json(const Ask *ask)
{
    json_t *items = json_array();
    for (int64_t i = 0; i < ask->found; i++) {
        json_t *item = asks_item_json(&ask->best[i]);
        json_object_set_new(item, "propensity", report_number(i == 0 ? ask->propensity : 1.0));
        json_array_append_new(items, item);
    }
    return items;
}

static json_t *ask_json(const Ask *ask, AskKind kind)
{
    json_t *o = json_object();
    if (ask->id) json_object_set_new(o, "id", report_string(ask->id));
    if (ask->status != SOUK_OK) {
        json_object_set_new(o, "error",
                            json_pack("{s:s, s:o}", "status", souk_status_name(ask->status),
                                      "message", report_string(ask->message)));
        return o;
    }
    json_object_set_new(o, "model", report_string(ask->served->name));
    json_object_set_new(o, "version", report_string(ask->served->version));
    if (kind != ASK_SIMILAR)
        json_object_set_new(o, "unknown_items", json_integer((json_int_t)ask->unknown));
    if (kind == ASK_RECOMMEND) json_object_set_new(o, "items", items_json(ask));
    if (ask->members) json_object_update(o, ask->members);
    return o;
}

json_t *asks_answer(const Asks *asks)
{
    if (asks->single) return ask_json(&asks->ask[0], asks->kind);
    json_t *results = json_array();
    for (int64_t i = 0; i < asks->count; i++)
        json_array_append_new(results, ask_json(&asks->ask[i], asks->kind));
    return json_pack("{s:o}", "results", results);
}

bool asks_all_failed(const Asks *asks)
{
    for (int64_t i = 0; i < asks->count; i++)
        if (asks->ask[i].status == SOUK_OK) return false;
    return true;
}
