#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "data/ingest_stage.h"

enum { KEY_BYTES = 32 };

/* One user's events as columns. */
typedef struct {
    int64_t room;
    int32_t *item;
    uint8_t *action, *end;
    int64_t *time;
    float *reward, *propensity, *feature[FEATURES_MAX];
} Columns;

/* Event columns of the file: feature f's values, or its flags of missing ones. */
typedef struct {
    int count;
    int feature[FEATURES_MAX];
    bool flag[FEATURES_MAX];
    char name[FEATURES_MAX][FEATURE_NAME_MAX];
} EventColumns;

typedef struct {
    Stage *g;
    BehaviourWriter *writer;
    EventColumns columns;
    Columns c;
    unsigned char key[KEY_BYTES];
    char key_path[4096];
    bool key_made; /* by this run: goes again when it fails */
} Writing;

/* ---- Pseudonyms --------------------------------------------------------------------------------
 */

static Status make_key(const char *path, unsigned char key[KEY_BYTES])
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot make the key file: %s", path, strerror(errno));
    randombytes_buf(key, KEY_BYTES);
    const bool written = write(fd, key, KEY_BYTES) == KEY_BYTES && fsync(fd) == 0;
    if (close(fd) == 0 && written) return OK;
    unlink(path);
    return FAIL(ERR_IO, "%s: cannot write the key file: %s", path, strerror(errno));
}

static Status read_key(Writing *w)
{
    const IngestOptions *o = w->g->options;
    unsigned char *key = w->key;
    const char *path = w->key_path;
    if (o->key_file)
        snprintf(w->key_path, sizeof w->key_path, "%s", o->key_file);
    else
        snprintf(w->key_path, sizeof w->key_path, "%s.key", o->output);
    if (sodium_init() < 0) return FAIL(ERR_DEVICE, "libsodium cannot start");
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        TRY(make_key(path, key));
        w->key_made = true;
        return OK;
    }
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot open the key file: %s", path, strerror(errno));
    unsigned char more;
    const ssize_t got = read(fd, key, KEY_BYTES), beyond = read(fd, &more, 1);
    close(fd);
    if (got != KEY_BYTES || beyond != 0)
        return FAIL(ERR_FORMAT, "%s: not a key file, expected exactly %d bytes", path, KEY_BYTES);
    return OK;
}

/* The first 8 bytes of BLAKE2b-128 under the key. */
static uint64_t pseudonym(const unsigned char key[KEY_BYTES], Text user)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    uint64_t word;
    crypto_generichash(hash, sizeof hash, (const unsigned char *)user.at, user.length, key,
                       KEY_BYTES);
    memcpy(&word, hash, sizeof word);
    return word;
}

/* ---- Columns -----------------------------------------------------------------------------------
 */

static void free_columns(Columns *c)
{
    void *const all[] = {c->item, c->action, c->end, c->time, c->reward, c->propensity};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    for (int f = 0; f < FEATURES_MAX; f++) free(c->feature[f]);
    *c = (Columns){0};
}

static Status column_room(Writing *w, int64_t count)
{
    Columns *c = &w->c;
    if (count <= c->room) return OK;
    const size_t room = (size_t)(count + count / 2 + 64);
    free_columns(c);
    c->item = malloc(room * sizeof *c->item);
    c->action = malloc(room);
    c->end = malloc(room);
    c->time = malloc(room * sizeof *c->time);
    c->reward = malloc(room * sizeof *c->reward);
    c->propensity = malloc(room * sizeof *c->propensity);
    bool good = c->item && c->action && c->end && c->time && c->reward && c->propensity;
    for (int f = 0; f < w->columns.count; f++)
        good = (c->feature[f] = malloc(room * sizeof(float))) && good;
    if (!good) return FAIL(ERR_MEMORY, "no memory for one user's %lld events", (long long)count);
    c->room = (int64_t)room;
    return OK;
}

/* An event without `next` is the user's last. */
static uint8_t end_of(const Stage *g, const Record *r, const Record *next)
{
    const bool sessions = g->m->role[ROLE_SESSION][0] != '\0';
    if (r->end != END_UNKNOWN) return r->end;
    if (next) {
        const bool cut =
            sessions ? r->session != next->session : next->time - r->time > g->m->gap_ms;
        return cut ? END_TERMINAL : END_GOES_ON;
    }
    /* Without a clock nobody knows whether the user would have gone on. */
    if (!mapping_has_clock(g->m)) return END_TRUNCATED;
    return r->time + g->m->gap_ms >= g->report->last_ms ? END_TRUNCATED : END_TERMINAL;
}

static void fill_columns(Writing *w, const Record *records, int64_t count)
{
    Stage *g = w->g;
    Columns *c = &w->c;
    const int reward = g->m->reward_cell, propensity = g->m->propensity_cell;
    for (int64_t i = 0; i < count; i++) {
        const Record *r = record_at(records, g->size, i);
        c->item[i] = g->item_row[r->item];
        c->action[i] = r->action;
        c->time[i] = r->time;
        c->end[i] = end_of(g, r, i + 1 < count ? record_at(records, g->size, i + 1) : NULL);
        c->reward[i] = g->m->action_reward[r->action];
        if (reward >= 0 && !isnan(r->cell[reward].number)) c->reward[i] = r->cell[reward].number;
        if (propensity >= 0) c->propensity[i] = r->cell[propensity].number;
        g->report->episodes += c->end[i] != END_GOES_ON;
    }
    for (int f = 0; f < w->columns.count; f++) {
        const int feature = w->columns.feature[f], cell = g->m->feature[feature].cell;
        for (int64_t i = 0; i < count; i++) {
            const float x = record_at(records, g->size, i)->cell[cell].number;
            c->feature[f][i] =
                w->columns.flag[f] ? (float)(isnan(x) != 0) : feature_normal(g, feature, x);
        }
    }
}

static Status write_user(Writing *w, const Record *records, int64_t count)
{
    const Stage *g = w->g;
    const Text key = keys_text(&g->users, records->user);
    TRY(column_room(w, count));
    fill_columns(w, records, count);
    UserHistory h = {.key = g->options->plain_keys ? key.at : NULL,
                     .pseudonym = g->options->plain_keys ? 0 : pseudonym(w->key, key),
                     .count = count,
                     .item = w->c.item,
                     .action = w->c.action,
                     .time = w->c.time,
                     .reward = w->c.reward,
                     .end = w->c.end,
                     .propensity = g->m->propensity_cell >= 0 ? w->c.propensity : NULL};
    for (int f = 0; f < w->columns.count; f++) h.feature[f] = w->c.feature[f];
    TRY(split_user(g, records, count, h.split));
    return behaviour_append(w->writer, &h);
}

/* ---- File --------------------------------------------------------------------------------------
 */

static Status add_column(EventColumns *columns, const char *name, int feature, bool flag)
{
    const int at = columns->count;
    if (at == FEATURES_MAX) return FAIL(ERR_FORMAT, "more than %d event features", FEATURES_MAX);
    if (snprintf(columns->name[at], FEATURE_NAME_MAX, "%s%s", name, flag ? "_missing" : "") >=
        FEATURE_NAME_MAX)
        return FAIL(ERR_FORMAT, "feature \"%s_missing\": the name is longer than %d bytes", name,
                    FEATURE_NAME_MAX - 1);
    columns->feature[at] = feature;
    columns->flag[at] = flag;
    columns->count++;
    return OK;
}

static Status create(Writing *w)
{
    const Stage *g = w->g;
    const char *action[ACTIONS_MAX];
    for (int a = 0; a < g->m->actions; a++) action[a] = g->m->action_name[a];
    for (int f = 0; f < g->m->features; f++) {
        if (g->m->feature[f].owner != OWNER_EVENT) continue;
        TRY(add_column(&w->columns, g->m->feature[f].name, f, false));
        if (g->stats[f].missing) TRY(add_column(&w->columns, g->m->feature[f].name, f, true));
    }
    BehaviourHeader h = {.actions = g->m->actions,
                         .action_name = action,
                         .action_reward = g->m->action_reward,
                         .episode_gap_ms = g->m->gap_ms,
                         .has_propensity = g->m->propensity_cell >= 0,
                         .compress = g->options->compress,
                         .plain_keys = g->options->plain_keys,
                         .event_numbers = w->columns.count};
    for (int f = 0; f < w->columns.count; f++) {
        h.event_number_name[f] = w->columns.name[f];
        h.event_mean[f] = w->columns.flag[f] ? 0.0f : (float)feature_mean(g, w->columns.feature[f]);
        h.event_std[f] = w->columns.flag[f] ? 1.0f : (float)feature_std(g, w->columns.feature[f]);
    }
    return behaviour_create(&w->writer, g->options->output, &h);
}

static Status finish(Writing *w)
{
    Stage *g = w->g;
    BehaviourCatalogue catalogue = {.items = g->rows_of_items};
    const char **key = malloc((size_t)(g->rows_of_items + 1) * sizeof *key);
    Status st = key ? OK : FAIL(ERR_MEMORY, "no memory for the catalogue");
    if (st != OK) return st;
    for (int64_t i = 0; i < g->items.count; i++)
        if (g->item_row[i] >= 0) key[g->item_row[i]] = g->items.key[i];
    catalogue.item_key = key;
    TRY_OR_FAIL(st, features_table(g, OWNER_ITEM, &catalogue.item_features));
    TRY_OR_FAIL(st, features_table(g, OWNER_USER, &catalogue.user_features));
    TRY_OR_FAIL(st, report_text(g));
    catalogue.report = g->report->text;
    catalogue.split_rule = g->report->split_rule;
    st = behaviour_finish(w->writer, &catalogue);
fail:
    features_free(&catalogue.item_features);
    features_free(&catalogue.user_features);
    free(key);
    return st;
}

Status write_behaviour(Stage *g)
{
    Writing w = {.g = g};
    Progress progress;
    Record *records;
    int64_t count, done = 0;
    Status st;
    if (!g->options->plain_keys) TRY(read_key(&w));
    TRY_OR_FAIL(st, create(&w));
    TRY_OR_FAIL(st, table_rewind(g->table));
    progress_begin(&progress, "writing", table_count(g->table), g->options->quiet);
    for (;;) {
        TRY_OR_FAIL(st, table_next_user(g->table, &records, &count));
        if (count == 0) break;
        TRY_OR_FAIL(st, write_user(&w, records, count));
        progress_update(&progress, done += count, NULL);
    }
    TRY_OR_FAIL(st, finish(&w));
    progress_end(&progress, NULL);
fail:
    behaviour_writer_close(w.writer);
    free_columns(&w.c);
    sodium_memzero(w.key, sizeof w.key);
    if (st != OK && w.key_made) unlink(w.key_path);
    return st;
}
