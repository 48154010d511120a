/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect.h"

#include <stdio.h>
#include <string.h>

#include "data/rawlog/detect/actions.h"
#include "data/rawlog/detect/names.h"
#include "data/rawlog/format/format.h"
#include "data/rawlog/map.h"

/* ---- Columns --------------------------------------------------------------------------------- */

typedef struct {
    Mapping *m;
    const LogColumns *columns;
    const LogSample *sample;
    ColumnUses *uses;
} Detection;

static bool is_number(Text value)
{
    double number;
    return text_decimal(value, '.', true, &number) || text_decimal(value, ',', true, &number);
}

static bool is_propensity(Text value)
{
    double number;
    return (text_number(value, &number) || text_decimal(value, ',', false, &number)) &&
           number > 0.0 && number <= 1.0;
}

static bool is_end(Text value) { return value.length == 1 && *value.at >= '0' && *value.at <= '2'; }

/* Whether at least `share` of the values that a column has in the sample are as `is` says; where
 * all must be, no value is missing either. The list of columns says why a column is refused. */
static bool fits(const Detection *d, int column, bool (*is)(Text), double share, const char *what)
{
    int values = 0, good = 0;
    for (int r = 0; r < d->sample->rows; r++) {
        const Text value = sample_value(d->sample, r, column);
        if (!value.length && share < 1.0) continue;
        values++;
        good += is(value);
    }
    if (good >= share * values) return true;
    ColumnUse *use = &d->uses->column[column];
    snprintf(use->why, sizeof use->why, "%d of its first %d values are no %s", values - good,
             values, what);
    return false;
}

/* The texts of clicks that are 0 or 1, and the action that each means. */
static const char *const click_text[] = {"0", "false", "False", "FALSE", "0.0",
                                         "1", "true",  "True",  "TRUE",  "1.0"};
enum { CLICK_TEXTS = sizeof click_text / sizeof *click_text };
static const char *const click_action[] = {ACTIONS_IMPRESSION, "click"};

static bool is_click(Text value)
{
    for (int t = 0; t < CLICK_TEXTS; t++)
        if (text_equal(value, text_of(click_text[t]))) return true;
    return false;
}

/* A column that is called `wanted` and has no use yet. */
static int find_free(const Detection *d, const char *wanted)
{
    for (int i = 0; i < d->columns->count; i++) {
        if (!names_equal(d->columns->name[i], wanted)) continue;
        const ColumnUse *use = &d->uses->column[i];
        if (!use->use[0] && d->columns->name[i].length < NAME_MAX_BYTES) return i;
    }
    return -1;
}

static bool is_time(Text value)
{
    return text_plausible_unit(value) != TIME_AUTO || text_time_unit(value) != TIME_AUTO;
}

/* The column of a role: the first common name whose values are as they should be; -1: none. Where
 * several columns have names of times, it is the first one with times in it. */
static int find_role(const Detection *d, Role role)
{
    const char *name;
    int first = -1;
    for (int i = 0; (name = names_of((int)role, i)); i++) {
        const int at = find_free(d, name);
        if (at < 0) continue;
        if (role == ROLE_END && !fits(d, at, is_end, 1.0, "0, 1 or 2")) continue;
        if (role == ROLE_ACTION && strcmp(name, "type") == 0 &&
            !fits(d, at, actions_known, 0.5, "known actions"))
            continue;
        if (role == ROLE_ACTION && names_click(text_of(name)) &&
            !fits(d, at, is_click, 0.5, "0 or 1, true or false"))
            continue;
        if (role != ROLE_TIME) return at;
        if (first < 0) first = at;
        if (fits(d, at, is_time, 0.5, "times")) return at;
    }
    return first;
}

/* Whether the mapping leaves a role open. One action that it lists is that of all events. */
static bool is_open(const Mapping *m, Role role)
{
    if (role == ROLE_ACTION && m->actions == 1) return false;
    if (role == ROLE_TIME && m->role[ROLE_GAP][0]) return false;
    return role != ROLE_GAP && !m->role[role][0];
}

static Status no_column(const Detection *d, Role role)
{
    static const char *const what[] = {[ROLE_USER] = "user", [ROLE_ITEM] = "item"};
    char have[400] = "";
    for (int i = 0; i < d->columns->count; i++) {
        const size_t used = strlen(have);
        snprintf(have + used, sizeof have - used, "%s%.*s", i ? ", " : "",
                 (int)d->columns->name[i].length, d->columns->name[i].at);
    }
    return FAIL(ERR_FORMAT,
                "no column looks like the %s (for instance \"%s\"); the columns are: %s; say which "
                "is with --map FILE.ini or --set columns.%s=NAME",
                what[role], names_of((int)role, 0), have, what[role]);
}

static Status detect_roles(const Detection *d)
{
    Mapping *m = d->m;
    for (Role r = 0; r < ROLES; r++) {
        if (!is_open(m, r)) continue;
        const int at = find_role(d, r);
        if (at >= 0) snprintf(m->role[r], NAME_MAX_BYTES, "%s", d->uses->column[at].name);
        if (at < 0 && r <= ROLE_ITEM) return no_column(d, r);
        uses_finish(d->uses, m);
    }
    return OK;
}

/* Rewards and propensities. */
static Status detect_numbers(const Detection *d)
{
    static const char *const key[] = {"reward", "propensity"};
    const int open[] = {d->m->reward_cell < 0, d->m->propensity_cell < 0};
    for (int n = 0; n < 2; n++) {
        const char *name;
        for (int i = 0; open[n] && (name = names_of(NAMES_REWARD + n, i)); i++) {
            const int at = find_free(d, name);
            if (at < 0 || !(n ? fits(d, at, is_propensity, 1.0, "probability above 0")
                              : fits(d, at, is_number, 0.99, "number")))
                continue;
            TRY(map_set(d->m, "columns", key[n], d->uses->column[at].name));
            uses_finish(d->uses, d->m);
            break;
        }
    }
    return OK;
}

static bool has_feature(const Mapping *m, const NamedFeature *f)
{
    const Owner owner = strcmp(f->section, "items") == 0 ? OWNER_ITEM : OWNER_EVENT;
    for (int i = 0; i < m->features; i++)
        if (m->feature[i].owner == owner && strcmp(m->feature[i].name, f->column) == 0) return true;
    return false;
}

static Status detect_features(const Detection *d)
{
    const NamedFeature *f;
    for (int i = 0; (f = names_feature(i)); i++) {
        char value[NAME_MAX_BYTES + 32];
        const int at = find_free(d, f->column);
        if (at < 0 || has_feature(d->m, f)) continue;
        if (strcmp(f->kind, "number") == 0 && !fits(d, at, is_number, 0.99, "number")) continue;
        snprintf(value, sizeof value, "%s %s%s", f->kind, d->uses->column[at].name, f->suffix);
        TRY(map_set(d->m, f->section, f->column, value));
    }
    uses_finish(d->uses, d->m);
    return OK;
}

/* Whether the column of actions has texts of what was shown and not taken. */
static void note_impressions(const Detection *d)
{
    Mapping *m = d->m;
    for (int i = 0; i < d->columns->count; i++) {
        if (!text_equal(d->columns->name[i], text_of(m->role[ROLE_ACTION]))) continue;
        for (int r = 0; r < d->sample->rows; r++)
            m->impression_texts |= actions_impression(sample_value(d->sample, r, i));
    }
}

static Status detect_columns(const Detection *d)
{
    if (!d->m->detect) return OK;
    TRY(detect_roles(d));
    TRY(detect_numbers(d));
    return detect_features(d);
}

Status detect_mapping(Mapping *m, const LogColumns *columns, const LogSample *sample,
                      ColumnUses *uses)
{
    const Detection d = {m, columns, sample, uses};
    uses_begin(uses, m, columns);
    TRY(detect_columns(&d));
    note_impressions(&d);
    return OK;
}

/* ---- Defaults -------------------------------------------------------------------------------- */

static Status add_value(Mapping *m, const char *value, const char *action)
{
    const Text text = text_of(value);
    if (keys_find(&m->action_value, text, text_hash(text)) >= 0) return OK;
    return map_set(m, "action_values", value, action);
}

static Status click_actions(Mapping *m)
{
    for (int t = 0; t < CLICK_TEXTS; t++)
        TRY(add_value(m, click_text[t], click_action[t >= CLICK_TEXTS / 2]));
    TRY(map_set(m, "actions", click_action[0], "0"));
    return map_set(m, "actions", click_action[1], "1");
}

static Status default_actions(Mapping *m)
{
    const char *column = m->role[ROLE_ACTION];
    if (*column ? names_click(text_of(column)) : *m->taken) return click_actions(m);
    if (!*column) return map_set(m, "actions", "view", "0.2");
    const CommonAction *common;
    for (int a = 0; (common = actions_common(a)); a++) {
        const bool impression = strcmp(common->name, ACTIONS_IMPRESSION) == 0;
        if (impression && !m->impression_texts && !*m->taken) break;
        snprintf(m->action_name[a], NAME_MAX_BYTES, "%s", common->name);
        m->action_reward[a] = common->reward;
        m->actions++;
        for (int v = 0; common->values[v]; v++) TRY(add_value(m, common->values[v], common->name));
    }
    return OK;
}

static Status find_action(const Mapping *m, const char *value, const char *name, int *action)
{
    for (*action = 0; *action < m->actions; ++*action)
        if (strcmp(m->action_name[*action], name) == 0) return OK;
    return FAIL(ERR_FORMAT, "[action_values] %s = \"%s\", which [actions] does not list", value,
                name);
}

static Status resolve_actions(Mapping *m)
{
    if (m->actions == 0)
        TRY(default_actions(m));
    else if (!m->role[ROLE_ACTION][0] && m->actions > 1 && !*m->taken)
        return FAIL(ERR_FORMAT, "[actions] lists %d, but [columns] has no action", m->actions);
    for (int a = 0; a < m->actions; a++) TRY(add_value(m, m->action_name[a], m->action_name[a]));
    for (int64_t v = 0; v < m->action_value.count; v++)
        TRY(find_action(m, m->action_value.key[v], m->value_name[v], &m->value_action[v]));
    for (int r = 0; r < m->ranges; r++)
        TRY(find_action(m, "a range", m->range[r].name, &m->range[r].action));
    return OK;
}

/* The number of the action of unknown texts; one that is not listed is a further one, with reward
 * 0. */
static Status resolve_unknown(Mapping *m)
{
    int a = 0;
    m->unknown_at = -1;
    if (!m->unknown_action[0] || !m->role[ROLE_ACTION][0]) return OK;
    while (a < m->actions && strcmp(m->action_name[a], m->unknown_action)) a++;
    if (a == m->actions) TRY(map_set(m, "actions", m->unknown_action, "0"));
    m->unknown_at = a;
    return OK;
}

/* ---- Impressions ----------------------------------------------------------------------------- */

static int action_of(const Mapping *m, const char *name)
{
    int a = 0;
    while (a < m->actions && strcmp(m->action_name[a], name)) a++;
    return a < m->actions ? a : -1;
}

static Status mark_impressions(Mapping *m)
{
    for (int a = 0; a < m->actions; a++)
        m->action_impression[a] =
            m->impressions < 0 && actions_impression(text_of(m->action_name[a]));
    for (int i = 0; i < m->impressions; i++) {
        const int a = action_of(m, m->impression_name[i]);
        if (a < 0)
            return FAIL(ERR_FORMAT,
                        "[impressions] actions has \"%s\", which [actions] does not list",
                        m->impression_name[i]);
        m->action_impression[a] = true;
    }
    return OK;
}

/* The actions of what a list shows, where a column says what was taken. */
static Status resolve_taken(Mapping *m, int impressions)
{
    const bool column = *m->role[ROLE_ACTION];
    if (!m->list.columns) return FAIL(ERR_FORMAT, "[impressions] taken needs [list] columns");
    if (impressions == 0)
        return FAIL(ERR_FORMAT, "[impressions] taken: want an action of what was shown and not "
                                "taken among [actions], such as impression = 0");
    if (!column && m->actions - impressions > 1)
        return FAIL(ERR_FORMAT,
                    "[impressions] taken: [actions] lists %d actions of what was taken, but "
                    "[columns] has no action: want one",
                    m->actions - impressions);
    for (int a = m->actions - 1; a >= 0; a--)
        *(m->action_impression[a] ? &m->shown_action : &m->taken_action) = a;
    return OK;
}

static Status resolve_impressions(Mapping *m)
{
    int impressions = 0;
    TRY(mark_impressions(m));
    for (int a = 0; a < m->actions; a++) impressions += m->action_impression[a];
    if (impressions == m->actions && m->impressions > 0)
        return FAIL(ERR_FORMAT, "[impressions] actions has all actions, want one that is taken");
    if (impressions == m->actions) { /* only their names say so: then all was taken */
        memset(m->action_impression, 0, sizeof m->action_impression);
        impressions = 0;
    }
    if (m->answers_later && (impressions == 0 || *m->taken || !mapping_has_clock(m)))
        return FAIL(ERR_FORMAT, "[impressions] answers = later wants rows of what was shown and of "
                                "what was taken, with times");
    return *m->taken ? resolve_taken(m, impressions) : OK;
}

static Status resolve_limits(Mapping *m)
{
    for (int i = 0; i < m->limits; i++) {
        int c = 0;
        while (c < m->cells && (m->cell[c].category || strcmp(m->cell[c].column, m->limit[i].name)))
            c++;
        if (c == m->cells)
            return FAIL(ERR_FORMAT,
                        "[limits] %s: no feature or reward reads this column as a number",
                        m->limit[i].name);
        m->cell[c].low = m->limit[i].low;
        m->cell[c].high = m->limit[i].high;
        m->cell[c].outside_is_missing = m->limit[i].missing;
    }
    return OK;
}

static Status check_split(const Mapping *m)
{
    if (m->valid_share + m->test_share >= 1.0)
        return FAIL(ERR_FORMAT, "[split] valid = %g and test = %g leave nothing to train on",
                    m->valid_share, m->test_share);
    if (m->split == SPLIT_BY_TIME && !mapping_has_clock(m))
        return FAIL(ERR_USAGE,
                    "the log has no time column, so it cannot be split by time: choose --split "
                    "leave-one-out (or leave-last-basket, or files)");
    return OK;
}

static Status check_list(const ListSpec *list)
{
    int then = 0;
    while (then < LIST_COLUMNS_MAX && list->then[then][0]) then++;
    if (!list->columns && (then || list->fields)) return FAIL(ERR_FORMAT, "[list] has no columns");
    if (then && then != list->columns)
        return FAIL(ERR_FORMAT, "[list] then has %d column%s, want one for each of the %d lists",
                    then, then == 1 ? "" : "s", list->columns);
    return OK;
}

Status detect_finish(Mapping *m)
{
    if (!m->format->columns) {
        for (int r = 0; r < ROLES; r++) m->role[r][0] = '\0';
        m->taken[0] = '\0';
    } else if (!m->role[ROLE_USER][0] || !m->role[ROLE_ITEM][0])
        return FAIL(ERR_FORMAT, "[columns] must name user and item");
    if (m->role[ROLE_OFFSET][0] && !m->role[ROLE_TIME][0])
        return FAIL(ERR_FORMAT, "[columns] time_offset needs time");
    TRY(check_list(&m->list));
    if (m->role[ROLE_TIME][0] && m->role[ROLE_GAP][0])
        return FAIL(ERR_FORMAT, "[columns] time and gap exclude each other");
    TRY(resolve_actions(m));
    TRY(resolve_unknown(m));
    TRY(resolve_impressions(m));
    TRY(resolve_limits(m));
    return check_split(m);
}
