/* SPDX-License-Identifier: Apache-2.0 */
/* Histories as people and programs write them, by item keys, names of actions and times, turned
 * into what infer/history.h takes. An item key that the catalogue does not have is an event of an
 * unknown item; these events are counted. */
#ifndef SOUK_CLI_RECOMMEND_HISTORY_H
#define SOUK_CLI_RECOMMEND_HISTORY_H

#include <jansson.h>

#include "infer/history.h"

/* The most events of a history, and the time between two events that have no times. */
enum { RECOMMEND_EVENTS_MAX = 65536, RECOMMEND_GAP_MS = 60000, RECOMMEND_KEY_MAX = 1025 };

/* Events of histories, one history after another. */
typedef struct {
    Behaviour *file; /* its keys and actions are those of the model */
    int64_t histories, events;
    int64_t *first; /* [histories + 1] the events of history i are first[i] .. first[i+1]-1 */
    int32_t *item;  /* [events] -1: an unknown item */
    uint8_t *action;
    int64_t *time_ms;
    int64_t history_capacity, event_capacity;
    bool timed; /* the events of the history that is being appended have times */
    /* Events of unknown items since this was opened, and the key of the first. */
    int64_t unknown;
    char first_unknown[RECOMMEND_KEY_MAX];
} RecommendHistories;

/* Indexes the keys of `file`, which must outlive it. */
Status recommend_history_open(RecommendHistories *h, Behaviour *file);
void recommend_history_close(RecommendHistories *h); /* safe on {0} */
/* Forget all histories. */
void recommend_history_clear(RecommendHistories *h);

/* Append the history of a list such as "1004:view,998:cart@2024-06-01T12:00:00", oldest event
 * first: ITEM, ITEM:ACTION, each with @TIME or none. What stands behind the last colon, or the last
 * @, of something that is no item key must be the name of an action, or a time. `where` begins the
 * message of a failure. */
Status recommend_history_add_list(RecommendHistories *h, const char *where, const char *list);

/* Append the history of a line of JSON, such as {"id": "anna", "history": ["1004", {"item": "998",
 * "action": "cart", "time": "2024-06-01T12:00:00"}]}: an event is an item key or an object with a
 * key and, where they are known, an action and a time, which may also be a number of seconds or
 * milliseconds since 1970. *id, which the caller frees, is a text or a whole number; NULL where the
 * line has none. */
Status recommend_history_add_json(RecommendHistories *h, const char *where, const char *line,
                                  json_t **id);

/* History i. Its columns move when another history is appended. */
History recommend_history(const RecommendHistories *h, int64_t i);

/* Says on standard error how many events were of unknown items, and names the first; nothing where
 * there were none. */
void recommend_history_warn(const RecommendHistories *h);

#endif
