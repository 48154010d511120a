/* SPDX-License-Identifier: Apache-2.0 */
/* Every column is spooled to disk as histories arrive. Once all have arrived, the sizes are known,
 * and the columns are copied into the HDF5 file one after the other; the disk space of each spool
 * is freed as soon as it is copied. Where the sizes are known beforehand, columns are written into
 * the HDF5 file at once. Memory: a buffer of 256 KiB for each column. */
#include "data/behaviour/write.h"
#include "data/behaviour/catalogue/names.h"
#include "data/behaviour/catalogue/texts.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "data/behaviour/identity/catalogue_hash.h"
#include "data/behaviour/put.h"

enum {
    /* Events of a chunk, at least. Chunks are larger where a column would have more than CHUNKS,
     * because the library finds the n-th chunk in time that grows with n. */
    CHUNK_EVENTS = 1 << 15,
    CHUNKS = 2000,
    KEY_BYTES_MAX = 1024,
};

struct BehaviourWriter {
    AtomicFile file;
    PutFile put;
    BehaviourHeader header;
    char *action_name[ACTIONS_MAX], *number_name[FEATURES_MAX];
    float action_reward[ACTIONS_MAX];
    uint8_t action_impression[ACTIONS_MAX];
    bool has_impressions;
    int64_t users, events;         /* appended */
    int64_t all_users, all_events; /* of the whole file; known once it is `placed` */
    bool placed;                   /* the HDF5 file has every dataset */
    int32_t most_item;             /* greatest item appended, -1 none */
    size_t key_width;
    Spool column[EVENT_COLUMNS_MAX], offset, key, split[SPLITS];
    HashedColumns hashed;
};

/* ---- Creating -------------------------------------------------------------------------------- */

static int columns_of(const BehaviourHeader *h) { return COLUMN_FEATURE + h->event_numbers; }

static bool has_column(const BehaviourHeader *h, int column)
{
    return column != COLUMN_PROPENSITY || h->has_propensity;
}

/* A feature's name becomes the name of a dataset, beside those of the schema itself. */
static Status check_name(const char *path, const char *group, const char *name)
{
    if (name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 &&
        strlen(name) < FEATURE_NAME_MAX && !schema_is_column(name) && strcmp(name, "offset") != 0 &&
        strcmp(name, "key") != 0)
        return OK;
    return FAIL(ERR_USAGE,
                "%s: %s feature \"%s\": want a name of 1 to %d bytes, without \"/\", that the "
                "schema does not use itself",
                path, group, name, FEATURE_NAME_MAX - 1);
}

static Status copy_header(BehaviourWriter *w, const BehaviourHeader *h)
{
    REQUIRE(h->actions >= 1 && h->actions <= ACTIONS_MAX, "%d actions", h->actions);
    REQUIRE(h->event_numbers >= 0 && h->event_numbers <= FEATURES_MAX, "%d event numbers",
            h->event_numbers);
    w->header = *h;
    for (int i = 0; i < h->actions; i++) {
        w->action_reward[i] = h->action_reward[i];
        w->action_impression[i] = h->action_impression && h->action_impression[i];
        w->has_impressions |= w->action_impression[i];
        w->action_name[i] = strdup(h->action_name[i]);
        if (!w->action_name[i])
            return FAIL(ERR_MEMORY, "%s: no memory for the names of actions", w->file.path);
    }
    for (int i = 0; i < h->event_numbers; i++) {
        TRY(check_name(w->file.path, "event", h->event_number_name[i]));
        w->number_name[i] = strdup(h->event_number_name[i]);
        if (!w->number_name[i])
            return FAIL(ERR_MEMORY, "%s: no memory for the names of numbers", w->file.path);
    }
    return OK;
}

static Status open_hashed(Spool *spool, const char *beside)
{
    TRY(spool_open(spool, beside));
    return spool_hash(spool);
}

static Status open_spools(BehaviourWriter *w)
{
    const char *beside = w->file.temporary;
    for (int c = 0; c < columns_of(&w->header); c++)
        if (has_column(&w->header, c)) TRY(open_hashed(&w->column[c], beside));
    for (int s = 0; s < SPLITS; s++) TRY(open_hashed(&w->split[s], beside));
    TRY(open_hashed(&w->offset, beside));
    TRY(spool_open(&w->key, beside));
    return spool_append(&w->offset, &w->events, sizeof w->events);
}

Status behaviour_write_create(BehaviourWriter **writer, const char *path,
                              const BehaviourHeader *header)
{
    BehaviourWriter *w = calloc(1, sizeof *w);
    *writer = w;
    if (!w) return FAIL(ERR_MEMORY, "%s: no memory for a writer", path);
    w->most_item = -1;
    Status st;
    TRY_OR_FAIL(st, files_atomic_open(&w->file, path));
    TRY_OR_FAIL(st, copy_header(w, header));
    TRY_OR_FAIL(st, open_spools(w));
    return OK;
fail:
    behaviour_write_close(w);
    *writer = NULL;
    return st;
}

void behaviour_write_close(BehaviourWriter *w)
{
    if (!w) return;
    put_close(&w->put);
    for (int c = 0; c < EVENT_COLUMNS_MAX; c++) spool_close(&w->column[c]);
    for (int s = 0; s < SPLITS; s++) spool_close(&w->split[s]);
    spool_close(&w->offset);
    spool_close(&w->key);
    for (int i = 0; i < ACTIONS_MAX; i++) free(w->action_name[i]);
    for (int i = 0; i < FEATURES_MAX; i++) free(w->number_name[i]);
    files_atomic_close(&w->file);
    free(w);
}

/* ---- Appending ------------------------------------------------------------------------------- */

static Status append_events(BehaviourWriter *w, const UserHistory *h)
{
    const size_t count = (size_t)h->count;
    TRY(spool_append(&w->column[COLUMN_ITEM], h->item, count * sizeof *h->item));
    TRY(spool_append(&w->column[COLUMN_ACTION], h->action, count));
    TRY(spool_append(&w->column[COLUMN_TIME], h->time, count * sizeof *h->time));
    TRY(spool_append(&w->column[COLUMN_REWARD], h->reward, count * sizeof *h->reward));
    TRY(spool_append(&w->column[COLUMN_END], h->end, count));
    if (w->header.has_propensity)
        TRY(spool_append(&w->column[COLUMN_PROPENSITY], h->propensity,
                         count * sizeof *h->propensity));
    for (int f = 0; f < w->header.event_numbers; f++)
        TRY(spool_append(&w->column[COLUMN_FEATURE + f], h->feature[f],
                         count * sizeof *h->feature[f]));
    for (size_t i = 0; i < count; i++)
        if (h->item[i] > w->most_item) w->most_item = h->item[i];
    return OK;
}

static Status append_key(BehaviourWriter *w, Spool *spool, const char *what, const char *key,
                         size_t *width)
{
    const size_t length = strlen(key);
    if (length > KEY_BYTES_MAX)
        return FAIL(ERR_FORMAT, "%s: %s key \"%.40s...\" has %zu bytes, want at most %d",
                    w->file.path, what, key, length, KEY_BYTES_MAX);
    if (length > *width) *width = length;
    return spool_append(spool, key, length + 1);
}

Status behaviour_write_append(BehaviourWriter *w, const UserHistory *h)
{
    REQUIRE(h->count >= 0, "user %" PRId64 ": %" PRId64 " events", w->users, h->count);
    TRY(append_events(w, h));
    for (int s = 0; s < SPLITS; s++) {
        const int64_t first = h->split[s][0], end = h->split[s][1];
        REQUIRE(0 <= first && first <= end && end <= h->count,
                "user %" PRId64 ": split %d is %" PRId64 " to %" PRId64 " of %" PRId64 " events",
                w->users, s, first, end, h->count);
        const int64_t rows[2] = {w->events + first, w->events + end};
        TRY(spool_append(&w->split[s], rows, sizeof rows));
    }
    if (w->header.plain_keys)
        TRY(append_key(w, &w->key, "user", h->key, &w->key_width));
    else
        TRY(spool_append(&w->key, &h->pseudonym, sizeof h->pseudonym));
    w->events += h->count;
    w->users++;
    return spool_append(&w->offset, &w->events, sizeof w->events);
}

/* ---- Features -------------------------------------------------------------------------------- */

/* One column of a row-major matrix with `columns` columns, minus `base`. Elements have 4 bytes:
 * int32, or float32 with base 0. */
static Status put_column(BehaviourWriter *w, const char *path, ElementType type, int64_t rows,
                         int columns, const uint32_t *first, uint32_t base)
{
    enum { SLAB = 1 << 16 };
    int64_t address;
    Status st = OK;
    TRY(put_dataset(&w->put, path, type, rows, 0, &address));
    uint32_t *slab = malloc(SLAB * sizeof *slab);
    if (!slab) return FAIL(ERR_MEMORY, "%s: no memory for %s", w->file.path, path);
    for (int64_t row = 0; row < rows; row += SLAB) {
        const int64_t count = rows - row < SLAB ? rows - row : SLAB;
        for (int64_t i = 0; i < count; i++) slab[i] = first[(row + i) * columns] - base;
        TRY_OR_FAIL(st, spool_write_at(w->put.descriptor, w->file.path, slab, count * 4,
                                       address + row * 4));
    }
fail:
    free(slab);
    return st;
}

/* How a number is normalised; `fill` NULL: what a missing value counts as is not known. */
static Status put_scale(BehaviourWriter *w, const char *path, float mean, float std, bool logarithm,
                        const float *fill)
{
    const uint8_t flag = 1;
    TRY(put_attribute(&w->put, path, "mean", TYPE_FLOAT32, 0, &mean));
    TRY(put_attribute(&w->put, path, "std", TYPE_FLOAT32, 0, &std));
    if (logarithm) TRY(put_attribute(&w->put, path, "logarithm", TYPE_UINT8, 0, &flag));
    return fill ? put_attribute(&w->put, path, "fill", TYPE_FLOAT32, 0, fill) : OK;
}

static Status put_features(BehaviourWriter *w, const char *group, int64_t rows, const FeatureSet *f)
{
    char path[FEATURE_NAME_MAX + 16];
    uint32_t base = 0;
    for (int k = 0; k < f->kinds; k++) {
        TRY(check_name(w->file.path, group, f->kind_name[k]));
        snprintf(path, sizeof path, "/%s/%s", group, f->kind_name[k]);
        TRY(put_column(w, path, TYPE_INT32, rows, f->kinds, (const uint32_t *)f->category + k,
                       base));
        TRY(put_attribute(&w->put, path, "rows", TYPE_INT32, 0, &f->kind_rows[k]));
        base += (uint32_t)f->kind_rows[k];
    }
    for (int n = 0; n < f->numbers; n++) {
        TRY(check_name(w->file.path, group, f->number_name[n]));
        snprintf(path, sizeof path, "/%s/%s", group, f->number_name[n]);
        TRY(put_column(w, path, TYPE_FLOAT32, rows, f->numbers, (const uint32_t *)f->number + n,
                       0));
        TRY(put_scale(w, path, f->mean[n], f->std[n], f->logarithm[n],
                      f->has_fill[n] ? &f->fill[n] : NULL));
    }
    return OK;
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static Status put_root(BehaviourWriter *w, const BehaviourCatalogue *c)
{
    PutFile *f = &w->put;
    const int32_t version = 1;
    const uint8_t plain = w->header.plain_keys;
    char hex[HASH_TEXT];
    if (!c->hash) TRY(catalogue_hash(c->items, c->item_key, &c->item_features, &c->texts, hex));
    TRY(put_text(f, "/", "schema", "souk-behaviour"));
    TRY(put_attribute(f, "/", "schema_version", TYPE_INT32, 0, &version));
    TRY(put_text(f, "/", "generator", "souk"));
    TRY(put_text(f, "/", "catalogue_hash", c->hash ? c->hash : hex));
    TRY(put_texts(f, "/", "action_names", w->header.actions, (const char *const *)w->action_name));
    TRY(put_attribute(f, "/", "action_rewards", TYPE_FLOAT32, w->header.actions, w->action_reward));
    if (w->has_impressions)
        TRY(put_attribute(f, "/", "action_impressions", TYPE_UINT8, w->header.actions,
                          w->action_impression));
    TRY(put_attribute(f, "/", "episode_gap_ms", TYPE_INT64, 0, &w->header.episode_gap_ms));
    TRY(put_attribute(f, "/", "plain_keys", TYPE_UINT8, 0, &plain));
    TRY(put_text(f, "/", "report", c->report ? c->report : ""));
    return put_text(f, "/", "split_rule", c->split_rule ? c->split_rule : "");
}

static void column_path(const BehaviourWriter *w, int column, char path[HASH_PATH])
{
    const int feature = column - COLUMN_FEATURE;
    snprintf(path, HASH_PATH, "/events/%s",
             feature < 0 ? schema_column_name(NULL, (Column)column) : w->number_name[feature]);
}

static Status put_events(BehaviourWriter *w)
{
    int64_t chunk = CHUNK_EVENTS;
    while (w->all_events > chunk * CHUNKS) chunk *= 2;
    if (chunk > w->all_events) chunk = w->all_events;
    for (int c = 0; c < columns_of(&w->header); c++) {
        if (!has_column(&w->header, c)) continue;
        const int feature = c - COLUMN_FEATURE;
        const ElementType type = schema_column_type((Column)c);
        char path[HASH_PATH];
        column_path(w, c, path);
        if (w->header.compress)
            TRY(put_compressed(&w->put, path, type, w->all_events, chunk, &w->column[c]));
        else
            TRY(put_spool(&w->put, path, type, w->all_events, 0, &w->column[c]));
        if (feature >= 0)
            TRY(put_scale(w, path, w->header.event_mean[feature], w->header.event_std[feature],
                          w->header.event_logarithm[feature],
                          w->header.event_has_fill[feature] ? &w->header.event_fill[feature]
                                                            : NULL));
    }
    return OK;
}

static Status put_item_keys(BehaviourWriter *w, const BehaviourCatalogue *c)
{
    Spool keys;
    size_t width = 0;
    Status st;
    TRY_OR_FAIL(st, spool_open(&keys, w->file.temporary));
    for (int64_t i = 0; i < c->items; i++)
        TRY_OR_FAIL(st, append_key(w, &keys, "item", c->item_key[i], &width));
    TRY_OR_FAIL(st, put_keys(&w->put, "/items/key", c->items, width, &keys));
fail:
    spool_close(&keys);
    return st;
}

/* By these a later log finds the same rows: the names of categories, and the texts. */
static Status put_catalogue(BehaviourWriter *w, const BehaviourCatalogue *c)
{
    const bool items = names_any(&c->item_features), users = names_any(&c->user_features);
    if (!items && !users && !c->texts.rows) return OK;
    TRY(put_group(&w->put, "/catalogue"));
    if (items) TRY(names_put(&c->item_features, &w->put, names_of_items));
    if (users) TRY(names_put(&c->user_features, &w->put, names_of_users));
    return texts_put(&c->texts, &w->put, c->items);
}

static Status put_all(BehaviourWriter *w, const BehaviourCatalogue *c)
{
    TRY(put_root(w, c));
    static const char *const groups[] = {"/events", "/users", "/items", "/splits"};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) TRY(put_group(&w->put, groups[g]));
    TRY(put_events(w));
    TRY(put_spool(&w->put, "/users/offset", TYPE_INT64, w->all_users + 1, 0, &w->offset));
    if (w->header.plain_keys)
        TRY(put_keys(&w->put, "/users/key", w->all_users, w->key_width, &w->key));
    else
        TRY(put_spool(&w->put, "/users/key", TYPE_UINT64, w->all_users, 0, &w->key));
    TRY(put_features(w, "users", w->all_users, &c->user_features));
    for (int s = 0; s < SPLITS; s++)
        TRY(put_spool(&w->put, schema_split_path[s], TYPE_INT64, w->all_users, 2, &w->split[s]));
    TRY(put_item_keys(w, c));
    TRY(put_features(w, "items", c->items, &c->item_features));
    return put_catalogue(w, c);
}

/* The whole HDF5 file, but for what is still in the spools or yet to be appended to them. */
static Status place(BehaviourWriter *w, const BehaviourCatalogue *c, int64_t users, int64_t events)
{
    if (events == 0 && !w->header.catalogue_alone)
        return FAIL(ERR_FORMAT, "%s: no events to write", w->file.path);
    w->all_users = users;
    w->all_events = events;
    TRY(put_open(&w->put, w->file.path, w->file.temporary, fileno(w->file.stream)));
    TRY(put_all(w, c));
    w->placed = true;
    return OK;
}

Status behaviour_write_place(BehaviourWriter *w, const BehaviourCatalogue *c, int64_t users,
                             int64_t events)
{
    REQUIRE(w->users == 0, "%s: placed after the first history", w->file.path);
    if (w->header.compress || w->header.plain_keys) return OK;
    return place(w, c, users, events);
}

static Status end_columns(BehaviourWriter *w)
{
    for (int c = 0; c < columns_of(&w->header); c++) TRY(spool_end(&w->column[c]));
    for (int s = 0; s < SPLITS; s++) TRY(spool_end(&w->split[s]));
    TRY(spool_end(&w->offset));
    return spool_end(&w->key);
}

static Status take_checksum(BehaviourWriter *w, Spool *spool, const char *path)
{
    unsigned char hash[HASH_BYTES];
    TRY(spool_hashed(spool, hash));
    hash_add(&w->hashed, path, hash);
    return OK;
}

static Status take_checksums(BehaviourWriter *w)
{
    char path[HASH_PATH];
    for (int c = 0; c < columns_of(&w->header); c++) {
        if (!has_column(&w->header, c)) continue;
        column_path(w, c, path);
        TRY(take_checksum(w, &w->column[c], path));
    }
    TRY(take_checksum(w, &w->offset, "/users/offset"));
    for (int s = 0; s < SPLITS; s++) TRY(take_checksum(w, &w->split[s], schema_split_path[s]));
    return OK;
}

static Status put_checksums(BehaviourWriter *w)
{
    char fingerprint[HASH_TEXT];
    for (int i = 0; i < w->hashed.count; i++)
        TRY(put_text(&w->put, w->hashed.column[i].path, "checksum", w->hashed.column[i].checksum));
    TRY(hash_fingerprint(&w->hashed, fingerprint));
    return put_text(&w->put, "/", "fingerprint", fingerprint);
}

Status behaviour_write_finish(BehaviourWriter *w, const BehaviourCatalogue *c)
{
    TRY(take_checksums(w));
    if (!w->placed) TRY(place(w, c, w->users, w->events));
    REQUIRE(w->most_item < c->items && c->items <= INT32_MAX,
            "item %d appended, %" PRId64 " items in the catalogue", w->most_item, c->items);
    TRY(end_columns(w));
    TRY(put_checksums(w));
    TRY(put_commit(&w->put));
    return files_atomic_commit(&w->file);
}
