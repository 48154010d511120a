/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/behaviour.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/behaviour/catalogue/names.h"
#include "data/behaviour/catalogue/texts.h"
#include "data/behaviour/check.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/get.h"
#include "data/behaviour/store.h"
#include "data/behaviour/types.h"

/* ---- Root ------------------------------------------------------------------------------------ */

static Status read_actions(Behaviour *b)
{
    const hid_t file = b->store->file;
    TRY(get_texts(b->path, file, "action_names", ACTIONS_MAX, b->action_name, &b->actions));
    if (b->actions == 0)
        return FAIL(ERR_FORMAT, "%s: attribute action_names: want 1 to %d texts", b->path,
                    ACTIONS_MAX);
    if (!get_numbers(file, "action_rewards", TYPE_FLOAT32, b->actions, b->action_reward))
        return FAIL(ERR_FORMAT, "%s: attribute action_rewards: want %d numbers, one an action",
                    b->path, b->actions);
    return behaviour_check_finite(b->path, "attribute action_rewards", b->action_reward,
                                  b->actions);
}

/* Files without the attribute have no impressions. */
static Status read_impressions(Behaviour *b)
{
    static const char name[] = "action_impressions";
    uint8_t flag[ACTIONS_MAX];
    if (H5Aexists(b->store->file, name) <= 0) return OK;
    if (!get_numbers(b->store->file, name, TYPE_UINT8, b->actions, flag))
        return FAIL(ERR_FORMAT, "%s: attribute %s: want %d numbers, one an action", b->path, name,
                    b->actions);
    for (int a = 0; a < b->actions; a++) {
        if (flag[a] > 1)
            return FAIL(ERR_FORMAT, "%s: attribute %s[%d] is %d, want 0 or 1", b->path, name, a,
                        flag[a]);
        b->action_impression[a] = flag[a];
        b->has_impressions |= flag[a];
    }
    return OK;
}

static Status read_root(Behaviour *b)
{
    const hid_t file = b->store->file;
    int32_t version = 0;
    char *schema, *hash;
    TRY(get_text(b->path, file, "schema", &schema));
    const bool known = schema && !strcmp(schema, "souk-behaviour");
    free(schema);
    if (!known)
        return FAIL(ERR_FORMAT,
                    "%s: HDF5, but its attribute schema is not \"souk-behaviour\": no behaviour "
                    "file (souk ingest makes one)",
                    b->path);
    if (!get_numbers(file, "schema_version", TYPE_INT32, 1, &version) || version != 1)
        return FAIL(ERR_FORMAT, "%s: attribute schema_version: %d, want 1", b->path, version);
    TRY(read_actions(b));
    TRY(read_impressions(b));
    TRY(get_text(b->path, file, "catalogue_hash", &hash));
    const bool good = hash && strlen(hash) == 64 && strspn(hash, "0123456789abcdef") == 64;
    if (good) memcpy(b->catalogue_hash, hash, 65);
    free(hash);
    if (!good)
        return FAIL(ERR_FORMAT, "%s: attribute catalogue_hash: want 64 hexadecimal digits",
                    b->path);
    if (!get_numbers(file, "episode_gap_ms", TYPE_INT64, 1, &b->episode_gap_ms))
        return FAIL(ERR_FORMAT, "%s: attribute episode_gap_ms: want a number", b->path);
    TRY(get_text(b->path, file, "report", &b->report));
    TRY(get_text(b->path, file, "split_rule", &b->split_rule));
    if (b->report && b->split_rule) return OK;
    return FAIL(ERR_FORMAT, "%s: attribute %s: want a text", b->path,
                b->report ? "split_rule" : "report");
}

/* ---- Features -------------------------------------------------------------------------------- */

/* Whether the name is that of a dataset of the schema itself, not of a feature. */
static bool is_reserved(const char *group, const char *name)
{
    return (!strcmp(group, "/events") && schema_is_column(name)) || !strcmp(name, "key") ||
           !strcmp(name, "offset");
}

static Status add_category(Behaviour *b, FeatureSet *f, hid_t dataset, const char *group,
                           const char *name)
{
    int32_t rows = 0;
    if (f->kinds == FEATURES_MAX)
        return FAIL(ERR_FORMAT, "%s: %s: more than %d categories", b->path, group, FEATURES_MAX);
    if (!get_numbers(dataset, "rows", TYPE_INT32, 1, &rows) || rows < 1)
        return FAIL(ERR_FORMAT, "%s: %s/%s: attribute rows: want a positive number", b->path, group,
                    name);
    /* A catalogue alone does not have the events and users that some of its categories are of. */
    const int64_t most = b->events + (strcmp(group, "/items") != 0 ? b->users : b->items) + 1;
    if (rows > most && b->events > 0)
        return FAIL(ERR_FORMAT,
                    "%s: %s/%s: attribute rows: %" PRId32 ", want at most %" PRId64
                    ", one for each event and for each of %s",
                    b->path, group, name, rows, most, group);
    if (rows > INT32_MAX - f->categories)
        return FAIL(ERR_FORMAT, "%s: %s: more than 2^31-1 categories in all", b->path, group);
    snprintf(f->kind_name[f->kinds], FEATURE_NAME_MAX, "%s", name);
    f->kind_rows[f->kinds++] = rows;
    f->categories += rows;
    return OK;
}

static Status add_number(Behaviour *b, FeatureSet *f, hid_t dataset, const char *group,
                         const char *name)
{
    const int n = f->numbers;
    if (n == FEATURES_MAX)
        return FAIL(ERR_FORMAT, "%s: %s: more than %d numbers", b->path, group, FEATURES_MAX);
    if (!get_numbers(dataset, "mean", TYPE_FLOAT32, 1, &f->mean[n]) ||
        !get_numbers(dataset, "std", TYPE_FLOAT32, 1, &f->std[n]) || !isfinite(f->mean[n]) ||
        !isfinite(f->std[n]))
        return FAIL(ERR_FORMAT, "%s: %s/%s: want finite attributes mean and std", b->path, group,
                    name);
    uint8_t flag = 0;
    if (H5Aexists(dataset, "logarithm") > 0 &&
        (!get_numbers(dataset, "logarithm", TYPE_UINT8, 1, &flag) || flag > 1))
        return FAIL(ERR_FORMAT, "%s: %s/%s: attribute logarithm: want 0 or 1", b->path, group,
                    name);
    f->logarithm[n] = flag;
    f->has_fill[n] = H5Aexists(dataset, "fill") > 0;
    if (f->has_fill[n] &&
        (!get_numbers(dataset, "fill", TYPE_FLOAT32, 1, &f->fill[n]) || !isfinite(f->fill[n])))
        return FAIL(ERR_FORMAT, "%s: %s/%s: attribute fill: want a finite number", b->path, group,
                    name);
    snprintf(f->number_name[n], FEATURE_NAME_MAX, "%s", name);
    f->numbers++;
    return OK;
}

static Status list_feature(Behaviour *b, FeatureSet *f, const char *group, const char *name)
{
    char path[2 * FEATURE_NAME_MAX];
    if (strlen(name) >= FEATURE_NAME_MAX)
        return FAIL(ERR_FORMAT, "%s: %s: a name longer than %d bytes", b->path, group,
                    FEATURE_NAME_MAX - 1);
    snprintf(path, sizeof path, "%s/%s", group, name);
    hid_t dataset;
    TRY(get_open(b->path, b->store->file, path, &dataset));
    const hid_t type = H5Dget_type(dataset);
    const bool category = types_equal(type, TYPE_INT32) && strcmp(group, "/events") != 0;
    const bool number = types_equal(type, TYPE_FLOAT32);
    H5Tclose(type);
    const Status st =
        category ? add_category(b, f, dataset, group, name)
        : number ? add_number(b, f, dataset, group, name)
                 : FAIL(ERR_FORMAT, "%s: %s: want dtype int32 (categories) or float32 (numbers)",
                        b->path, path);
    H5Dclose(dataset);
    return st;
}

/* The features of a group, in the order in which they were created where the file keeps that order,
 * else in the order of their names. */
static Status list_features(Behaviour *b, FeatureSet *f, const char *group)
{
    TRY(get_check_links(b->path, b->store->file, group));
    const hid_t id = H5Gopen2(b->store->file, group, H5P_DEFAULT);
    H5G_info_t info;
    if (id < 0 || H5Gget_info(id, &info) < 0)
        return FAIL(ERR_FORMAT, "%s: no readable group %s", b->path, group);
    Status st = OK;
    const hid_t plist = H5Gget_create_plist(id);
    unsigned order = 0;
    H5Pget_link_creation_order(plist, &order);
    H5Pclose(plist);
    const H5_index_t index = order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    for (hsize_t i = 0; i < info.nlinks; i++) {
        char name[256] = "";
        H5Lget_name_by_idx(id, ".", index, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        if (!is_reserved(group, name)) TRY_OR_FAIL(st, list_feature(b, f, group, name));
    }
fail:
    H5Gclose(id);
    return st;
}

/* A dataset of `rows` elements of this type, into memory that the caller frees. */
static Status read_feature(const Behaviour *b, const char *path, ElementType type, int64_t rows,
                           void *values)
{
    int64_t length = 0;
    TRY(get_rows(b->path, b->store->file, path, type, 0, &length));
    if (length != rows)
        return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want %" PRId64, b->path, path, length,
                    rows);
    return get_all(b->path, b->store->file, path, type, rows, values);
}

/* The rows of kind k begin at row `first` of the joint table. */
static Status read_categories(const Behaviour *b, FeatureSet *f, const char *group, int64_t rows,
                              int k, int32_t first)
{
    char path[2 * FEATURE_NAME_MAX];
    int32_t *row = NULL;
    Status st;
    snprintf(path, sizeof path, "%s/%s", group, f->kind_name[k]);
    TRY_OR_FAIL(st, read_feature(b, path, TYPE_INT32, rows, &row));
    TRY_OR_FAIL(st, behaviour_check_categories(b->path, path, row, rows, f->kind_rows[k]));
    for (int64_t i = 0; i < rows; i++) f->category[i * f->kinds + k] = first + row[i];
fail:
    free(row);
    return st;
}

static Status read_numbers(const Behaviour *b, FeatureSet *f, const char *group, int64_t rows,
                           int n)
{
    char path[2 * FEATURE_NAME_MAX];
    float *value = NULL;
    Status st;
    snprintf(path, sizeof path, "%s/%s", group, f->number_name[n]);
    TRY_OR_FAIL(st, read_feature(b, path, TYPE_FLOAT32, rows, &value));
    TRY_OR_FAIL(st, behaviour_check_finite(b->path, path, value, rows));
    for (int64_t i = 0; i < rows; i++) f->number[i * f->numbers + n] = value[i];
fail:
    free(value);
    return st;
}

/* The features of items or users, as matrices [rows, kinds] and [rows, numbers]. */
static Status read_features(Behaviour *b, FeatureSet *f, const char *group, int64_t rows)
{
    f->category = calloc((size_t)(rows * f->kinds) + 1, sizeof *f->category);
    f->number = calloc((size_t)(rows * f->numbers) + 1, sizeof *f->number);
    if (!f->category || !f->number) return FAIL(ERR_MEMORY, "%s: no memory for %s", b->path, group);
    int32_t first = 0;
    for (int k = 0; k < f->kinds; first += f->kind_rows[k++])
        TRY(read_categories(b, f, group, rows, k, first));
    for (int n = 0; n < f->numbers; n++) TRY(read_numbers(b, f, group, rows, n));
    return OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static Status map_descriptor(const Behaviour *b, int fd)
{
    BehaviourStore *s = b->store;
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return FAIL(ERR_IO, "%s: not a regular file", b->path);
    if (info.st_size == 0) return FAIL(ERR_FORMAT, "%s: the file is empty", b->path);
    s->bytes = (size_t)info.st_size;
    const void *map = mmap(NULL, s->bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return FAIL(ERR_IO, "%s: cannot map: %s", b->path, strerror(errno));
    s->map = map;
    return OK;
}

static Status map_file(const Behaviour *b)
{
    const int fd = open(b->path, O_RDONLY);
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot open: %s", b->path, strerror(errno));
    const Status st = map_descriptor(b, fd);
    close(fd); /* the map stays */
    return st;
}

static Status open_columns(Behaviour *b, bool catalogue)
{
    const hid_t file = b->store->file;
    for (int i = 0; i < COLUMN_FEATURE + b->event_features.numbers; i++) {
        const Column column = (Column)i;
        char path[COLUMN_PATH_MAX];
        int64_t length;
        columns_path(b, column, path);
        if (column == COLUMN_PROPENSITY) b->has_propensity = H5Lexists(file, path, H5P_DEFAULT) > 0;
        if (!columns_has(b, column)) continue;
        TRY(get_rows(b->path, file, path, schema_column_type(column), 0, &length));
        if (column == COLUMN_ITEM) b->events = length;
        if (length == 0 && !catalogue)
            return FAIL(ERR_FORMAT, "%s: %s: 0 rows, want at least 1", b->path, path);
        if (length != b->events)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want %" PRId64 " as /events/item",
                        b->path, path, length, b->events);
        TRY(columns_open(b, column));
    }
    return OK;
}

static Status read_users(Behaviour *b)
{
    const hid_t file = b->store->file;
    int64_t length;
    TRY(get_rows(b->path, file, "/users/offset", TYPE_INT64, 0, &length));
    if (length < 1)
        return FAIL(ERR_FORMAT, "%s: /users/offset: 0 rows, want one more than users", b->path);
    b->users = length - 1;
    TRY(get_all(b->path, file, "/users/offset", TYPE_INT64, length, &b->offset));
    for (int s = 0; s < SPLITS; s++) {
        const char *path = schema_split_path[s];
        TRY(get_rows(b->path, file, path, TYPE_INT64, 2, &length));
        if (length != b->users)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want one a user, %" PRId64, b->path,
                        path, length, b->users);
        TRY(get_all(b->path, file, path, TYPE_INT64, 2 * length, &b->split[s]));
    }
    return OK;
}

static Status count_keys(Behaviour *b)
{
    const hid_t file = b->store->file;
    int64_t length;
    TRY(get_rows(b->path, file, "/items/key", TYPE_TEXT, 0, &b->items));
    if (b->items < 1 || b->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%s: /items/key: %" PRId64 " rows, want 1 to 2^31-1", b->path,
                    b->items);
    hid_t dataset;
    TRY(get_open(b->path, file, "/users/key", &dataset));
    const hid_t type = H5Dget_type(dataset);
    b->plain_keys = type >= 0 && types_equal(type, TYPE_TEXT);
    const bool pseudonyms = type >= 0 && types_equal(type, TYPE_UINT64);
    if (type >= 0) H5Tclose(type);
    H5Dclose(dataset);
    if (type >= 0 && !b->plain_keys && !pseudonyms)
        return FAIL(ERR_FORMAT, "%s: /users/key: want dtype uint64 or text", b->path);
    TRY(get_rows(b->path, file, "/users/key", b->plain_keys ? TYPE_TEXT : TYPE_UINT64, 0, &length));
    if (length == b->users) return OK;
    return FAIL(ERR_FORMAT, "%s: /users/key: %" PRId64 " rows, want one a user, %" PRId64, b->path,
                length, b->users);
}

static Status open_store(Behaviour *b, bool catalogue)
{
    BehaviourStore *s = b->store;
    TRY(map_file(b));
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, 0, 1);
    s->file = H5Fopen(b->path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (s->file < 0)
        return FAIL(ERR_FORMAT, "%s: not a readable HDF5 file (damaged or truncated?)", b->path);
    TRY(read_root(b));
    TRY(list_features(b, &b->event_features, "/events"));
    TRY(open_columns(b, catalogue));
    TRY(read_users(b));
    TRY(count_keys(b));
    TRY(list_features(b, &b->item_features, "/items"));
    TRY(list_features(b, &b->user_features, "/users"));
    TRY(read_features(b, &b->item_features, "/items", b->items));
    TRY(read_features(b, &b->user_features, "/users", b->users));
    TRY(texts_read(&b->texts, b->path, s->file, b->items));
    return behaviour_check_contents(b);
}

static Status open_file(Behaviour *b, const char *path, bool catalogue)
{
    *b = (Behaviour){.path = strdup(path), .store = calloc(1, sizeof *b->store)};
    if (!b->path || !b->store) {
        behaviour_close(b);
        return FAIL(ERR_MEMORY, "%s: no memory for the file's description", path);
    }
    b->store->file = -1;
    pthread_mutex_init(&b->store->lock, NULL);
    const Status st = open_store(b, catalogue);
    if (st != OK) behaviour_close(b);
    return st;
}

Status behaviour_open(Behaviour *b, const char *path) { return open_file(b, path, false); }

Status behaviour_open_catalogue(Behaviour *b, const char *path) { return open_file(b, path, true); }

static Status join_splits(Behaviour *b, int splits, int64_t user)
{
    int64_t *train = b->split[SPLIT_TRAIN][user];
    for (int s = SPLIT_TRAIN + 1; s < splits; s++) {
        int64_t *rows = b->split[s][user];
        if (rows[0] == rows[1]) continue;
        if (train[0] == train[1]) train[0] = train[1] = rows[0];
        if (rows[0] != train[1])
            return FAIL(ERR_FORMAT,
                        "%s: %s[%" PRId64 "] begins with event %" PRId64 ", want %" PRId64
                        ", which follows the events of the splits before it",
                        b->path, schema_split_path[s], user, rows[0], train[1]);
        train[1] = rows[1];
        rows[0] = rows[1];
    }
    return OK;
}

Status behaviour_join_splits(Behaviour *b, int splits)
{
    for (int64_t u = 0; u < b->users; u++) TRY(join_splits(b, splits, u));
    return OK;
}

static void close_features(FeatureSet *f)
{
    free(f->category);
    free(f->number);
    names_close(f);
}

void behaviour_close(Behaviour *b)
{
    BehaviourStore *s = b->store;
    if (s) {
        columns_close(b);
        if (s->file >= 0) H5Fclose(s->file);
        if (s->map) munmap((void *)s->map, s->bytes);
        pthread_mutex_destroy(&s->lock);
        free(s->item_keys);
        free(s->user_keys);
        free(s->pseudonyms);
        key_index_close(&s->item_index);
        key_index_close(&s->user_index);
        free(s);
    }
    for (int a = 0; a < b->actions; a++) free(b->action_name[a]);
    for (int i = 0; i < SPLITS; i++) free(b->split[i]);
    close_features(&b->item_features);
    close_features(&b->user_features);
    texts_close(&b->texts);
    free(b->offset);
    free(b->tie);
    free(b->report);
    free(b->split_rule);
    free(b->path);
    *b = (Behaviour){0};
}
