/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/names.h"

#include <string.h>
#include <strings.h>

static const char *const role_names[ROLES][24] = {
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
                     "interaction", "type", NULL},
    [ROLE_TIME] = {"timestamp", "timestamp_ms", "time", "event_time", "action_time", "time_stamp",
                   "datetime", "date_time", "unixreviewtime", "created_at", "event_date", "t_dat",
                   "ts", "date", "time_s", NULL},
    [ROLE_SESSION] = {"user_session", "session_id", "sessionid", "session", NULL},
};

static const NamedFeature features[] = {
    {"category", "items", "category", ""},      {"category_id", "items", "category", ""},
    {"category_code", "items", "category", ""}, {"brand", "items", "category", ""},
    {"price", "items", "number", " log"},       {"price", "events", "number", " log"},
    {"unit_price", "items", "number", " log"},  {"unit_price", "events", "number", " log"},
    {"unitprice", "items", "number", " log"},   {"unitprice", "events", "number", " log"},
    {"quantity", "events", "number", ""},       {"rating", "events", "number", ""},
    {"overall", "events", "number", ""},        {"position", "events", "number", ""},
};

const char *names_of_role(Role role, int index) { return role_names[role][index]; }

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
    for (Role r = 0; r < ROLES; r++)
        for (int i = 0; role_names[r][i]; i++)
            if (names_equal(name, role_names[r][i])) return true;
    for (size_t f = 0; f < sizeof features / sizeof *features; f++)
        if (names_equal(name, features[f].column)) return true;
    return false;
}
