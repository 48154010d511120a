/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recommend/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "data/behaviour/keys.h"
#include "data/rawlog/text.h"

Status recommend_history_open(RecommendHistories *h, Behaviour *file)
{
    *h = (RecommendHistories){.file = file};
    return behaviour_keys_index_items(file);
}

void recommend_history_close(RecommendHistories *h)
{
    free(h->first);
    free(h->item);
    free(h->action);
    free(h->time_ms);
    *h = (RecommendHistories){0};
}

void recommend_history_clear(RecommendHistories *h) { h->histories = h->events = 0; }

History recommend_history(const RecommendHistories *h, int64_t i)
{
    const int64_t first = h->first[i];
    return (History){.count = h->first[i + 1] - first,
                     .user = -1,
                     .item = h->item + first,
                     .action = h->action + first,
                     .time_ms = h->time_ms + first};
}

void recommend_history_warn(const RecommendHistories *h)
{
    char shown[REPORT_LINE_MAX];
    if (h->unknown == 0) return;
    fprintf(stderr,
            "souk: warning: %" PRId64 " event%s of items that the model does not know, the first "
            "\"%s\"; they count by their actions and times alone\n",
            h->unknown, h->unknown == 1 ? " is" : "s are", report_line(shown, h->first_unknown));
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* `more` elements of `size` bytes, or what there was. */
static bool grow(void *column, int64_t count, size_t size)
{
    void **at = column, *more = realloc(*at, (size_t)count * size);
    if (more) *at = more;
    return more;
}

/* Space for one more event. */
static Status reserve_event(RecommendHistories *h)
{
    if (h->events < h->event_capacity) return OK;
    const int64_t capacity = h->event_capacity ? 2 * h->event_capacity : 1024;
    if (!grow(&h->item, capacity, sizeof *h->item) ||
        !grow(&h->action, capacity, sizeof *h->action) ||
        !grow(&h->time_ms, capacity, sizeof *h->time_ms))
        return FAIL(ERR_MEMORY, "no memory for histories of %" PRId64 " events", capacity);
    h->event_capacity = capacity;
    return OK;
}

static Status begin(RecommendHistories *h)
{
    if (h->histories + 1 >= h->history_capacity) {
        const int64_t capacity = h->history_capacity ? 2 * h->history_capacity : 64;
        if (!grow(&h->first, capacity, sizeof *h->first))
            return FAIL(ERR_MEMORY, "no memory for %" PRId64 " histories", capacity);
        h->history_capacity = capacity;
    }
    h->first[h->histories] = h->first[h->histories + 1] = h->events;
    return OK;
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* An event of the history that is being appended. */
typedef struct {
    int32_t item;
    uint8_t action;
    bool timed;
    int64_t time_ms;
} Event;

/* Either all events of a history have times or none has. */
static Status add(RecommendHistories *h, Event e)
{
    const int64_t first = h->first[h->histories], i = h->events - first;
    static const char *const has[] = {"no", "a"};
    if (i == RECOMMEND_EVENTS_MAX)
        return FAIL(ERR_USAGE, "more than %d events", RECOMMEND_EVENTS_MAX);
    TRY(reserve_event(h));
    if (!e.timed) e.time_ms = i * RECOMMEND_GAP_MS;
    if (i > 0 && e.timed != h->timed)
        return FAIL(ERR_USAGE,
                    "event %" PRId64 " has %s time, want a time of every event or of none", i,
                    has[e.timed]);
    if (i > 0 && e.time_ms < h->time_ms[h->events - 1])
        return FAIL(ERR_USAGE,
                    "event %" PRId64 " is earlier than the one before it, want the oldest event "
                    "first",
                    i);
    h->timed = e.timed;
    h->item[h->events] = e.item;
    h->action[h->events] = e.action;
    h->time_ms[h->events++] = e.time_ms;
    return OK;
}

static void note_unknown(RecommendHistories *h, const char *key)
{
    if (h->unknown++ == 0) snprintf(h->first_unknown, sizeof h->first_unknown, "%s", key);
}

static Status parse_time(const char *text, int64_t *time_ms)
{
    const Text time = text_of(text);
    const TimeFormat format = {.unit = text_time_unit(time)};
    if (text_time(time, &format, time_ms)) return OK;
    return FAIL(ERR_USAGE, "\"%s\" is no time; want %s", text,
                "2024-06-01T12:00:00, or seconds or milliseconds since 1970");
}

/* The time behind the last @, which is cut off where there is one. */
static Status cut_time(RecommendHistories *h, char *text, Event *e)
{
    int32_t item;
    char *at = strrchr(text, '@');
    if (!at) return OK;
    TRY(behaviour_keys_find_item(h->file, text, &item));
    if (item >= 0) return OK;
    TRY(parse_time(at + 1, &e->time_ms));
    *at = '\0';
    e->timed = true;
    return OK;
}

/* ITEM[:ACTION][@TIME] */
static Status add_text(RecommendHistories *h, char *text)
{
    Event e = {.item = -1};
    TRY(cut_time(h, text, &e));
    TRY(behaviour_keys_find_item(h->file, text, &e.item));
    char *colon = e.item < 0 ? strrchr(text, ':') : NULL;
    if (colon) {
        *colon = '\0';
        TRY(behaviour_keys_find_action(h->file, colon + 1, &e.action));
        TRY(behaviour_keys_find_item(h->file, text, &e.item));
    }
    if (e.item < 0) note_unknown(h, text);
    return add(h, e);
}

static Status add_all(RecommendHistories *h, char *list)
{
    TRY(begin(h));
    for (char *text; (text = strsep(&list, ","));) TRY(add_text(h, text));
    h->first[++h->histories] = h->events;
    return OK;
}

/* The recorded failure, with the place that it is about. */
static Status fail_in(Status st, const char *where)
{
    char cause[1024];
    if (st == OK) return OK;
    snprintf(cause, sizeof cause, "%s", status_message());
    status_clear();
    return FAIL(st, "%s: %s", where, cause);
}

Status recommend_history_add_list(RecommendHistories *h, const char *where, const char *list)
{
    char *copy = strdup(list);
    const Status st = copy ? add_all(h, copy) : FAIL(ERR_MEMORY, "no memory for the history");
    free(copy);
    return fail_in(st, where);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static Status read_time(const json_t *time, Event *e)
{
    char text[64];
    if (!time) return OK;
    e->timed = true;
    if (json_is_string(time)) return parse_time(json_string_value(time), &e->time_ms);
    if (!json_is_number(time)) return FAIL(ERR_FORMAT, "\"time\" is no text and no number");
    if (json_is_integer(time))
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(time));
    else
        snprintf(text, sizeof text, "%.3f", json_real_value(time));
    return parse_time(text, &e->time_ms);
}

static Status add_value(RecommendHistories *h, const json_t *value)
{
    static const char *const known[] = {"item", "action", "time", NULL};
    Event e = {0};
    const bool object = json_is_object(value);
    const char *key = json_string_value(object ? json_object_get(value, "item") : value);
    const json_t *action = object ? json_object_get(value, "action") : NULL;
    if (!key)
        return FAIL(ERR_FORMAT, "want an event as an item key, a text, or as {\"item\": KEY, "
                                "\"action\": NAME, \"time\": TIME}");
    if (object) TRY(report_fields(value, known, "an event"));
    if (action && !json_is_string(action)) return FAIL(ERR_FORMAT, "\"action\" is no text");
    if (action) TRY(behaviour_keys_find_action(h->file, json_string_value(action), &e.action));
    if (object) TRY(read_time(json_object_get(value, "time"), &e));
    TRY(behaviour_keys_find_item(h->file, key, &e.item));
    if (e.item < 0) note_unknown(h, key);
    return add(h, e);
}

static Status add_values(RecommendHistories *h, const json_t *list)
{
    size_t i;
    json_t *value;
    if (!json_is_array(list)) return FAIL(ERR_FORMAT, "want a list of events called \"history\"");
    if (json_array_size(list) == 0) return FAIL(ERR_FORMAT, "its history has no events");
    TRY(begin(h));
    json_array_foreach(list, i, value)
    {
        char event[32];
        snprintf(event, sizeof event, "event %zu", i);
        TRY(fail_in(add_value(h, value), event));
    }
    h->first[++h->histories] = h->events;
    return OK;
}

static Status add_object(RecommendHistories *h, const json_t *root, json_t **id)
{
    static const char *const known[] = {"id", "history", NULL};
    json_t *given = json_object_get(root, "id");
    if (!json_is_object(root)) return FAIL(ERR_FORMAT, "want a JSON object");
    TRY(report_fields(root, known, "the line"));
    if (given && !json_is_string(given) && !json_is_integer(given))
        return FAIL(ERR_FORMAT, "\"id\" is no text and no whole number");
    TRY(add_values(h, json_object_get(root, "history")));
    *id = json_incref(given);
    return OK;
}

Status recommend_history_add_json(RecommendHistories *h, const char *where, const char *line,
                                  json_t **id)
{
    json_error_t error;
    json_t *root = json_loads(line, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    *id = NULL;
    const Status st = root ? add_object(h, root, id) : FAIL(ERR_FORMAT, "no JSON: %s", error.text);
    json_decref(root);
    return fail_in(st, where);
}
