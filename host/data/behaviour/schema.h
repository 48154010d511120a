/* SPDX-License-Identifier: Apache-2.0 */
/* What a behaviour file holds: users' histories in one HDF5 file, columns of events in compressed
 * sparse rows by user. datasets/README.md describes the file, path by path.
 *
 * This header has the file as it is in memory, and the names and types of its columns. Opening and
 * validating: behaviour.h; reading columns of events: columns.h; keys: keys.h; writing: write.h.
 */
#ifndef SOUK_SCHEMA_H
#define SOUK_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "losses/end.h"

enum { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLITS };
enum { ACTIONS_MAX = 256, FEATURES_MAX = 64, FEATURE_NAME_MAX = 64 };

/* A column of /events. COLUMN_FEATURE + i is the i-th event feature. */
typedef enum {
    COLUMN_ITEM,       /* int32   */
    COLUMN_ACTION,     /* uint8   */
    COLUMN_TIME,       /* int64, milliseconds since 1970 UTC */
    COLUMN_REWARD,     /* float32 */
    COLUMN_END,        /* uint8, losses/end.h has its values */
    COLUMN_PROPENSITY, /* float32, optional */
    COLUMN_FEATURE,    /* float32, normalised */
    EVENT_COLUMNS_MAX = COLUMN_FEATURE + FEATURES_MAX
} Column;

/* Types of the elements of datasets. */
typedef enum {
    TYPE_UINT8,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_UINT64,
    TYPE_FLOAT32,
    TYPE_TEXT, /* of any length */
    TYPES
} ElementType;

/* Features of one entity (items, users or events). The categories of all kinds are rows of one
 * joint table: the rows of a kind follow those of the kind before, and row 0 of a kind is
 * "unknown". Numbers are normalised as (x - mean) / std, with constants of the train split. */
typedef struct {
    int kinds; /* category columns */
    char kind_name[FEATURES_MAX][FEATURE_NAME_MAX];
    int32_t kind_rows[FEATURES_MAX]; /* rows of each kind in the joint table */
    int32_t categories;              /* rows of the joint table */
    int numbers;                     /* numeric columns */
    char number_name[FEATURES_MAX][FEATURE_NAME_MAX];
    float mean[FEATURES_MAX], std[FEATURES_MAX];
    /* x above is sign(v) log(1 + |v|) of the value v in the log. Files of earlier versions do not
     * say so; event numbers never do. */
    bool logarithm[FEATURES_MAX];
    /* v of a missing value, where the file says so (has_fill). */
    bool has_fill[FEATURES_MAX];
    float fill[FEATURES_MAX];
    /* [kind_rows - 1] what the log calls rows 1, 2, … of a kind; of users, whose keys are
     * pseudonyms, the pseudonym of that text. NULL: not known, or not read (catalogue/names.h). */
    const char **row_name[FEATURES_MAX];
    char *row_text[FEATURES_MAX]; /* the memory of names that were read */
    int32_t *category;            /* [rows, kinds] row in the joint table; NULL for events */
    float *number; /* [rows, numbers] normalised; NULL for events, whose columns are streamed */
} FeatureSet;

/* The texts of the items as sets of n-grams. Each n-gram is a row; what it says is not stored, but
 * its hash (ingest/text/bags.h), by which the same n-gram is found in later logs. */
typedef struct {
    int64_t rows;        /* n-grams; 0: there are no texts */
    int64_t *offset;     /* [items+1] the n-grams of item i are row[offset[i]] .. */
    int32_t *row;        /* [offset[items]] ascending within an item */
    int32_t buckets;     /* the hashes of n-grams are of so many, a power of two; 0: not known */
    int32_t *bucket;     /* [rows] the hash of each n-gram, where `buckets` are known */
    int64_t *row_offset; /* [rows+1] the items of n-gram r are item[row_offset[r]] .. */
    int32_t *item;       /* [offset[items]] ascending within an n-gram */
} ItemTexts;

typedef struct {
    char *path;
    int64_t users, items, events;
    int actions;
    char *action_name[ACTIONS_MAX];
    float action_reward[ACTIONS_MAX];
    /* The impressions: an event of such an action was shown and not taken (schema_is_taken). */
    bool action_impression[ACTIONS_MAX];
    bool has_impressions; /* some action is an impression */
    int64_t episode_gap_ms;
    char catalogue_hash[65]; /* hexadecimal; equal for files that share one catalogue */
    bool has_propensity;
    bool plain_keys;  /* keys of users are those of the log, not pseudonyms */
    char *report;     /* the cleaning report, text */
    char *split_rule; /* in words, e.g. "global time: ..." or "leave-one-out" */

    int64_t *offset;             /* [users+1] the events of user u are offset[u] .. offset[u+1]-1 */
    int64_t (*split[SPLITS])[2]; /* [users] events [first, end) that a user gives to each split */
    uint64_t *tie; /* bit e % 64 of tie[e / 64]: event e has the time of the event before it, which
                      is of the same user; NULL: no event has */
    FeatureSet item_features, user_features, event_features;
    ItemTexts texts;

    struct BehaviourStore *store; /* what reads columns and keys: store.h */
} Behaviour;

extern const char *const schema_split_name[SPLITS]; /* "train", ... */
extern const char *const schema_split_path[SPLITS]; /* "/splits/train", ... */
extern const char *const schema_type_name[TYPES];   /* "uint8", ... */

/* The value in the log of number n, normalised as x. */
double schema_value(const FeatureSet *f, int n, float x);

/* Name of a column: "item", ... or the feature's, which lives as long as `b`. `b` is looked at for
 * features only. */
const char *schema_column_name(const Behaviour *b, Column column);
ElementType schema_column_type(Column column);
size_t schema_type_bytes(ElementType type); /* of an element; 0 for texts */

/* The rule of what is a target: whether an event of this action was taken. What was shown and not
 * taken is part of the history, and agents learn values and rewards from it; but nothing imitates
 * it, ranks it, or counts it as an event of its item. Training, the count table, validation,
 * calibration and evaluation all ask here. */
static inline bool schema_is_taken(const Behaviour *b, uint8_t action)
{
    return !b->action_impression[action];
}

/* The events of one user at one time are a set: their order in the file says nothing. `tie` is that
 * of a file, or NULL. */
static inline bool schema_is_tied(const uint64_t *tie, int64_t event)
{
    return tie && tie[event / 64] >> (event % 64) & 1;
}

/* The first event of the time of `event`. */
static inline int64_t schema_first_of_time(const uint64_t *tie, int64_t event)
{
    while (schema_is_tied(tie, event)) event--;
    return event;
}

/* The first event after those of the time of `event`; `end`, the end of the history, where there is
 * none. */
static inline int64_t schema_next_time(const uint64_t *tie, int64_t event, int64_t end)
{
    do event++;
    while (event < end && schema_is_tied(tie, event));
    return event < end ? event : end;
}

/* Whether the schema itself has an event column of this name. */
bool schema_is_column(const char *name);

#endif
