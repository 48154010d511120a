/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/known/known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/behaviour.h"
#include "data/behaviour/catalogue/names.h"
#include "data/behaviour/keys.h"

static const char *const owner_of[] = {"item", "user", "event"};
static const char *const section_of[] = {"items", "users", "events"};

/* ---- Opening --------------------------------------------------------------------------------- */

static Status add_items(Stage *g)
{
    Behaviour *b = &g->known->file;
    for (int64_t i = 0; i < b->items; i++) {
        const char *key;
        uint32_t id;
        TRY(behaviour_keys_item(b, (int32_t)i, &key));
        const Text text = text_of(key);
        TRY(keys_add(&g->items, text, text_hash(text), &id));
        if (id != i)
            return FAIL(ERR_FORMAT, "%s: /items/key[%" PRId64 "] is \"%s\", as is number %" PRIu32,
                        b->path, i, key, id);
    }
    g->known_items = b->items;
    return OK;
}

static Status check_names(const FeatureSet *f, const char *path, const char *group)
{
    for (int k = 0; k < f->kinds; k++)
        if (f->kind_rows[k] > 1 && !f->row_name[k])
            return FAIL(
                ERR_USAGE,
                "%s has no names of the rows of /%s/%s, as files of earlier versions and of "
                "simulated worlds have none: want a catalogue that souk ingest wrote",
                path, group, f->kind_name[k]);
    return OK;
}

Status known_open(Stage *g)
{
    const char *path = g->options->catalogue;
    if (!path) return OK;
    Known *k = g->known = calloc(1, sizeof *k);
    if (!k) return FAIL(ERR_MEMORY, "%s: no memory for a catalogue", path);
    TRY(behaviour_open_catalogue(&k->file, path));
    TRY(names_read(&k->file.item_features, &k->file, names_of_items));
    TRY(names_read(&k->file.user_features, &k->file, names_of_users));
    TRY(check_names(&k->file.item_features, path, "items"));
    TRY(check_names(&k->file.user_features, path, "users"));
    if (k->file.texts.rows && !k->file.texts.buckets)
        return FAIL(ERR_USAGE,
                    "%s has no hashes of the n-grams of its texts, as files of earlier versions "
                    "have none: want a catalogue that souk ingest wrote",
                    path);
    if (k->file.user_features.kinds && k->file.plain_keys != g->options->plain_keys)
        return FAIL(ERR_USAGE, "%s has the categories of users %s: want %s --plain-keys", path,
                    k->file.plain_keys ? "by name" : "as pseudonyms",
                    k->file.plain_keys ? "the option" : "no");
    k->changed = calloc((size_t)k->file.items, sizeof *k->changed);
    if (!k->changed) return FAIL(ERR_MEMORY, "%s: no memory for a catalogue", path);
    return add_items(g);
}

void known_close(Stage *g)
{
    if (!g->known) return;
    behaviour_close(&g->known->file);
    free(g->known->changed);
    free(g->known);
    g->known = NULL;
}

/* ---- Kinds of events ------------------------------------------------------------------------- */

static Status agree_on_kind(const Stage *g, int known, int action)
{
    const Behaviour *b = &g->known->file;
    const Mapping *m = g->m;
    const char *name = m->action_name[action];
    if (b->action_reward[known] != m->action_reward[action])
        return FAIL(ERR_USAGE,
                    "the kind of event \"%s\" has the reward %g in %s, and %g in the mapping: want "
                    "--set actions.%s=%.9g",
                    name, (double)b->action_reward[known], b->path,
                    (double)m->action_reward[action], name, (double)b->action_reward[known]);
    if (b->action_impression[known] != m->action_impression[action])
        return FAIL(ERR_USAGE,
                    "the kind of event \"%s\" is %s in %s, and %s in the mapping: want the same in "
                    "[impressions] actions",
                    name, b->action_impression[known] ? "an impression" : "no impression", b->path,
                    m->action_impression[action] ? "an impression" : "no impression");
    return OK;
}

static Status agree_on_kinds(Stage *g)
{
    Known *k = g->known;
    for (int a = 0; a < g->m->actions; a++) {
        int at = 0;
        while (at < k->file.actions && strcmp(k->file.action_name[at], g->m->action_name[a])) at++;
        k->action_of[a] = at < k->file.actions ? (int16_t)at : -1;
        if (at < k->file.actions) TRY(agree_on_kind(g, at, a));
    }
    return OK;
}

Status known_action(const Stage *g, const char *path, uint8_t action, uint8_t *known)
{
    const Known *k = g->known;
    char names[512] = "";
    *known = action;
    if (!k) return OK;
    *known = (uint8_t)k->action_of[action];
    if (k->action_of[action] >= 0) return OK;
    for (int a = 0; a < k->file.actions && strlen(names) < 400; a++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.64s", a ? ", " : "",
                 k->file.action_name[a]);
    return FAIL(
        ERR_USAGE,
        "%s has events of the kind \"%s\", which %s does not have, and for which a model of "
        "it has no weights: want --set action_values.TEXT=KIND for their texts, of the "
        "kinds %s; or an ingest without --catalogue and a new training",
        path, g->m->action_name[action], k->file.path, names);
}

/* ---- Features -------------------------------------------------------------------------------- */

const FeatureSet *known_features(const Stage *g, Owner owner)
{
    const Behaviour *b = &g->known->file;
    return owner == OWNER_ITEM   ? &b->item_features
           : owner == OWNER_USER ? &b->user_features
                                 : &b->event_features;
}

/* The place of the number, or of the one that flags its missing values; -1: none. */
static int find_number(const FeatureSet *f, const char *name, const char *suffix)
{
    char full[2 * FEATURE_NAME_MAX];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    for (int n = 0; n < f->numbers; n++)
        if (!strcmp(f->number_name[n], full)) return n;
    return -1;
}

static int find_kind(const FeatureSet *f, const char *name)
{
    for (int k = 0; k < f->kinds; k++)
        if (!strcmp(f->kind_name[k], name)) return k;
    return -1;
}

static Status agree_on_logarithm(const Stage *g, const FeatureSet *f, int n, const Feature *feature)
{
    if (f->logarithm[n] == feature->log) return OK;
    return FAIL(ERR_USAGE, "%s.%s is %s in %s, and %s in the mapping: want the same",
                section_of[feature->owner], feature->name,
                f->logarithm[n] ? "a logarithm" : "no logarithm", g->known->file.path,
                feature->log ? "a logarithm" : "no logarithm");
}

/* Whether the catalogue has a feature of the mapping. */
static Status find_feature(Stage *g, int i)
{
    Known *k = g->known;
    const Feature *feature = &g->m->feature[i];
    const FeatureSet *f = known_features(g, feature->owner);
    k->at[i] = k->flag[i] = -1;
    if (feature->text && k->file.texts.rows) return OK;
    if (!feature->text)
        k->at[i] =
            feature->category ? find_kind(f, feature->name) : find_number(f, feature->name, "");
    if (k->at[i] < 0)
        return FAIL(ERR_USAGE,
                    "%s has no %s %s \"%s\": want a mapping without it (with [input] detect = no "
                    "no column is recognised by its name)",
                    k->file.path, owner_of[feature->owner],
                    feature->text       ? "text"
                    : feature->category ? "category"
                                        : "number",
                    feature->name);
    if (feature->category) return OK;
    k->flag[i] = find_number(f, feature->name, "_missing");
    return agree_on_logarithm(g, f, k->at[i], feature);
}

/* The feature of the mapping at a place of the catalogue; -1: there is none. */
static int feature_at(const Stage *g, Owner owner, bool category, int at)
{
    for (int i = 0; i < g->m->features; i++) {
        const Feature *f = &g->m->feature[i];
        if (f->owner == owner && !f->text && f->category == category && g->known->at[i] == at)
            return i;
    }
    return -1;
}

static bool is_flag(const Stage *g, Owner owner, int at)
{
    for (int i = 0; i < g->m->features; i++)
        if (g->m->feature[i].owner == owner && !g->m->feature[i].category &&
            g->known->flag[i] == at)
            return true;
    return false;
}

/* Lists the features of the mapping in the order of the catalogue's, and fails where one of these
 * is not among them. */
static Status order_owner(Stage *g, Owner owner, int *used)
{
    const FeatureSet *f = known_features(g, owner);
    for (int at = 0; at < f->kinds + f->numbers; at++) {
        const bool category = at < f->kinds;
        const int place = category ? at : at - f->kinds;
        const int found = feature_at(g, owner, category, place);
        if (found < 0 && !category && is_flag(g, owner, place)) continue;
        const char *name = category ? f->kind_name[place] : f->number_name[place];
        if (found < 0)
            return FAIL(ERR_USAGE,
                        "%s has the %s %s \"%s\", for which the log has no column: want one, such "
                        "as --set %s.%s=\"%s COLUMN\"",
                        g->known->file.path, owner_of[owner], category ? "category" : "number",
                        name, section_of[owner], name, category ? "category" : "number");
        g->known->order[(*used)++] = found;
    }
    return OK;
}

static Status agree_on_texts(Stage *g, int *used)
{
    bool any = false;
    for (int i = 0; i < g->m->features; i++) {
        if (!g->m->feature[i].text) continue;
        g->known->order[(*used)++] = i;
        any = true;
    }
    if (any || !g->known->file.texts.rows) return OK;
    return FAIL(ERR_USAGE,
                "%s has texts of items, for which the log has no column: want one, such as --set "
                "items.title=\"text COLUMN\"",
                g->known->file.path);
}

Status known_agree(Stage *g)
{
    int used = 0;
    if (!g->known) return OK;
    TRY(agree_on_kinds(g));
    for (int i = 0; i < g->m->features; i++) TRY(find_feature(g, i));
    for (Owner owner = OWNER_ITEM; owner <= OWNER_EVENT; owner++) TRY(order_owner(g, owner, &used));
    return agree_on_texts(g, &used);
}

/* ---- Adopting -------------------------------------------------------------------------------- */

static void adopt_features(Stage *g)
{
    Known *k = g->known;
    Feature feature[CELLS_MAX];
    int at[CELLS_MAX], flag[CELLS_MAX];
    memcpy(feature, g->m->feature, sizeof feature);
    memcpy(at, k->at, sizeof at);
    memcpy(flag, k->flag, sizeof flag);
    for (int i = 0; i < g->m->features; i++) {
        g->m->feature[i] = feature[k->order[i]];
        k->at[i] = at[k->order[i]];
        k->flag[i] = flag[k->order[i]];
    }
}

void known_adopt(Stage *g)
{
    const Known *k = g->known;
    if (!k) return;
    g->m->actions = k->file.actions;
    for (int a = 0; a < k->file.actions; a++) {
        snprintf(g->m->action_name[a], NAME_MAX_BYTES, "%s", k->file.action_name[a]);
        g->m->action_reward[a] = k->file.action_reward[a];
        g->m->action_impression[a] = k->file.action_impression[a];
    }
    adopt_features(g);
}

/* ---- Values ---------------------------------------------------------------------------------- */

int32_t known_category(const Stage *g, int feature, int64_t item)
{
    const FeatureSet *f = &g->known->file.item_features;
    const int kind = g->known->at[feature];
    int32_t first = 0;
    for (int k = 0; k < kind; k++) first += f->kind_rows[k];
    return f->category[item * f->kinds + kind] - first;
}

float known_number(const Stage *g, int feature, int64_t item)
{
    const FeatureSet *f = &g->known->file.item_features;
    return f->number[item * f->numbers + g->known->at[feature]];
}

bool known_has(const Stage *g, int feature, int64_t item)
{
    const FeatureSet *f = &g->known->file.item_features;
    const ItemTexts *t = &g->known->file.texts;
    const int flag = g->known->flag[feature];
    if (g->m->feature[feature].text) return t->rows && t->offset[item + 1] > t->offset[item];
    if (g->m->feature[feature].category) return known_category(g, feature, item) > 0;
    return flag < 0 || f->number[item * f->numbers + flag] == 0.0f;
}

bool known_stays(const Stage *g, int feature, int64_t item, const KnownValue *value)
{
    if (item >= g->known_items || value->rank == 2) return false;
    return value->rank == 0 || known_has(g, feature, item);
}

void known_note_change(const Stage *g, int feature, int64_t item)
{
    GrownReport *r = &g->report->grown;
    r->changed_feature[feature]++;
    r->changed += !g->known->changed[item];
    g->known->changed[item] = 1;
}
