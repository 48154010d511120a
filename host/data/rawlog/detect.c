/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/rawlog/format/format.h"
#include "data/rawlog/map.h"

/* Actions of a mapping that lists none, and the texts that logs have for them. The rewards of view
 * and purchase are those of SQN (Xin et al., SIGIR 2020: click 0.2, purchase 1.0). */
static const struct {
    const char *name;
    float reward;
    const char *values[8];
} default_action[] = {
    {"view", 0.2f, {"view", "pv", "click", "browse", "detail", NULL}},
    {"cart", 0.5f, {"cart", "addtocart", "add_to_cart", "add-to-cart", NULL}},
    {"favourite", 0.3f, {"favourite", "fav", "favorite", "wishlist", "follow", NULL}},
    {"purchase", 1.0f, {"purchase", "buy", "transaction", "order", "checkout", NULL}},
    {"review", 0.2f, {"review", "comment", "rate", "rating", NULL}},
    {"remove", 0.0f, {"remove", "remove_from_cart", "removefromcart", NULL}},
};

/* Common names of the columns of each role, in lower case. Where a log has several, the first
 * counts. */
static const char *const common[ROLES][12] = {
    [ROLE_USER] = {"user_id", "userid", "user", "visitorid", "visitor_id", "customer_id",
                   "customerid", "reviewerid", "household_id", "session_id", "sessionid", NULL},
    [ROLE_ITEM] = {"item_id", "itemid", "item", "product_id", "productid", "sku_id", "sku", "asin",
                   "stockcode", NULL},
    [ROLE_ACTION] = {"action", "event_type", "behavior", "behavior_type", "behaviour", "event",
                     "action_type", "type", NULL},
    [ROLE_TIME] = {"timestamp", "time", "event_time", "action_time", "datetime", "unixreviewtime",
                   "date", "time_s", NULL},
    [ROLE_SESSION] = {"user_session", "session_id", "sessionid", NULL},
};
static const struct {
    const char *column, *section, *value;
} common_feature[] = {
    {"category", "items", "category"},      {"category_id", "items", "category"},
    {"category_code", "items", "category"}, {"brand", "items", "category"},
    {"price", "items", "number"},           {"price", "events", "number"},
    {"quantity", "events", "number"},       {"rating", "events", "number"},
    {"overall", "events", "number"},
};

static int find_name(const Text *name, int names, const char *wanted)
{
    for (int i = 0; i < names; i++)
        if (name[i].length == strlen(wanted) &&
            strncasecmp(name[i].at, wanted, name[i].length) == 0)
            return i;
    return -1;
}

static Status detect_roles(Mapping *m, const Text *name, int names)
{
    for (int r = 0; r < ROLES; r++)
        for (int i = 0; common[r][i] && !m->role[r][0]; i++) {
            const int at = find_name(name, names, common[r][i]);
            if (at >= 0 && name[at].length < NAME_MAX_BYTES)
                snprintf(m->role[r], NAME_MAX_BYTES, "%.*s", (int)name[at].length, name[at].at);
        }
    if (strcmp(m->role[ROLE_SESSION], m->role[ROLE_USER]) == 0) m->role[ROLE_SESSION][0] = '\0';
    for (int r = ROLE_USER; r <= ROLE_ITEM; r++)
        if (!m->role[r][0])
            return FAIL(ERR_FORMAT,
                        "no column looks like the %s (for instance \"%s\"); say which is with "
                        "--map FILE.ini or --set columns.%s=NAME",
                        r == ROLE_USER ? "user" : "item", common[r][0],
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
    for (size_t i = 0; i < sizeof common_feature / sizeof *common_feature; i++) {
        char value[NAME_MAX_BYTES + 32];
        const int at = find_name(name, names, common_feature[i].column);
        if (at < 0 || name[at].length >= NAME_MAX_BYTES) continue;
        const bool price = strcmp(common_feature[i].column, "price") == 0;
        snprintf(value, sizeof value, "%s %.*s%s", common_feature[i].value, (int)name[at].length,
                 name[at].at, price ? " log" : "");
        TRY(map_set(m, common_feature[i].section, common_feature[i].column, value));
        if (used < size)
            used += (size_t)snprintf(found + used, size - used, " %s.%s", common_feature[i].section,
                                     common_feature[i].column);
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
    for (size_t i = 0; i < sizeof default_action / sizeof *default_action; i++) {
        snprintf(m->action_name[i], NAME_MAX_BYTES, "%s", default_action[i].name);
        m->action_reward[i] = default_action[i].reward;
        m->actions++;
        for (int v = 0; default_action[i].values[v]; v++)
            TRY(add_value(m, default_action[i].values[v], default_action[i].name));
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
