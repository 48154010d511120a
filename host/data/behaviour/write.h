/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a behaviour file (schema.h), user by user. */
#ifndef SOUK_BEHAVIOUR_WRITE_H
#define SOUK_BEHAVIOUR_WRITE_H

#include "base/status.h"
#include "data/behaviour/schema.h"

typedef struct {
    int actions;
    const char *const *action_name;
    const float *action_reward;
    const bool *action_impression; /* shown, not taken; NULL: no action is an impression */
    int64_t episode_gap_ms;
    bool has_propensity;
    bool compress; /* columns in chunks, shuffled and deflated; else contiguous */
    bool plain_keys;
    bool catalogue_alone; /* the file has neither users nor events; else it must have events */
    int event_numbers;    /* event features: their names and constants of normalisation */
    const char *event_number_name[FEATURES_MAX];
    float event_mean[FEATURES_MAX], event_std[FEATURES_MAX];
    bool event_logarithm[FEATURES_MAX]; /* and these, as FeatureSet has them */
    bool event_has_fill[FEATURES_MAX];
    float event_fill[FEATURES_MAX];
} BehaviourHeader;

typedef struct BehaviourWriter BehaviourWriter;

/* Writes to a temporary file beside `path`; nothing appears under `path` before _finish. */
Status behaviour_write_create(BehaviourWriter **w, const char *path, const BehaviourHeader *header);

/* One user's events in order of time, in arrays of `count`. Splits are ranges of these events. */
typedef struct {
    const char *key;    /* with plain_keys: the log's own key; else NULL */
    uint64_t pseudonym; /* without plain_keys */
    int64_t count;
    const int32_t *item;
    const uint8_t *action;
    const int64_t *time;
    const float *reward;
    const uint8_t *end;
    const float *propensity;            /* NULL unless the header says has_propensity */
    const float *feature[FEATURES_MAX]; /* column f, already normalised */
    int64_t split[SPLITS][2];
} UserHistory;
/* Append a user. Columns are buffered, so that short histories cost little. */
Status behaviour_write_append(BehaviourWriter *w, const UserHistory *history);

/* What the file says of all items and users together. Items' keys are always those of the log. */
typedef struct {
    int64_t items;
    const char *const *item_key;
    FeatureSet item_features, user_features; /* users: rows in the order of appending */
    ItemTexts texts;                         /* offset and row; {0}: the items have no texts */
    const char *report, *split_rule;
    const char *hash; /* catalogue_hash of the file that it is a copy of; NULL: computed here */
} BehaviourCatalogue;
/* Write the catalogue and what else remains, fsync and rename. */
Status behaviour_write_finish(BehaviourWriter *w, const BehaviourCatalogue *catalogue);

/* To be called before the first history, where the catalogue and the numbers of users and events to
 * come are known: then no column is written twice. The file has the same bytes as without the call.
 * The call has no effect on compressed files and on files with plain keys, because their sizes are
 * not known beforehand. _finish is given the same catalogue again. */
Status behaviour_write_place(BehaviourWriter *w, const BehaviourCatalogue *catalogue, int64_t users,
                             int64_t events);

/* Free the writer. Unless _finish has succeeded, the temporary file is removed. Safe on NULL. */
void behaviour_write_close(BehaviourWriter *w);

#endif
