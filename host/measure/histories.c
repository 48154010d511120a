/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/histories.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "data/behaviour/behaviour.h"
#include "data/behaviour/write.h"

enum { KEY_BYTES = 24, SEED = 1 };
static const int64_t START_MS = INT64_C(1717200000000), HOUR_MS = 3600000; /* 2024-06-01 */

/* The columns of one history, [length]. */
typedef struct {
    int32_t *item;
    uint8_t *action, *end;
    int64_t *time;
    float *reward;
} Columns;

static Status take_columns(Columns *c, int64_t length)
{
    const size_t n = (size_t)length;
    *c = (Columns){.item = malloc(n * sizeof *c->item),
                   .action = calloc(n, 1),
                   .end = calloc(n, 1),
                   .time = malloc(n * sizeof *c->time),
                   .reward = malloc(n * sizeof *c->reward)};
    if (c->item && c->action && c->end && c->time && c->reward) return OK;
    return FAIL(ERR_MEMORY, "no memory for a history of %" PRId64 " events", length);
}

static void free_columns(Columns *c)
{
    free(c->item);
    free(c->action);
    free(c->end);
    free(c->time);
    free(c->reward);
}

static Status append(BehaviourWriter *w, Columns *c, int64_t user, int64_t length, int64_t items)
{
    char key[KEY_BYTES];
    for (int64_t i = 0; i < length; i++) {
        const Philox p = philox(SEED, (uint64_t)user, (uint64_t)i);
        c->item[i] = (int32_t)(p.word[0] % (uint32_t)items);
        c->reward[i] = p.word[1] % 10 == 0;
        c->time[i] = START_MS + i * HOUR_MS;
    }
    snprintf(key, sizeof key, "%" PRId64, user);
    UserHistory history = {.key = key,
                           .count = length,
                           .item = c->item,
                           .action = c->action,
                           .time = c->time,
                           .reward = c->reward,
                           .end = c->end};
    for (int s = 0; s < SPLITS; s++) history.split[s][0] = s == SPLIT_TRAIN ? 0 : length;
    for (int s = 0; s < SPLITS; s++) history.split[s][1] = length;
    return behaviour_write_append(w, &history);
}

static Status finish(BehaviourWriter *w, int64_t items)
{
    char(*text)[KEY_BYTES] = malloc((size_t)items * sizeof *text);
    const char **key = malloc((size_t)items * sizeof *key);
    const BehaviourCatalogue catalogue = {
        .items = items, .item_key = key, .report = "synthetic", .split_rule = "all is training"};
    Status st = OK;
    if (!text || !key) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId64 " keys", items));
    for (int64_t i = 0; i < items; i++) {
        key[i] = text[i];
        snprintf(text[i], KEY_BYTES, "item-%" PRId64, i);
    }
    st = behaviour_write_finish(w, &catalogue);
fail:
    free(text);
    free(key);
    return st;
}

static Status write_all(BehaviourWriter *w, Columns *c, int64_t items, int64_t length,
                        int64_t tokens)
{
    for (int64_t user = 0; user * length < tokens; user++) TRY(append(w, c, user, length, items));
    return finish(w, items);
}

Status measure_histories(const char *path, int64_t items, int64_t length, int64_t tokens)
{
    static const char *const action = "view";
    static const float reward = 0.0f;
    const BehaviourHeader header = {.actions = 1,
                                    .action_name = &action,
                                    .action_reward = &reward,
                                    .episode_gap_ms = 1800000,
                                    .plain_keys = true};
    Columns c = {0};
    BehaviourWriter *w = NULL;
    Status st;
    TRY_OR_FAIL(st, take_columns(&c, length));
    TRY_OR_FAIL(st, behaviour_write_create(&w, path, &header));
    TRY_OR_FAIL(st, write_all(w, &c, items, length, tokens));
fail:
    behaviour_write_close(w);
    free_columns(&c);
    return st;
}
