/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping: how the columns of a raw log become events. Its fields are set one by one (map.h),
 * from a file (map_file.h) or from common column names (detect.h). datasets/README.md describes its
 * sections and keys. */
#ifndef SOUK_RAWLOG_MAPPING_H
#define SOUK_RAWLOG_MAPPING_H

#include "data/behaviour/schema.h"
#include "data/rawlog/keys.h"
#include "data/rawlog/text.h"

typedef enum { SPLIT_BY_TIME, SPLIT_LAST_EVENT, SPLIT_LAST_BASKET, SPLIT_BY_FILE } SplitRule;
typedef enum { OWNER_ITEM, OWNER_USER, OWNER_EVENT } Owner;
typedef enum {
    ROLE_USER,
    ROLE_ITEM,
    ROLE_ACTION,
    ROLE_TIME,
    ROLE_OFFSET, /* milliseconds after the time */
    ROLE_GAP,
    ROLE_SESSION,
    ROLE_END,
    ROLES
} Role;
typedef enum { CHOICE_AUTO, CHOICE_NO, CHOICE_YES } Choice; /* auto: the log decides */
enum {
    CELLS_MAX = 64,
    LOG_COLUMNS_MAX = 256,
    NAME_MAX_BYTES = FEATURE_NAME_MAX,
    DELIMITER_MAX = 8,
    LIST_COLUMNS_MAX = 4,
    LIST_FIELDS_MAX = 8,
    MISSING_MAX = 32,
    MISSING_BYTES = 16,
    RANGES_MAX = 32,
    IMPRESSIONS_MAX = 16
};
#define COLUMN_ROW "@row" /* as user: every row is a user of its own */

/* A cell: a column that is read as a number or as a category. Several features may share a cell. */
typedef struct {
    char column[NAME_MAX_BYTES];
    bool category;
    double low, high;        /* a row with a number outside is dropped and counted, or */
    bool outside_is_missing; /* the row stays and the number counts as missing */
} CellSpec;

typedef struct {
    char name[NAME_MAX_BYTES];
    Owner owner;
    bool category; /* of a text too: a text is read like a category */
    bool text;     /* n-grams of items */
    bool log;      /* sign(x) log(1 + |x|) before normalising */
    int cell;
} Feature;

/* Columns that are lists: a record becomes an event for each element (format/list.h). */
typedef struct {
    int columns, fields; /* 0 columns: no lists; 0 fields: an element of a text has no parts */
    char column[LIST_COLUMNS_MAX][NAME_MAX_BYTES]; /* the lists of a record are equally long */
    char then[LIST_COLUMNS_MAX][NAME_MAX_BYTES];   /* one element more of each list; "": none */
    char field[LIST_FIELDS_MAX][NAME_MAX_BYTES];   /* names of the parts of an element */
    char separator[DELIMITER_MAX + 1], field_separator[DELIMITER_MAX + 1];
} ListSpec;

typedef struct {
    const struct Format *format; /* format/format.h; NULL: the first bytes of the log decide */
    char delimiter[DELIMITER_MAX + 1]; /* "": the first lines of the log decide */
    Choice quote, header;
    int missings; /* texts that stand for no value, beside the empty one; and their first bytes */
    char missing[MISSING_MAX][MISSING_BYTES];
    bool missing_first[256];
    char decimal;                   /* sign of decimals: '.' or ','; '\0': the first rows decide */
    bool grouped;                   /* the other sign may stand between groups of three digits */
    int columns;                    /* 0: the header has their names, or */
    char (*column)[NAME_MAX_BYTES]; /* [columns] names that count instead */
    ListSpec list;
    int64_t step_ms; /* without times: from one item (or basket) to the next */

    char role[ROLES][NAME_MAX_BYTES]; /* column of each role; "": absent */
    bool detect;                      /* columns that have common names, where nothing names them */
    TimeFormat time;
    bool time_check; /* whether times that no shop's log has are refused and warned of */
    int64_t plausible_from, plausible_to; /* times outside are bad (detect/clock.h) */

    int actions;
    char action_name[ACTIONS_MAX][NAME_MAX_BYTES];
    float action_reward[ACTIONS_MAX];
    Keys action_value;                            /* texts of the log, and of each: */
    int value_action[ACTIONS_MAX];                /* the action that it means, */
    char value_name[ACTIONS_MAX][NAME_MAX_BYTES]; /* by name until detect_finish */
    int ranges; /* numbers that mean an action, such as ratings; the first range counts */
    struct {
        double low, high;
        int action;
        char name[NAME_MAX_BYTES];
    } range[RANGES_MAX];

    /* What was shown and not taken: the actions that say so. */
    int impressions; /* how many names are given; -1: those that have common names */
    char impression_name[IMPRESSIONS_MAX][NAME_MAX_BYTES];
    bool impression_texts; /* the log has common texts of them, so that there is a default action */
    bool action_impression[ACTIONS_MAX]; /* since detect_finish */
    /* Of the items that a list shows, those in this column were taken; "": the actions tell. */
    char taken[NAME_MAX_BYTES];
    /* What was taken of a shown item is a later row: the first row of an item within gap_ms after
     * an impression of it, and before the next one, is the answer to this impression. */
    bool answers_later;
    int shown_action, taken_action; /* of the two kinds; taken_action where no column has it */

    int cells;
    CellSpec cell[CELLS_MAX];
    int reward_cell, propensity_cell; /* -1: none */
    int features;
    Feature feature[CELLS_MAX];
    int limits; /* as set; detect_finish moves them to the cells */
    struct {
        char name[NAME_MAX_BYTES];
        double low, high;
        bool missing;
    } limit[CELLS_MAX];

    /* The action of texts that no other has; "": their rows are dropped. By number, or -1, since
     * detect_finish. */
    char unknown_action[NAME_MAX_BYTES];
    int unknown_at;

    int64_t from_ms, to_ms; /* events with from_ms <= time < to_ms stay */
    double max_lost;        /* share of rows that may be bad */
    bool drop_duplicates;
    int64_t max_per_minute, max_per_day; /* 0: no limit */
    int64_t min_user_events, min_item_events;
    int64_t gap_ms;
    SplitRule split;
    double valid_share, test_share;
} Mapping;

/* Whether a text of the log, without blanks around it, stands for no value. */
static inline bool mapping_is_missing(const Mapping *m, Text text)
{
    if (text.length == 0) return true;
    if (!m->missing_first[(unsigned char)*text.at]) return false;
    for (int i = 0; i < m->missings; i++)
        if (text_equal(text, text_of(m->missing[i]))) return true;
    return false;
}

/* Whether events have times that can be compared across users. */
static inline bool mapping_has_clock(const Mapping *m) { return m->role[ROLE_TIME][0] != '\0'; }

#endif
