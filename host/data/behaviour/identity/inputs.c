/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/identity/inputs.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"

/* The lists, and what an entry of each is called in messages. */
enum { LISTS = 6 };
static const struct {
    const char *key, *what;
} lists[LISTS] = {{"actions", "action"},           {"event_numbers", "event feature"},
                  {"user_numbers", "user number"}, {"user_categories", "user category"},
                  {"item_numbers", "item number"}, {"item_categories", "item category"}};

static int count_of(const Behaviour *b, int list)
{
    const int counts[LISTS] = {b->actions,
                               b->event_features.numbers,
                               b->user_features.numbers,
                               b->user_features.kinds,
                               b->item_features.numbers,
                               b->item_features.kinds};
    return counts[list];
}

static json_t *category_of(const FeatureSet *f, int i)
{
    char text[FEATURE_NAME_MAX + 32];
    snprintf(text, sizeof text, "%s, %" PRId32 " rows", f->kind_name[i], f->kind_rows[i]);
    return report_string(text);
}

/* Entry i of a list, as a new text of JSON. */
static json_t *entry_of(const Behaviour *b, int list, int i)
{
    char *text = NULL;
    json_t *entry;
    switch (list) {
    case 0:
        if (!b->action_impression[i]) return report_string(b->action_name[i]);
        if (asprintf(&text, "%s, an impression", b->action_name[i]) < 0) return NULL;
        entry = report_string(text);
        free(text);
        return entry;
    case 1: return report_string(b->event_features.number_name[i]);
    case 2: return report_string(b->user_features.number_name[i]);
    case 3: return category_of(&b->user_features, i);
    case 4: return report_string(b->item_features.number_name[i]);
    default: return category_of(&b->item_features, i);
    }
}

char *inputs_text(const Behaviour *b)
{
    json_t *root = json_object();
    for (int k = 0; k < LISTS; k++) {
        json_t *list = json_array();
        for (int i = 0; i < count_of(b, k); i++) json_array_append_new(list, entry_of(b, k, i));
        json_object_set_new(root, lists[k].key, list);
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* Whether two entries are one; of a category that may have grown, without its number of rows. */
static bool same_entry(const char *then, const char *now, bool grown)
{
    const char *a = strrchr(then, ','), *b = strrchr(now, ',');
    if (!grown || !a || !b) return !strcmp(then, now);
    return a - then == b - now && !strncmp(then, now, (size_t)(a - then));
}

static Status check_entry(const char *model, const Behaviour *b, int list, int i, const char *then,
                          bool grown)
{
    json_t *entry = entry_of(b, list, i);
    const char *now = json_string_value(entry);
    const bool category = list == 3 || list == 5;
    Status st = OK;
    if (!then)
        st = FAIL(ERR_USAGE, "%s was trained without the %s \"%s\", which is number %d of %s",
                  model, lists[list].what, now ? now : "", i + 1, b->path);
    else if (!now || !same_entry(then, now, grown && category))
        st = FAIL(ERR_USAGE, "%s was trained with \"%s\" as %s number %d, %s has \"%s\"", model,
                  then, lists[list].what, i + 1, b->path, now ? now : "");
    json_decref(entry);
    return st;
}

static Status check_list(const char *model, const json_t *root, const Behaviour *b, int list,
                         bool grown)
{
    const json_t *then = json_object_get(root, lists[list].key);
    const int now = count_of(b, list);
    if (!json_is_array(then))
        return FAIL(ERR_FORMAT, "%s: metadata \"inputs\" has no list \"%s\"", model,
                    lists[list].key);
    for (int i = 0; i < now; i++)
        TRY(check_entry(model, b, list, i, json_string_value(json_array_get(then, (size_t)i)),
                        grown));
    if (json_array_size(then) == (size_t)now) return OK;
    const char *missing = json_string_value(json_array_get(then, (size_t)now));
    return FAIL(ERR_USAGE, "%s was trained with \"%s\" as %s number %d, which %s does not have",
                model, missing ? missing : "", lists[list].what, now + 1, b->path);
}

Status inputs_check(const char *model, const char *text, const Behaviour *b, bool grown)
{
    json_t *root = json_loads(text, 0, NULL);
    Status st = OK;
    for (int k = 0; k < LISTS && st == OK; k++) st = check_list(model, root, b, k, grown);
    json_decref(root);
    return st;
}
