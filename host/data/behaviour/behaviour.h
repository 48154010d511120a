/* The behaviour file: users' histories in one HDF5 file, columnar, compressed sparse rows by user.
 * The schema, path by path, is in datasets/README.md.
 *
 * Opening validates everything that later code relies on (dtypes, shapes, offsets in order, ids in
 * range, finite rewards, splits inside histories), so nothing downstream checks again. Every error
 * names the file, the dataset, the index and what was expected.
 */
#ifndef SOUK_BEHAVIOUR_H
#define SOUK_BEHAVIOUR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "losses/end.h"

enum { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLITS };
enum { ACTIONS_MAX = 256, FEATURES_MAX = 64, FEATURE_NAME_MAX = 64 };

/* A column of /events. COLUMN_FEATURE + i is the i-th event feature. */
typedef enum {
    COLUMN_ITEM,       /* int32   */
    COLUMN_ACTION,     /* uint8   */
    COLUMN_TIME,       /* int64, milliseconds since 1970 UTC */
    COLUMN_REWARD,     /* float32 */
    COLUMN_END,        /* uint8   */
    COLUMN_PROPENSITY, /* float32, optional */
    COLUMN_FEATURE,    /* float32, normalised */
} Column;

/* Features of one entity (items, users or events): categories as rows of one joint table (each
 * kind's rows follow the previous kind's; row 0 of a kind is "unknown"), numbers normalised as
 * (x - mean) / std with constants of the train split. */
typedef struct {
    int kinds; /* category columns */
    char kind_name[FEATURES_MAX][FEATURE_NAME_MAX];
    int32_t kind_rows[FEATURES_MAX]; /* rows of each kind in the joint table */
    int32_t categories;              /* their sum */
    int numbers;                     /* numeric columns */
    char number_name[FEATURES_MAX][FEATURE_NAME_MAX];
    float mean[FEATURES_MAX], std[FEATURES_MAX];
    int32_t *category; /* [rows, kinds] joint row of each; NULL for events */
    float *number;     /* [rows, numbers] normalised; NULL for events (columns are streamed) */
} FeatureSet;

typedef struct {
    char *path;
    int64_t users, items, events;
    int actions;
    char *action_name[ACTIONS_MAX];
    float action_reward[ACTIONS_MAX];
    int64_t episode_gap_ms;
    char catalogue_hash[65]; /* hex; equal for files that share one catalogue */
    bool has_propensity;
    bool plain_keys;  /* keys are the original ids, not pseudonyms */
    char *report;     /* the cleaning report, text */
    char *split_rule; /* in words, e.g. "global time: ..." or "leave-one-out" */

    int64_t *offset;             /* [users+1] */
    int64_t (*split[SPLITS])[2]; /* [users] event range [first, end) a user gives to each split */
    FeatureSet item_features, user_features, event_features;

    struct BehaviourStore *store; /* file descriptor, chunk tables, decoders, lazily read keys */
} Behaviour;

Status behaviour_open(Behaviour *b, const char *path);
void behaviour_close(Behaviour *b); /* safe on {0} and half-built */

/* Whether the file has the column. */
static inline bool behaviour_has(const Behaviour *b, Column column)
{
    return (int)column - COLUMN_FEATURE < b->event_features.numbers &&
           (column != COLUMN_PROPENSITY || b->has_propensity);
}

/* Events first .. first+count-1 of one column into `out` (dense, the column's dtype). Thread-safe;
 * reads raw chunks past the HDF5 library and its lock, decodes in the calling thread. */
Status columns_read(const Behaviour *b, Column column, int64_t first, int64_t count, void *out);

/* The whole column in memory, where the file has it as memory wants it (contiguous, unfiltered, aligned,
 * this machine's byte order): row r of the column is element r. NULL: use columns_read. */
const void *columns_direct(const Behaviour *b, Column column);
/* Start fetching rows of a direct column from the disk. */
void columns_prefetch(const Behaviour *b, Column column, int64_t first, int64_t count);

/* How a column lies in the file. */
typedef struct {
    const char *name;        /* "item", …; as long as `b` */
    const char *type;        /* "int32", … */
    const char *layout;      /* "contiguous", "chunked", or "other" (read through the library) */
    int64_t chunk_events;    /* of "chunked" */
    bool shuffled, deflated; /* of "chunked" */
    int64_t bytes, bytes_stored; /* in memory, in the file */
} ColumnStorage;
/* False where the file has no such column. */
bool columns_storage(const Behaviour *b, Column column, ColumnStorage *storage);

/* Keys as text. Pseudonyms print as 16 hexadecimal digits. `behaviour_find_*` give -1 when there is
 * no such key. The returned text lives as long as `b`. Not thread-safe. */
Status behaviour_keys_user(Behaviour *b, int64_t user, const char **key);
Status behaviour_keys_item(Behaviour *b, int32_t item, const char **key);
Status behaviour_keys_find_user(Behaviour *b, const char *key, int64_t *user);
Status behaviour_keys_find_item(Behaviour *b, const char *key, int32_t *item);

/* ---- Writing ------------------------------------------------------------------------------ */

typedef struct {
    int actions;
    const char *const *action_name;
    const float *action_reward;
    int64_t episode_gap_ms;
    bool has_propensity;
    bool compress; /* shuffle + gzip, chunked; else contiguous */
    bool plain_keys;
    int event_numbers; /* event features: names and normalisation constants */
    const char *event_number_name[FEATURES_MAX];
    float event_mean[FEATURES_MAX], event_std[FEATURES_MAX];
} BehaviourHeader;

typedef struct BehaviourWriter BehaviourWriter;

/* Writes to a temporary file beside `path`; nothing appears under `path` before _finish. */
Status behaviour_write_create(BehaviourWriter **w, const char *path, const BehaviourHeader *header);

/* Append one user's events, in order of time. Arrays of `count`; `propensity` NULL unless declared;
 * feature[f] is column f, already normalised. Buffered: cheap for short histories. Splits are
 * relative to the user's first event. `key` is the original id, or the pseudonym (see plain_keys).
 */
typedef struct {
    const char *key;    /* original id; with plain_keys false NULL */
    uint64_t pseudonym; /* with plain_keys false */
    int64_t count;
    const int32_t *item;
    const uint8_t *action;
    const int64_t *time;
    const float *reward;
    const uint8_t *end;
    const float *propensity;
    const float *feature[FEATURES_MAX];
    int64_t split[SPLITS][2];
} UserHistory;
Status behaviour_write_append(BehaviourWriter *w, const UserHistory *history);

/* The catalogue (and the users' profiles, rows in the order appended), the texts, then fsync and
 * rename. Item keys are always kept as given, users' keys only under plain_keys. */
typedef struct {
    int64_t items;
    const char *const *item_key;
    FeatureSet item_features, user_features;
    const char *report, *split_rule;
} BehaviourCatalogue;
Status behaviour_write_finish(BehaviourWriter *w, const BehaviourCatalogue *catalogue);
/* Before the first history, by those who know the catalogue and how many users and events will come:
 * then no column is written twice. The file is the same. Without effect on compressed files and those
 * of plain keys, whose sizes are known only in the end; _finish wants the catalogue in any case. */
Status behaviour_write_place(BehaviourWriter *w, const BehaviourCatalogue *catalogue, int64_t users,
                             int64_t events);
/* Free the writer; without a successful _finish the temporary file is removed. Safe on NULL. */
void behaviour_write_close(BehaviourWriter *w);

#endif
