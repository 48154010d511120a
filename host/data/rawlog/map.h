/* The mapping: how a log's columns become events. Read from an INI file and from settings of the
 * command line (both go through map_set), or detected from common column names. The sections
 * and keys are described in datasets/README.md. */
#ifndef SOUK_INGEST_MAP_H
#define SOUK_INGEST_MAP_H

#include "data/behaviour/behaviour.h"
#include "data/rawlog/keys.h"
#include "data/rawlog/text.h"

typedef enum { FORMAT_AUTO, FORMAT_CSV, FORMAT_JSONL, FORMAT_SEQUENCE, FORMAT_SESSIONS } LogFormat;
typedef enum { SPLIT_BY_TIME, SPLIT_LAST_EVENT, SPLIT_LAST_BASKET, SPLIT_BY_FILE } SplitRule;
typedef enum { OWNER_ITEM, OWNER_USER, OWNER_EVENT } Owner;
typedef enum {
    ROLE_USER,
    ROLE_ITEM,
    ROLE_ACTION,
    ROLE_TIME,
    ROLE_GAP,
    ROLE_SESSION,
    ROLE_END,
    ROLES
} Role;
enum { CELLS_MAX = 64, LOG_COLUMNS_MAX = 256, NAME_MAX_BYTES = FEATURE_NAME_MAX };
#define COLUMN_ROW "@row" /* as user: every row is a user of its own */

/* A column read as a number or as a category; several features may share one. */
typedef struct {
    char column[NAME_MAX_BYTES];
    bool category;
    double low, high;        /* rows with a number outside are dropped and counted, */
    bool outside_is_missing; /* or the number counts as not known */
} CellSpec;

typedef struct {
    char name[NAME_MAX_BYTES];
    Owner owner;
    bool category;
    bool log; /* sign(x) log(1 + |x|) before normalising */
    int cell;
} Feature;

typedef struct {
    LogFormat format;
    char delimiter; /* '\0': told from the header */
    bool header;
    int columns; /* names of the columns of a log without header */
    char (*column)[NAME_MAX_BYTES];
    int64_t step_ms; /* sequences: time between one item (or basket) and the next */

    char role[ROLES][NAME_MAX_BYTES]; /* column of each role; "" absent */
    bool mapped;                      /* a role was set: nothing is detected */
    TimeFormat time;

    int actions;
    char action_name[ACTIONS_MAX][NAME_MAX_BYTES];
    float action_reward[ACTIONS_MAX];
    Keys action_value;             /* texts of the log ... */
    int value_action[ACTIONS_MAX]; /* ... and the action each means */
    char value_name[ACTIONS_MAX][NAME_MAX_BYTES];

    int cells;
    CellSpec cell[CELLS_MAX];
    int reward_cell, propensity_cell; /* -1: none */
    int features;
    Feature feature[CELLS_MAX];
    int limits;
    struct {
        char name[NAME_MAX_BYTES];
        double low, high;
        bool missing;
    } limit[CELLS_MAX];

    int64_t from_ms, to_ms; /* keep from <= time < to */
    bool drop_duplicates;
    int64_t max_per_minute, max_per_day; /* 0: no limit */
    int64_t min_user_events, min_item_events;
    int64_t gap_ms;
    SplitRule split;
    double valid_share, test_share;
} Mapping;

/* Defaults; frees nothing. */
void map_init(Mapping *m);
void map_close(Mapping *m); /* safe on {0} */

/* One setting; unknown sections, names and bad values are errors that say what was expected. */
Status map_set(Mapping *m, const char *section, const char *name, const char *value);
/* "section.name=value", as the command line and the API have it; every failure is ERR_USAGE. */
Status map_assign(Mapping *m, const char *assignment);
/* All settings of an INI file, or of INI text. Errors name `path` and line. */
Status ini_read(Mapping *m, const char *path);
Status ini_read_text(Mapping *m, const char *path, const char *text, size_t length);

/* Roles and features from common column names; `found` receives one line that says what was found.
 * An error when no column looks like a user or an item. */
Status detect_mapping(Mapping *m, const Text *name, int names, char *found, size_t size);

/* After the last setting: fill in the default actions, resolve limits and action values, check that
 * it all fits together. */
Status detect_finish(Mapping *m);

/* Whether events have times that mean something across users. */
bool map_has_clock(const Mapping *m);

#endif
