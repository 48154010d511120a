/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect.h"

#include <stdio.h>
#include <string.h>

#include "data/rawlog/detect/actions.h"
#include "data/rawlog/detect/names.h"
#include "data/rawlog/format/format.h"
#include "data/rawlog/map.h"

static int find_name(const Text *name, int names, const char *wanted)
{
    for (int i = 0; i < names; i++)
        if (names_equal(name[i], wanted)) return i;
    return -1;
}

static Status detect_roles(Mapping *m, const Text *name, int names)
{
    for (Role r = 0; r < ROLES; r++)
        for (int i = 0; names_of_role(r, i) && !m->role[r][0]; i++) {
            const int at = find_name(name, names, names_of_role(r, i));
            if (at >= 0 && name[at].length < NAME_MAX_BYTES)
                snprintf(m->role[r], NAME_MAX_BYTES, "%.*s", (int)name[at].length, name[at].at);
        }
    if (strcmp(m->role[ROLE_SESSION], m->role[ROLE_USER]) == 0) m->role[ROLE_SESSION][0] = '\0';
    for (Role r = ROLE_USER; r <= ROLE_ITEM; r++)
        if (!m->role[r][0])
            return FAIL(ERR_FORMAT,
                        "no column looks like the %s (for instance \"%s\"); say which is with "
                        "--map FILE.ini or --set columns.%s=NAME",
                        r == ROLE_USER ? "user" : "item", names_of_role(r, 0),
                        r == ROLE_USER ? "user" : "item");
    return OK;
}

Status detect_mapping(Mapping *m, const Text *name, int names, char *found, size_t size)
{
    static const char *const what[ROLES] = {"user", "item", "action", "time", "", "session", ""};
    TRY(detect_roles(m, name, names));
    size_t used = (size_t)snprintf(found, size, "detected columns:");
    for (int r = 0; r < ROLES; r++)
        if (m->role[r][0] && used < size)
            used += (size_t)snprintf(found + used, size - used, " %s=%s", what[r], m->role[r]);
    const NamedFeature *f;
    for (int i = 0; (f = names_feature(i)); i++) {
        char value[NAME_MAX_BYTES + 32];
        const int at = find_name(name, names, f->column);
        if (at < 0 || name[at].length >= NAME_MAX_BYTES) continue;
        snprintf(value, sizeof value, "%s %.*s%s", f->kind, (int)name[at].length, name[at].at,
                 f->suffix);
        TRY(map_set(m, f->section, f->column, value));
        if (used < size)
            used += (size_t)snprintf(found + used, size - used, " %s.%s", f->section, f->column);
    }
    return OK;
}

static Status add_value(Mapping *m, const char *value, const char *action)
{
    const Text text = text_of(value);
    if (keys_find(&m->action_value, text, text_hash(text)) >= 0) return OK;
    return map_set(m, "action_values", value, action);
}

static Status default_actions(Mapping *m)
{
    if (!m->role[ROLE_ACTION][0]) return map_set(m, "actions", "view", "0.2");
    const CommonAction *common;
    for (int a = 0; (common = actions_common(a)); a++) {
        snprintf(m->action_name[a], NAME_MAX_BYTES, "%s", common->name);
        m->action_reward[a] = common->reward;
        m->actions++;
        for (int v = 0; common->values[v]; v++) TRY(add_value(m, common->values[v], common->name));
    }
    return OK;
}

static Status resolve_actions(Mapping *m)
{
    if (m->actions == 0)
        TRY(default_actions(m));
    else if (!m->role[ROLE_ACTION][0] && m->actions > 1)
        return FAIL(ERR_FORMAT, "[actions] lists %d, but [columns] has no action", m->actions);
    for (int a = 0; a < m->actions; a++) TRY(add_value(m, m->action_name[a], m->action_name[a]));
    for (int64_t v = 0; v < m->action_value.count; v++) {
        int a = 0;
        while (a < m->actions && strcmp(m->action_name[a], m->value_name[v])) a++;
        if (a == m->actions)
            return FAIL(ERR_FORMAT, "[action_values] %s = \"%s\", which [actions] does not list",
                        m->action_value.key[v], m->value_name[v]);
        m->value_action[v] = a;
    }
    return OK;
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

Status detect_finish(Mapping *m)
{
    if (!m->format->columns)
        for (int r = 0; r < ROLES; r++) m->role[r][0] = '\0';
    else if (!m->role[ROLE_USER][0] || !m->role[ROLE_ITEM][0])
        return FAIL(ERR_FORMAT, "[columns] must name user and item");
    if (m->role[ROLE_TIME][0] && m->role[ROLE_GAP][0])
        return FAIL(ERR_FORMAT, "[columns] time and gap exclude each other");
    TRY(resolve_actions(m));
    TRY(resolve_limits(m));
    return check_split(m);
}
