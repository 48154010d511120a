/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/names.h"

#include <string.h>
#include <strings.h>

static const char *const names[NAMES_KINDS][24] = {
    [ROLE_USER] = {"user_id",      "userid",      "user",       "uid",          "visitorid",
                   "visitor_id",   "customer_id", "customerid", "customer",     "member_id",
                   "buyer_id",     "client_id",   "reviewerid", "household_id", "household_key",
                   "user_session", "session_id",  "sessionid",  "session",      NULL},
    [ROLE_ITEM] = {"item_id", "itemid",  "item",    "product_id", "productid", "parent_asin",
                   "asin",    "sku_id",  "sku",     "article_id", "stockcode", "movie_id",
                   "movieid", "book_id", "song_id", "track_id",   "video_id",  "business_id",
                   "aid",     "iid",     "product", NULL},
    [ROLE_ACTION] = {"action", "event_type", "eventtype", "event_name", "behavior", "behavior_type",
                     "behaviour", "behaviour_type", "event", "action_type", "interaction_type",
                     "interaction", "type", "clicked", "is_clicked", "is_click", "click", NULL},
    [ROLE_TIME] = {"timestamp", "timestamp_ms", "time", "event_time", "action_time", "time_stamp",
                   "datetime", "date_time", "unixreviewtime", "created_at", "event_date", "t_dat",
                   "ts", "date", "time_s", NULL},
    [ROLE_SESSION] = {"user_session", "session_id", "sessionid", "session", NULL},
    [ROLE_END] = {"end", "done", "terminal", NULL},
    [NAMES_REWARD] = {"reward", NULL},
    [NAMES_PROPENSITY] = {"propensity", "propensity_score", "pscore", NULL},
};

static const NamedFeature features[] = {
    {"category", "items", "category", ""},
    {"category_id", "items", "category", ""},
    {"category_code", "items", "category", ""},
    {"brand", "items", "category", ""},
    {"price", "items", "number", " log"},
    {"price", "events", "number", " log"},
    {"unit_price", "items", "number", " log"},
    {"unit_price", "events", "number", " log"},
    {"unitprice", "items", "number", " log"},
    {"unitprice", "events", "number", " log"},
    {"quantity", "events", "number", ""},
    {"rating", "events", "number", ""},
    {"overall", "events", "number", ""},
    {"position", "events", "number", ""},
    {"title", "items", "text", ""},
    {"product_title", "items", "text", ""},
    {"item_title", "items", "text", ""},
    {"product_name", "items", "text", ""},
    {"item_name", "items", "text", ""},
    {"description", "items", "text", ""},
};

const char *names_of(int kind, int index) { return names[kind][index]; }

bool names_click(Text name)
{
    static const char *const click[] = {"clicked", "is_clicked", "is_click", "click"};
    const char *point = memrchr(name.at, '.', name.length);
    if (point) name = (Text){point + 1, (uint32_t)(name.at + name.length - point - 1)};
    for (size_t i = 0; i < sizeof click / sizeof *click; i++)
        if (names_equal(name, click[i])) return true;
    return false;
}

const NamedFeature *names_feature(int index)
{
    return index < (int)(sizeof features / sizeof *features) ? &features[index] : NULL;
}

bool names_equal(Text name, const char *wanted)
{
    return name.length == strlen(wanted) && strncasecmp(name.at, wanted, name.length) == 0;
}

bool names_known(Text name)
{
    for (int kind = 0; kind < NAMES_KINDS; kind++)
        for (int i = 0; names[kind][i]; i++)
            if (names_equal(name, names[kind][i])) return true;
    for (size_t f = 0; f < sizeof features / sizeof *features; f++)
        if (names_equal(name, features[f].column)) return true;
    return false;
}
