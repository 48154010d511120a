/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a model, from JSON and back to JSON. POST /v1/recommend:
 *
 *     {"id": "r1", "user": "u7", "model": "run", "k": 10, "include_seen": false,
 *      "history": ["1004", {"item": "998", "action": "cart", "time": 1719830000000}],
 *      "allow": ["…"], "block": ["…"],
 *      "category": {"name": "brand", "rows": [3, 7]}, "cap": {"name": "brand", "most": 2}}
 *
 * Only `history` is needed. An event is an item's key, or an object; `time` is in milliseconds
 * since 1970, of all events or of none. `user` decides which model answers, unless `model` names
 * one, and stands in the log. `category` and `cap` are as in souk_recommend_options. A body is one
 * such object, or {"requests": [...]} with several.
 *
 * POST /v1/explain takes one object, which may also have `items`, the keys to explain in place of
 * the best k, and `events`, how many of the last events are left out one at a time. GET
 * /v1/items/{key}/similar asks for k items that are similar to one.
 */
#ifndef SOUK_SERVE_ASKS_H
#define SOUK_SERVE_ASKS_H

#include <jansson.h>
#include <stdbool.h>

#include "serve/models.h"

typedef struct {
    int64_t history, k, requests; /* the most events, items and requests of a body */
    int64_t effects;              /* the most events that an explanation leaves out */
} AskLimits;

typedef enum { ASK_RECOMMEND, ASK_EXPLAIN, ASK_SIMILAR } AskKind;

typedef struct {
    const char *id, *user; /* of the JSON, or NULL */
    const ServedModel *served;
    souk_history history;
    souk_recommend_options options;
    int32_t *allow, *block, *row; /* the lists of the options */
    int64_t unknown;              /* keys of history and lists that the model does not know */
    int32_t *item; /* [items] what to explain, NULL: the best; what to be similar to */
    int64_t items, events;
    /* The answer. */
    souk_status status;
    bool missing;              /* what the path of the request names does not exist */
    souk_recommendation *best; /* [k] */
    int64_t found;
    double propensity; /* of best[0]: the probability with which it was put there */
    json_t *members;   /* of an answer of another kind, to add to the result; or NULL */
    char *message;     /* why there is no answer */
} Ask;

typedef struct {
    AskKind kind;
    json_t *root;   /* owns the texts */
    Models *models; /* held */
    Ask *ask;       /* [count] */
    int64_t count;
    bool single; /* the body is one request and not a list */
} Asks;

/* Fails where the body as a whole is wrong; where one request is, its ask has a status. Takes
 * `models`, which the caller held. */
Status asks_read(Asks *asks, AskKind kind, const char *body, size_t bytes, const AskLimits *limits,
                 Models *models);
/* What is similar to the item of a key, by the model of that name (NULL: the first); `k` is text,
 * NULL: 10. Likewise. */
Status asks_similar(Asks *asks, const char *key, const char *model, const char *k,
                    const AskLimits *limits, Models *models);
void asks_close(Asks *asks); /* safe on {0} */

/* ERR_USAGE, which calls the key `what`, where souk ingest would not read it from a log: it has no
 * byte or too many. */
Status asks_check_key(const char *key, const char *what);

/* An item of an answer: its key, score, probability and Q. */
json_t *asks_item_json(const souk_recommendation *r);
/* The answer: {"results": [...]} or, of a single request, its result. */
json_t *asks_answer(const Asks *asks);
/* Whether none of the requests has an answer. */
bool asks_all_failed(const Asks *asks);

void asks_fail(Ask *ask, souk_status status, const char *message);
/* The same with the failure that the thread recorded, which is forgotten then. */
void asks_fail_recorded(Ask *ask, Status st);

#endif
