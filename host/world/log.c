/* SPDX-License-Identifier: Apache-2.0 */
#include "world/log.h"
#include "data/behaviour/write.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TWENTY = 20, KEY_BYTES = 20, GAP_MS = 1800000 };
static const int64_t START_MS = INT64_C(1717200000000); /* 2024-06-01 */

struct WorldLog {
    const World *world;
    BehaviourWriter *writer;
    int valid;
    const char *report;
    int64_t capacity; /* events for which the arrays have space */
    int32_t *item;
    uint8_t *action, *end;
    int64_t *time;
    float *reward, *number; /* number: [numbers, capacity] */
};

static void free_arrays(WorldLog *l)
{
    free(l->item);
    free(l->action);
    free(l->end);
    free(l->time);
    free(l->reward);
    free(l->number);
}

static Status allocate(WorldLog *l, int64_t capacity)
{
    const size_t n = (size_t)capacity, numbers = (size_t)l->world->spec.numbers;
    free_arrays(l);
    l->capacity = capacity;
    l->item = calloc(n, sizeof *l->item);
    l->action = calloc(n, sizeof *l->action);
    l->end = calloc(n, sizeof *l->end);
    l->time = calloc(n, sizeof *l->time);
    l->reward = calloc(n, sizeof *l->reward);
    l->number = calloc(n * (numbers + 1), sizeof *l->number);
    if (l->item && l->action && l->end && l->time && l->reward && l->number) return OK;
    return FAIL(ERR_MEMORY, "no memory for an episode of %" PRId64 " events", capacity);
}

Status world_log_open(WorldLog **log, const char *path, const World *w, int valid,
                      const char *report)
{
    const WorldSpec *s = &w->spec;
    WorldLog *l = calloc(1, sizeof *l);
    *log = l;
    if (!l) return FAIL(ERR_MEMORY, "no memory for the log of a world");
    *l = (WorldLog){.world = w, .valid = valid, .report = report};
    BehaviourHeader header = {
        .actions = s->actions,
        .action_name = s->action_name,
        .action_reward = s->action_reward,
        .action_impression = s->action_impression,
        .episode_gap_ms = GAP_MS,
        .has_propensity = true,
        .plain_keys = true,
        .event_numbers = s->numbers,
    };
    for (int n = 0; n < s->numbers; n++) {
        header.event_number_name[n] = s->number_name[n];
        header.event_mean[n] = s->number_mean[n];
        header.event_std[n] = s->number_std[n];
    }
    TRY(allocate(l, s->horizon + 1 < 4096 ? s->horizon + 1 : 4096));
    return behaviour_write_create(&l->writer, path, &header);
}

static Status take(void *context, const PlayHistory *h)
{
    WorldLog *l = context;
    const WorldSpec *s = &l->world->spec;
    char key[KEY_BYTES + 4];
    if (h->count > l->capacity) TRY(allocate(l, 2 * h->count));
    for (int64_t i = 0; i < h->count; i++) {
        const WorldEvent *e = &h->event[i];
        l->item[i] = e->item;
        l->action[i] = e->action;
        l->end[i] = e->end;
        l->time[i] = START_MS + e->time;
        l->reward[i] = e->reward;
        for (int n = 0; n < s->numbers; n++)
            l->number[n * l->capacity + i] = (e->number[n] - s->number_mean[n]) / s->number_std[n];
    }
    snprintf(key, sizeof key, "%" PRId64, h->episode);
    UserHistory history = {
        .key = key,
        .count = h->count,
        .item = l->item,
        .action = l->action,
        .time = l->time,
        .reward = l->reward,
        .end = l->end,
        .propensity = h->propensity,
    };
    for (int n = 0; n < s->numbers; n++) history.feature[n] = l->number + n * l->capacity;
    const bool valid = h->episode % TWENTY >= TWENTY - l->valid;
    const int64_t train = valid ? 0 : h->count;
    history.split[SPLIT_TRAIN][1] = history.split[SPLIT_VALID][0] = train;
    history.split[SPLIT_VALID][1] = h->count;
    history.split[SPLIT_TEST][0] = history.split[SPLIT_TEST][1] = h->count;
    return behaviour_write_append(l->writer, &history);
}

PlaySink world_log_sink(WorldLog *log) { return (PlaySink){log, take}; }

Status world_log_finish(WorldLog *l)
{
    const WorldSpec *s = &l->world->spec;
    Status st = OK;
    char *text = malloc((size_t)s->items * KEY_BYTES);
    const char **key = malloc((size_t)s->items * sizeof *key);
    if (!text || !key)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for the keys of %" PRId64 " items", s->items));
    for (int64_t i = 0; i < s->items; i++) {
        key[i] = text + i * KEY_BYTES;
        snprintf(text + i * KEY_BYTES, KEY_BYTES, "item-%" PRId32, (int32_t)i);
    }
    const BehaviourCatalogue catalogue = {
        .items = s->items,
        .item_key = key,
        .item_features = s->item_features,
        .report = l->report,
        .split_rule = "by episode",
    };
    st = behaviour_write_finish(l->writer, &catalogue);
fail:
    free(text);
    free(key);
    return st;
}

void world_log_close(WorldLog *l)
{
    if (!l) return;
    behaviour_write_close(l->writer);
    free_arrays(l);
    free(l);
}
