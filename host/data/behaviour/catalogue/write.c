/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/catalogue/write.h"

#include <inttypes.h>
#include <stdlib.h>

#include "data/behaviour/catalogue/names.h"
#include "data/behaviour/get.h"
#include "data/behaviour/store.h"
#include "data/behaviour/write.h"

static BehaviourHeader header_of(const Behaviour *b)
{
    const FeatureSet *f = &b->event_features;
    BehaviourHeader h = {.actions = b->actions,
                         .action_name = (const char *const *)b->action_name,
                         .action_reward = b->action_reward,
                         .action_impression = b->action_impression,
                         .episode_gap_ms = b->episode_gap_ms,
                         .has_propensity = b->has_propensity,
                         .plain_keys = b->plain_keys,
                         .catalogue_alone = true,
                         .event_numbers = f->numbers};
    for (int n = 0; n < f->numbers; n++) {
        h.event_number_name[n] = f->number_name[n];
        h.event_mean[n] = f->mean[n];
        h.event_std[n] = f->std[n];
        h.event_logarithm[n] = f->logarithm[n];
        h.event_has_fill[n] = f->has_fill[n];
        h.event_fill[n] = f->fill[n];
    }
    return h;
}

static Status write_with(const BehaviourHeader *h, const BehaviourCatalogue *c, const char *path)
{
    BehaviourWriter *w;
    TRY(behaviour_write_create(&w, path, h));
    const Status st = behaviour_write_finish(w, c);
    behaviour_write_close(w);
    return st;
}

/* The names of categories are read into copies, as the file need not have read them. */
typedef struct {
    FeatureSet items, users;
} Named;

static Status write_keys(const Behaviour *b, const Named *named, const char *keys, size_t width,
                         const char *path)
{
    const BehaviourHeader header = header_of(b);
    const char **key = malloc((size_t)b->items * sizeof *key);
    if (!key) return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " keys", b->path, b->items);
    for (int64_t i = 0; i < b->items; i++) key[i] = keys + (size_t)i * width;
    const BehaviourCatalogue catalogue = {.items = b->items,
                                          .item_key = key,
                                          .item_features = named->items,
                                          .user_features = named->users,
                                          .texts = b->texts,
                                          .report = b->report,
                                          .split_rule = b->split_rule,
                                          .hash = b->catalogue_hash};
    const Status st = write_with(&header, &catalogue, path);
    free(key);
    return st;
}

/* The keys are read here rather than by behaviour_keys_*, which would keep them in memory for as
 * long as the file is open. */
Status catalogue_write(const Behaviour *b, const char *path)
{
    char *keys = NULL;
    size_t width;
    Named named = {0};
    Status st;
    TRY_OR_FAIL(st, names_copy(&named.items, &b->item_features, b, names_of_items));
    TRY_OR_FAIL(st, names_copy(&named.users, &b->user_features, b, names_of_users));
    TRY_OR_FAIL(st, get_keys(b->path, b->store->file, "/items/key", b->items, &keys, &width));
    st = write_keys(b, &named, keys, width, path);
fail:
    names_close(&named.items);
    names_close(&named.users);
    free(keys);
    return st;
}
