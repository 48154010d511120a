/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/features/table.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/behaviour/catalogue/names.h"
#include "data/ingest/features/features.h"
#include "data/ingest/known/known.h"

/* The values of one feature: those of all entities of its owner. */
typedef struct {
    const Stage *g;
    int feature;
    const KnownValue *value; /* [rows, features] */
    int features;
    int64_t rows;
} Values;

static const KnownValue *value_of(const Values *v, int64_t row)
{
    return &v->value[row * v->features + v->g->feature_at[v->feature]];
}

/* Whether the row is one of a known catalogue. */
static bool is_known(const Values *v, int64_t row)
{
    return v->g->m->feature[v->feature].owner == OWNER_ITEM && row < v->g->known_items;
}

void features_table_free(FeatureSet *set)
{
    names_close(set);
    free(set->category);
    free(set->number);
    *set = (FeatureSet){0};
}

/* ---- Columns --------------------------------------------------------------------------------- */

static Status add_number(FeatureSet *set, const char *name, const char *suffix)
{
    const int at = set->numbers;
    if (at == FEATURES_MAX)
        return FAIL(ERR_FORMAT,
                    "more than %d numeric features, counting those that flag missing values",
                    FEATURES_MAX);
    const int length = snprintf(set->number_name[at], FEATURE_NAME_MAX, "%s%s", name, suffix);
    if (length >= FEATURE_NAME_MAX)
        return FAIL(ERR_FORMAT, "feature \"%s%s\": want a name of at most %d bytes", name, suffix,
                    FEATURE_NAME_MAX - 1);
    set->std[at] = 1.0f;
    set->numbers++;
    return OK;
}

static Status name_number(const Stage *g, int f, FeatureSet *set)
{
    const Feature *feature = &g->m->feature[f];
    const NumberStats *stats = &g->stats[f];
    const int at = set->numbers;
    TRY(add_number(set, feature->name, ""));
    set->mean[at] = (float)stats->center;
    set->std[at] = (float)stats->scale;
    set->logarithm[at] = feature->log;
    set->has_fill[at] = stats->filled;
    set->fill[at] = stats->fill;
    return stats->flagged ? add_number(set, feature->name, "_missing") : OK;
}

static Status name_columns(const Stage *g, Owner owner, FeatureSet *set)
{
    for (int f = 0; f < g->m->features; f++) {
        const Feature *feature = &g->m->feature[f];
        if (feature->owner != owner || feature->text) continue;
        if (feature->category)
            snprintf(set->kind_name[set->kinds++], FEATURE_NAME_MAX, "%s", feature->name);
        else
            TRY(name_number(g, f, set));
    }
    return OK;
}

/* ---- Categories ------------------------------------------------------------------------------ */

/* The names of a kind's rows, and the row of each value of the log; 0: none yet. */
typedef struct {
    const Keys *text;
    const char **name; /* [known rows - 1 + values] */
    char *pseudonyms;  /* of the values, where users have them */
    int32_t *row_of;   /* [values + 1] by the value's id + 1 */
    int32_t next;      /* the next new row */
} Rows;

static const char *name_of(const Stage *g, const Rows *r, int64_t value)
{
    if (!r->pseudonyms) return r->text->key[value];
    return pseudonym_text(&g->pseudonyms, keys_text(r->text, value),
                          r->pseudonyms + value * PSEUDONYM_TEXT);
}

/* The rows that a known catalogue has keep their names, and values of these names keep the rows. */
static Status take_known(const Stage *g, int f, Rows *r)
{
    const FeatureSet *set = known_features(g, g->m->feature[f].owner);
    const int kind = g->known->at[f];
    Keys known = {0};
    Status st = OK;
    for (int32_t i = 0; i + 1 < set->kind_rows[kind] && st == OK; i++) {
        const Text text = text_of(r->name[i] = set->row_name[kind][i]);
        uint32_t id;
        st = keys_add(&known, text, text_hash(text), &id);
        if (st == OK && id != (uint32_t)i)
            st = FAIL(ERR_FORMAT, "%s: two rows of %s have one name", g->known->file.path,
                      set->kind_name[kind]);
    }
    int64_t found = 0;
    for (int64_t v = 0; v < r->text->count && st == OK; v++) {
        const Text text = text_of(name_of(g, r, v));
        r->row_of[v + 1] = (int32_t)keys_find(&known, text, text_hash(text)) + 1;
        found += r->row_of[v + 1] > 0;
    }
    keys_close(&known);
    r->next = set->kind_rows[kind];
    if (st == OK && r->pseudonyms && !found && r->text->count && r->next > 1)
        listener_warn(g->options->listener,
                      "%s: no value of the users' %s is known: want the --key-file of the earlier "
                      "log, by which the same values get the same pseudonyms",
                      g->known->file.path, set->kind_name[kind]);
    return st;
}

static Status open_rows(const Stage *g, int f, Rows *r, FeatureSet *set, int kind)
{
    const Feature *feature = &g->m->feature[f];
    const bool secret = feature->owner == OWNER_USER && !g->options->plain_keys;
    r->text = &g->category[feature->cell];
    const int64_t values = r->text->count;
    const int32_t known =
        g->known ? known_features(g, feature->owner)->kind_rows[g->known->at[f]] : 1;
    r->next = 1;
    r->row_of = calloc((size_t)values + 1, sizeof *r->row_of);
    r->name = set->row_name[kind] = malloc((size_t)(values + known) * sizeof *r->name);
    if (secret) r->pseudonyms = set->row_text[kind] = malloc((size_t)values * PSEUDONYM_TEXT + 1);
    if (!r->row_of || !r->name || (secret && !r->pseudonyms))
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " categories", values);
    return g->known ? take_known(g, f, r) : OK;
}

/* The rows of one kind of category: row 0 for unknown ones, those of a known catalogue, then the
 * values in the order in which the entities first have them. */
static void fill_rows(const Values *v, Rows *r, FeatureSet *set, int kind)
{
    for (int64_t i = 0; i < v->rows; i++) {
        const KnownValue *value = value_of(v, i);
        const bool known = is_known(v, i);
        int32_t *to = &set->category[i * set->kinds + kind];
        const int32_t before = known ? known_category(v->g, v->feature, i) : 0;
        if (known && known_stays(v->g, v->feature, i, value)) {
            *to = set->categories + before;
            continue;
        }
        const uint32_t id = value->rank ? value->value.category : 0;
        if (id && !r->row_of[id]) {
            r->name[r->next - 1] = name_of(v->g, r, (int64_t)id - 1);
            r->row_of[id] = r->next++;
        }
        *to = set->categories + r->row_of[id];
        if (known && r->row_of[id] != before) known_note_change(v->g, v->feature, i);
    }
}

static Status fill_kind(const Values *v, FeatureSet *set, int kind)
{
    Rows r = {0};
    const Status st = open_rows(v->g, v->feature, &r, set, kind);
    if (st == OK) {
        fill_rows(v, &r, set, kind);
        set->kind_rows[kind] = r.next;
        set->categories += r.next;
    }
    free(r.row_of);
    return st;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Whether two normalised numbers are one value, the earlier one of which was scaled before its mean
 * and std were rounded to f32: each of these roundings, and that of the result, moves it by half a
 * unit in the last place at most. */
static bool same_number(const NumberStats *s, float a, float b)
{
    const double size = fabs(s->center) / s->scale + 2.0 * fabs((double)a) + 1.0;
    return fabs((double)a - (double)b) <= (double)FLT_EPSILON * size;
}

static int fill_number(const Values *v, FeatureSet *set, int column)
{
    const NumberStats *stats = &v->g->stats[v->feature];
    for (int64_t i = 0; i < v->rows; i++) {
        const KnownValue *value = value_of(v, i);
        const bool known = is_known(v, i), had = known && known_has(v->g, v->feature, i);
        float *out = &set->number[i * set->numbers + column];
        out[0] = features_normal(v->g, v->feature, value->rank ? value->value.number : NAN);
        bool has = value->rank > 0;
        if (known) {
            const float before = known_number(v->g, v->feature, i);
            if (known_stays(v->g, v->feature, i, value) ||
                (had && same_number(stats, before, out[0]))) {
                out[0] = before;
                has = had;
            } else {
                known_note_change(v->g, v->feature, i);
            }
        }
        if (stats->flagged) out[1] = !has;
    }
    return column + 1 + stats->flagged;
}

/* ---- All ------------------------------------------------------------------------------------- */

Status features_table(const Stage *g, Owner owner, FeatureSet *set)
{
    Values v = {.g = g,
                .value = owner == OWNER_ITEM ? g->item_value : g->user_value,
                .features = owner == OWNER_ITEM ? g->item_features : g->user_features,
                .rows = owner == OWNER_ITEM ? g->rows_of_items : g->report->users};
    int kind = 0, column = 0;
    *set = (FeatureSet){0};
    TRY(name_columns(g, owner, set));
    set->category = calloc((size_t)(v.rows * set->kinds + 1), sizeof *set->category);
    set->number = calloc((size_t)(v.rows * set->numbers + 1), sizeof *set->number);
    if (!set->category || !set->number) return FAIL(ERR_MEMORY, "no memory for feature tables");
    for (v.feature = 0; v.feature < g->m->features; v.feature++) {
        const Feature *feature = &g->m->feature[v.feature];
        if (feature->owner != owner || feature->text) continue;
        if (feature->category)
            TRY(fill_kind(&v, set, kind++));
        else
            column = fill_number(&v, set, column);
    }
    return OK;
}
