/* The behaviour file: opening. Keys: behaviour_keys.c; reads of event columns: behaviour_columns.c;
 * checks of contents: behaviour_check.c; what HDF5 gives: behaviour_get.c; writing: behaviour_write.c,
 * behaviour_put.c. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/behaviour/check.h"
#include "data/behaviour/get.h"
#include "data/behaviour/store.h"

static const ElementType type_int32 = {H5T_INTEGER, 4, true, "int32"};
static const ElementType type_int64 = {H5T_INTEGER, 8, true, "int64"};
static const ElementType type_uint8 = {H5T_INTEGER, 1, false, "uint8"};
static const ElementType type_uint64 = {H5T_INTEGER, 8, false, "uint64 or text"};
static const ElementType type_float32 = {H5T_FLOAT, 4, true, "float32"};
static const ElementType type_text = {H5T_STRING, 0, false, "text"};

/* ---- Root ------------------------------------------------------------------------------------- */

static Status read_actions(Behaviour *b)
{
    const hid_t file = b->store->file;
    const int actions = get_texts(file, "action_names", ACTIONS_MAX, b->action_name);
    b->actions = actions < 0 ? 0 : actions;
    if (b->actions == 0)
        return FAIL(ERR_FORMAT, "%s: attribute action_names: want 1 to %d texts", b->path,
                    ACTIONS_MAX);
    for (int a = 0; a < b->actions; a++)
        if (!b->action_name[a]) return FAIL(ERR_MEMORY, "%s: out of memory", b->path);
    if (!get_numbers(file, "action_rewards", H5T_NATIVE_FLOAT, b->actions, b->action_reward))
        return FAIL(ERR_FORMAT, "%s: attribute action_rewards: want %d numbers, one an action",
                    b->path, b->actions);
    return behaviour_check_finite(b->path, "attribute action_rewards", b->action_reward,
                                  b->actions);
}

static Status read_root(Behaviour *b)
{
    const hid_t file = b->store->file;
    int version = 0;
    char *schema = get_text(file, "schema");
    const bool known = schema && !strcmp(schema, "souk-behaviour");
    free(schema);
    if (!known)
        return FAIL(ERR_FORMAT,
                    "%s: HDF5, but its attribute schema is not \"souk-behaviour\": no behaviour "
                    "file (souk ingest makes one)",
                    b->path);
    if (!get_numbers(file, "schema_version", H5T_NATIVE_INT, 1, &version) || version != 1)
        return FAIL(ERR_FORMAT, "%s: attribute schema_version: %d, want 1", b->path, version);
    TRY(read_actions(b));
    char *hash = get_text(file, "catalogue_hash");
    const bool good = hash && strlen(hash) == 64 && strspn(hash, "0123456789abcdef") == 64;
    if (good) memcpy(b->catalogue_hash, hash, 65);
    free(hash);
    if (!good)
        return FAIL(ERR_FORMAT, "%s: attribute catalogue_hash: want 64 hexadecimal digits",
                    b->path);
    if (!get_numbers(file, "episode_gap_ms", H5T_NATIVE_INT64, 1, &b->episode_gap_ms))
        return FAIL(ERR_FORMAT, "%s: attribute episode_gap_ms: want a number", b->path);
    b->report = get_text(file, "report");
    b->split_rule = get_text(file, "split_rule");
    return OK;
}

/* ---- Features ------------------------------------------------------------------------------------------- */

static bool is_reserved(const char *group, const char *name)
{
    static const char *const events[] = {"item", "action", "time", "reward", "end", "propensity"};
    if (!strcmp(group, "/events"))
        for (size_t i = 0; i < sizeof events / sizeof *events; i++)
            if (!strcmp(name, events[i])) return true;
    return !strcmp(name, "key") || !strcmp(name, "offset");
}

static Status add_category(Behaviour *b, FeatureSet *f, hid_t dataset, const char *group,
                           const char *name)
{
    int32_t rows = 0;
    if (f->kinds == FEATURES_MAX)
        return FAIL(ERR_FORMAT, "%s: %s: more than %d categories", b->path, group, FEATURES_MAX);
    if (!get_numbers(dataset, "rows", H5T_NATIVE_INT32, 1, &rows) || rows < 1 ||
        rows > INT32_MAX - f->categories)
        return FAIL(ERR_FORMAT, "%s: %s/%s: attribute rows: want a positive number", b->path, group,
                    name);
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
    if (!get_numbers(dataset, "mean", H5T_NATIVE_FLOAT, 1, &f->mean[n]) ||
        !get_numbers(dataset, "std", H5T_NATIVE_FLOAT, 1, &f->std[n]) || !isfinite(f->mean[n]) ||
        !isfinite(f->std[n]))
        return FAIL(ERR_FORMAT, "%s: %s/%s: want finite attributes mean and std", b->path, group,
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
    const hid_t dataset = H5Dopen2(b->store->file, path, H5P_DEFAULT);
    if (dataset < 0) return FAIL(ERR_FORMAT, "%s: %s: not a readable dataset", b->path, path);
    const hid_t type = H5Dget_type(dataset);
    const H5T_class_t class = H5Tget_class(type);
    const size_t size = H5Tget_size(type);
    H5Tclose(type);
    Status st;
    if (class == H5T_INTEGER && size == 4 && strcmp(group, "/events") != 0)
        st = add_category(b, f, dataset, group, name);
    else if (class == H5T_FLOAT && size == 4)
        st = add_number(b, f, dataset, group, name);
    else
        st = FAIL(ERR_FORMAT, "%s: %s: want dtype int32 (categories) or float32", b->path, path);
    H5Dclose(dataset);
    return st;
}

/* Names of the features of a group, in the order of their creation where the file tracks it, else of
 * the alphabet. */
static Status list_features(Behaviour *b, FeatureSet *f, const char *group)
{
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
    for (hsize_t i = 0; i < info.nlinks && st == OK; i++) {
        char name[256] = "";
        H5Lget_name_by_idx(id, ".", index, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        if (!is_reserved(group, name)) st = list_feature(b, f, group, name);
    }
    H5Gclose(id);
    return st;
}

/* The values of item or user features, joined by rows. */
static Status read_features(Behaviour *b, FeatureSet *f, const char *group, int64_t rows)
{
    char path[2 * FEATURE_NAME_MAX];
    f->category = calloc((size_t)(rows * f->kinds) + 1, sizeof *f->category);
    f->number = calloc((size_t)(rows * f->numbers) + 1, sizeof *f->number);
    if (!f->category || !f->number) return FAIL(ERR_MEMORY, "%s: no memory for %s", b->path, group);
    int32_t base = 0;
    for (int k = 0; k < f->kinds + f->numbers; k++) {
        const bool category = k < f->kinds;
        int64_t length = 0;
        void *values = NULL;
        snprintf(path, sizeof path, "%s/%s", group,
                 category ? f->kind_name[k] : f->number_name[k - f->kinds]);
        TRY(get_rows(b->path, b->store->file, path, category ? &type_int32 : &type_float32, 0,
                     &length));
        if (length != rows)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want %" PRId64, b->path, path,
                        length, rows);
        Status st = get_all(b->path, b->store->file, path,
                            category ? H5T_NATIVE_INT32 : H5T_NATIVE_FLOAT, rows, &values);
        if (st == OK)
            st = category ? behaviour_check_categories(b->path, path, values, rows, f->kind_rows[k])
                          : behaviour_check_finite(b->path, path, values, rows);
        for (int64_t i = 0; st == OK && i < rows; i++) {
            if (category)
                f->category[i * f->kinds + k] = base + ((int32_t *)values)[i];
            else
                f->number[i * f->numbers + k - f->kinds] = ((float *)values)[i];
        }
        if (category) base += f->kind_rows[k];
        free(values);
        TRY(st);
    }
    return OK;
}

/* ---- Opening ---------------------------------------------------------------------------------------------- */

static Status map_file(BehaviourStore *s)
{
    const int fd = open(s->path, O_RDONLY);
    struct stat info;
    if (fd < 0) return FAIL(ERR_IO, "%s: cannot open: %s", s->path, strerror(errno));
    Status st = OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        st = FAIL(ERR_IO, "%s: not a regular file", s->path);
    else if (info.st_size == 0)
        st = FAIL(ERR_FORMAT, "%s: the file is empty", s->path);
    if (st == OK) {
        s->bytes = (size_t)info.st_size;
        const void *map = mmap(NULL, s->bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            st = FAIL(ERR_IO, "%s: cannot map: %s", s->path, strerror(errno));
        else
            s->map = map;
    }
    close(fd);
    return st;
}

static Status open_columns(Behaviour *b)
{
    BehaviourStore *s = b->store;
    const ElementType *const element[] = {&type_int32,   &type_uint8, &type_int64,
                                          &type_float32, &type_uint8, &type_float32};
    const hid_t memory[] = {H5T_NATIVE_INT32, H5T_NATIVE_UINT8, H5T_NATIVE_INT64,
                            H5T_NATIVE_FLOAT, H5T_NATIVE_UINT8, H5T_NATIVE_FLOAT};
    for (int i = 0; i < COLUMN_FEATURE + b->event_features.numbers; i++) {
        char name[2 * FEATURE_NAME_MAX];
        const int at = i < COLUMN_FEATURE ? i : COLUMN_REWARD;
        int64_t length;
        columns_name(b, (Column)i, name, sizeof name);
        if (i == COLUMN_PROPENSITY &&
            !(b->has_propensity = H5Lexists(s->file, name, H5P_DEFAULT) > 0))
            continue;
        TRY(get_rows(b->path, s->file, name, element[at], 0, &length));
        if (i == COLUMN_ITEM) b->events = s->events = length;
        if (length == 0) return FAIL(ERR_FORMAT, "%s: %s: 0 rows, want at least 1", b->path, name);
        if (length != b->events)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want %" PRId64 " as /events/item",
                        b->path, name, length, b->events);
        TRY(columns_open(s, (Column)i, name, memory[at]));
    }
    return OK;
}

static Status read_users(Behaviour *b)
{
    static const char *const splits[SPLITS] = {"/splits/train", "/splits/valid", "/splits/test"};
    const hid_t file = b->store->file;
    int64_t length;
    TRY(get_rows(b->path, file, "/users/offset", &type_int64, 0, &length));
    if (length < 1)
        return FAIL(ERR_FORMAT, "%s: /users/offset: 0 rows, want one more than users", b->path);
    b->users = length - 1;
    TRY(get_all(b->path, file, "/users/offset", H5T_NATIVE_INT64, length, &b->offset));
    for (int s = 0; s < SPLITS; s++) {
        TRY(get_rows(b->path, file, splits[s], &type_int64, 2, &length));
        if (length != b->users)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want one a user, %" PRId64, b->path,
                        splits[s], length, b->users);
        TRY(get_all(b->path, file, splits[s], H5T_NATIVE_INT64, 2 * length, &b->split[s]));
    }
    return OK;
}

static Status count_keys(Behaviour *b)
{
    const hid_t file = b->store->file;
    int64_t length;
    TRY(get_rows(b->path, file, "/items/key", &type_text, 0, &b->items));
    if (b->items < 1 || b->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%s: /items/key: %" PRId64 " rows, want 1 to 2^31-1", b->path,
                    b->items);
    const hid_t dataset = H5Dopen2(file, "/users/key", H5P_DEFAULT);
    const hid_t type = dataset >= 0 ? H5Dget_type(dataset) : -1;
    b->plain_keys = type >= 0 && H5Tget_class(type) == H5T_STRING;
    if (type >= 0) H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
    TRY(get_rows(b->path, file, "/users/key", b->plain_keys ? &type_text : &type_uint64, 0,
                 &length));
    if (length == b->users) return OK;
    return FAIL(ERR_FORMAT, "%s: /users/key: %" PRId64 " rows, want one a user, %" PRId64, b->path,
                length, b->users);
}

static Status open_store(Behaviour *b)
{
    BehaviourStore *s = b->store;
    TRY(map_file(s));
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, 0, 1);
    s->file = H5Fopen(b->path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (s->file < 0)
        return FAIL(ERR_FORMAT, "%s: not a readable HDF5 file (damaged or truncated?)", b->path);
    TRY(read_root(b));
    TRY(list_features(b, &b->event_features, "/events"));
    TRY(open_columns(b));
    TRY(read_users(b));
    TRY(count_keys(b));
    TRY(list_features(b, &b->item_features, "/items"));
    TRY(list_features(b, &b->user_features, "/users"));
    TRY(read_features(b, &b->item_features, "/items", b->items));
    TRY(read_features(b, &b->user_features, "/users", b->users));
    return behaviour_check_contents(b);
}

Status behaviour_open(Behaviour *b, const char *path)
{
    *b = (Behaviour){.path = strdup(path), .store = calloc(1, sizeof *b->store)};
    if (!b->path || !b->store) {
        behaviour_close(b);
        return FAIL(ERR_MEMORY, "%s: out of memory", path);
    }
    b->store->path = b->path;
    b->store->file = -1;
    pthread_mutex_init(&b->store->lock, NULL);
    const Status st = open_store(b);
    if (st != OK) behaviour_close(b);
    return st;
}

static void close_features(FeatureSet *f)
{
    free(f->category);
    free(f->number);
}

void behaviour_close(Behaviour *b)
{
    BehaviourStore *s = b->store;
    if (s) {
        for (int i = 0; i < COLUMNS_MAX; i++) columns_close(&s->column[i]);
        for (int i = 0; i < CACHE_SLOTS; i++) free(s->cache[i].data);
        if (s->file >= 0) H5Fclose(s->file);
        if (s->map) munmap((void *)s->map, s->bytes);
        pthread_mutex_destroy(&s->lock);
        free(s->item_keys);
        free(s->user_keys);
        free(s->pseudonyms);
        free(s);
    }
    for (int a = 0; a < b->actions; a++) free(b->action_name[a]);
    for (int i = 0; i < SPLITS; i++) free(b->split[i]);
    close_features(&b->item_features);
    close_features(&b->user_features);
    free(b->offset);
    free(b->report);
    free(b->split_rule);
    free(b->path);
    *b = (Behaviour){0};
}
