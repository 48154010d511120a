/* The behaviour file: opening, keys. Reads of event columns: behaviour_columns.c; checks of contents:
 * behaviour_check.c; writing: behaviour_write.c. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/behaviour_check.h"
#include "data/behaviour_store.h"

/* ---- Attributes and small datasets ------------------------------------------------------------------ */

static char *read_text_attribute(hid_t object, const char *name)
{
    char *text = NULL;
    if (H5Aexists(object, name) <= 0) return NULL;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) return NULL;
    const hid_t type = H5Aget_type(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
        char *stored = NULL;
        if (H5Aread(attribute, type, &stored) >= 0 && stored) text = strdup(stored);
        H5free_memory(stored);
    } else if (H5Tget_class(type) == H5T_STRING) {
        const size_t width = H5Tget_size(type);
        text = width < (size_t)1 << 28 ? calloc(1, width + 1) : NULL;
        if (text && H5Aread(attribute, type, text) < 0) {
            free(text);
            text = NULL;
        }
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

/* A scalar or 1-D attribute of exactly `count` numbers, converted to `type`. */
static bool read_numbers(hid_t object, const char *name, hid_t type, int64_t count, void *out)
{
    if (H5Aexists(object, name) <= 0) return false;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) return false;
    const hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
    const H5T_class_t class = H5Tget_class(stored);
    const bool good = H5Sget_simple_extent_npoints(space) == count &&
                      (class == H5T_INTEGER || class == H5T_FLOAT) &&
                      H5Aread(attribute, type, out) >= 0;
    H5Tclose(stored);
    H5Sclose(space);
    H5Aclose(attribute);
    return good;
}

/* Length of a dataset of `rank` axes, the second one (if any) of width `columns`; -1 and a recorded
 * failure when it is otherwise. No dataset can be longer than `longest`. */
static Status dataset_length(const BehaviourStore *s, const char *name, int rank, int64_t columns,
                             int64_t *length)
{
    hsize_t dims[2] = {0, (hsize_t)columns};
    const hid_t dataset = H5Dopen2(s->file, name, H5P_DEFAULT);
    const hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1;
    const bool good = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
                      H5Sget_simple_extent_dims(space, dims, NULL) == rank &&
                      dims[1] == (hsize_t)columns;
    if (space >= 0) H5Sclose(space);
    if (dataset >= 0) H5Dclose(dataset);
    if (!good)
        return FAIL(ERR_FORMAT, "%s: %s: want a readable dataset of %d axes%s", s->path, name, rank,
                    rank == 2 ? ", the second of width 2" : "");
    /* Deflate shrinks at most 1032 times, so a longer dataset is a damaged header. */
    if (dims[0] > (hsize_t)s->bytes * 1032)
        return FAIL(ERR_FORMAT, "%s: %s: %" PRIu64 " rows in a file of %zu bytes", s->path, name,
                    (uint64_t)dims[0], s->bytes);
    *length = (int64_t)dims[0];
    return OK;
}

/* The whole dataset, converted to `type`, into memory of `count` elements allocated here. */
static Status read_all(const BehaviourStore *s, const char *name, hid_t type, int64_t count,
                       void *out)
{
    void **memory = out;
    const size_t size = H5Tget_size(type);
    *memory = malloc((size_t)count * size + 1);
    if (!*memory)
        return FAIL(ERR_MEMORY, "%s: %s: no memory for %" PRId64 " rows", s->path, name, count);
    const hid_t dataset = H5Dopen2(s->file, name, H5P_DEFAULT);
    const bool good = dataset >= 0 && (count == 0 || H5Dread(dataset, type, H5S_ALL, H5S_ALL,
                                                             H5P_DEFAULT, *memory) >= 0);
    if (dataset >= 0) H5Dclose(dataset);
    return good ? OK : FAIL(ERR_FORMAT, "%s: %s: cannot read its data", s->path, name);
}

static Status expect_class(const BehaviourStore *s, const char *name, H5T_class_t class,
                           size_t size, const char *want)
{
    const hid_t dataset = H5Dopen2(s->file, name, H5P_DEFAULT);
    const hid_t type = dataset >= 0 ? H5Dget_type(dataset) : -1;
    const bool good =
        type >= 0 && H5Tget_class(type) == class && (!size || H5Tget_size(type) == size);
    if (type >= 0) H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
    return good ? OK : FAIL(ERR_FORMAT, "%s: %s: want dtype %s", s->path, name, want);
}

/* ---- Root ---------------------------------------------------------------------------------------------- */

/* The names are fixed-width texts, one an action. */
static Status read_actions(Behaviour *b)
{
    const hid_t file = b->store->file;
    const hid_t attribute =
        H5Aexists(file, "action_names") > 0 ? H5Aopen(file, "action_names", H5P_DEFAULT) : -1;
    const hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    const hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    const hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
    const size_t width = type >= 0 && H5Tget_class(type) == H5T_STRING ? H5Tget_size(type) : 0;
    char *names = NULL;
    if (count >= 1 && count <= ACTIONS_MAX && width >= 1 && width <= 4096)
        names = calloc((size_t)count, width);
    if (names && H5Aread(attribute, type, names) >= 0)
        for (; b->actions < count; b->actions++)
            b->action_name[b->actions] = strndup(names + (size_t)b->actions * width, width);
    free(names);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    if (b->actions == 0)
        return FAIL(ERR_FORMAT, "%s: attribute action_names: want 1 to %d fixed-length texts",
                    b->path, ACTIONS_MAX);
    if (!read_numbers(file, "action_rewards", H5T_NATIVE_FLOAT, b->actions, b->action_reward))
        return FAIL(ERR_FORMAT, "%s: action_rewards: want %d numbers", b->path, b->actions);
    return OK;
}

static Status read_root(Behaviour *b)
{
    const hid_t file = b->store->file;
    int version = 0;
    char *schema = read_text_attribute(file, "schema");
    const bool known = schema && !strcmp(schema, "souk-behaviour");
    free(schema);
    if (!known)
        return FAIL(ERR_FORMAT, "%s: HDF5, but its attribute schema is not \"souk-behaviour\"",
                    b->path);
    if (!read_numbers(file, "schema_version", H5T_NATIVE_INT, 1, &version) || version != 1)
        return FAIL(ERR_FORMAT, "%s: schema_version %d, this souk reads 1", b->path, version);
    TRY(read_actions(b));
    char *hash = read_text_attribute(file, "catalogue_hash");
    snprintf(b->catalogue_hash, sizeof b->catalogue_hash, "%s", hash ? hash : "");
    free(hash);
    if (!read_numbers(file, "episode_gap_ms", H5T_NATIVE_INT64, 1, &b->episode_gap_ms))
        return FAIL(ERR_FORMAT, "%s: no attribute episode_gap_ms", b->path);
    b->report = read_text_attribute(file, "report");
    b->split_rule = read_text_attribute(file, "split_rule");
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
    if (!read_numbers(dataset, "rows", H5T_NATIVE_INT32, 1, &rows) || rows < 1 ||
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
    if (!read_numbers(dataset, "mean", H5T_NATIVE_FLOAT, 1, &f->mean[n]) ||
        !read_numbers(dataset, "std", H5T_NATIVE_FLOAT, 1, &f->std[n]))
        return FAIL(ERR_FORMAT, "%s: %s/%s: want attributes mean and std", b->path, group, name);
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
        TRY(dataset_length(b->store, path, 1, 0, &length));
        if (length != rows)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want %" PRId64, b->path, path,
                        length, rows);
        Status st =
            read_all(b->store, path, category ? H5T_NATIVE_INT32 : H5T_NATIVE_FLOAT, rows, &values);
        if (st == OK)
            st = category ? check_categories(b->path, path, values, rows, f->kind_rows[k])
                          : check_finite(b->path, path, values, rows);
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
    const struct {
        Column column;
        hid_t type;
        H5T_class_t class;
        size_t size;
        const char *want;
    } columns[] = {
        {COLUMN_ITEM, H5T_NATIVE_INT32, H5T_INTEGER, 4, "int32"},
        {COLUMN_ACTION, H5T_NATIVE_UINT8, H5T_INTEGER, 1, "uint8"},
        {COLUMN_TIME, H5T_NATIVE_INT64, H5T_INTEGER, 8, "int64"},
        {COLUMN_REWARD, H5T_NATIVE_FLOAT, H5T_FLOAT, 4, "float32"},
        {COLUMN_END, H5T_NATIVE_UINT8, H5T_INTEGER, 1, "uint8"},
        {COLUMN_PROPENSITY, H5T_NATIVE_FLOAT, H5T_FLOAT, 4, "float32"},
    };
    for (int i = 0; i < COLUMN_FEATURE + b->event_features.numbers; i++) {
        char name[2 * FEATURE_NAME_MAX];
        const int at = i < COLUMN_FEATURE ? i : COLUMN_REWARD;
        int64_t length;
        column_name(b, (Column)i, name, sizeof name);
        if (i == COLUMN_PROPENSITY &&
            !(b->has_propensity = H5Lexists(s->file, name, H5P_DEFAULT) > 0))
            continue;
        TRY(expect_class(s, name, columns[at].class, columns[at].size, columns[at].want));
        TRY(dataset_length(s, name, 1, 0, &length));
        if (i == COLUMN_ITEM) b->events = s->events = length;
        if (length == 0) return FAIL(ERR_FORMAT, "%s: %s: 0 rows, want at least 1", b->path, name);
        if (length != b->events)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, /events/item has %" PRId64, b->path,
                        name, length, b->events);
        TRY(column_open(s, (Column)i, name, columns[at].type));
    }
    return OK;
}

static Status read_users(Behaviour *b)
{
    static const char *const splits[SPLITS] = {"/splits/train", "/splits/valid", "/splits/test"};
    int64_t length;
    TRY(expect_class(b->store, "/users/offset", H5T_INTEGER, 8, "int64"));
    TRY(dataset_length(b->store, "/users/offset", 1, 0, &length));
    if (length < 1) return FAIL(ERR_FORMAT, "%s: /users/offset: empty, want users+1 rows", b->path);
    b->users = length - 1;
    TRY(read_all(b->store, "/users/offset", H5T_NATIVE_INT64, length, &b->offset));
    for (int s = 0; s < SPLITS; s++) {
        TRY(expect_class(b->store, splits[s], H5T_INTEGER, 8, "int64"));
        TRY(dataset_length(b->store, splits[s], 2, 2, &length));
        if (length != b->users)
            return FAIL(ERR_FORMAT, "%s: %s: %" PRId64 " rows, want one a user, %" PRId64, b->path,
                        splits[s], length, b->users);
        TRY(read_all(b->store, splits[s], H5T_NATIVE_INT64, 2 * length, &b->split[s]));
    }
    return OK;
}

static Status key_kind(Behaviour *b)
{
    BehaviourStore *s = b->store;
    int64_t length;
    TRY(dataset_length(s, "/items/key", 1, 0, &b->items));
    TRY(expect_class(s, "/items/key", H5T_STRING, 0, "text"));
    if (b->items < 1 || b->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%s: /items/key: %" PRId64 " rows, want 1 to 2^31-1", b->path,
                    b->items);
    TRY(dataset_length(s, "/users/key", 1, 0, &length));
    if (length != b->users)
        return FAIL(ERR_FORMAT, "%s: /users/key: %" PRId64 " rows, want %" PRId64, b->path, length,
                    b->users);
    const hid_t dataset = H5Dopen2(s->file, "/users/key", H5P_DEFAULT);
    const hid_t type = dataset >= 0 ? H5Dget_type(dataset) : -1;
    const H5T_class_t class = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
    if (type >= 0) H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
    b->plain_keys = class == H5T_STRING;
    if (class == H5T_STRING || class == H5T_INTEGER) return OK;
    return FAIL(ERR_FORMAT, "%s: /users/key: want dtype uint64 or text", b->path);
}

static Status open_store(Behaviour *b)
{
    BehaviourStore *s = b->store;
    TRY(map_file(s));
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    s->file = H5Fopen(b->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (s->file < 0)
        return FAIL(ERR_FORMAT, "%s: not a readable HDF5 file (damaged or truncated?)", b->path);
    TRY(read_root(b));
    TRY(list_features(b, &b->event_features, "/events"));
    TRY(open_columns(b));
    TRY(read_users(b));
    TRY(key_kind(b));
    TRY(list_features(b, &b->item_features, "/items"));
    TRY(list_features(b, &b->user_features, "/users"));
    TRY(read_features(b, &b->item_features, "/items", b->items));
    TRY(read_features(b, &b->user_features, "/users", b->users));
    return check_contents(b);
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
        for (int i = 0; i < COLUMNS_MAX; i++) column_close(&s->column[i]);
        for (int i = 0; i < CACHE_SLOTS; i++) free(s->cache[i].data);
        if (s->file >= 0) H5Fclose(s->file);
        if (s->map) munmap((void *)s->map, s->bytes);
        pthread_mutex_destroy(&s->lock);
        free(s->item_keys);
        free(s->user_keys);
        free(s->pseudonyms);
        free(s->items_by_key);
        free(s->users_by_key);
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

/* ---- Keys ---------------------------------------------------------------------------------------------------- */

/* Texts of a dataset, zero-terminated at a fixed width, whether stored so or variable. */
static Status read_texts(const Behaviour *b, const char *name, int64_t rows, char **out,
                         size_t *width)
{
    const hid_t dataset = H5Dopen2(b->store->file, name, H5P_DEFAULT);
    const hid_t type = H5Dget_type(dataset);
    const bool variable = H5Tis_variable_str(type) > 0;
    Status st = OK;
    *width = variable ? 256 : H5Tget_size(type) + 1;
    *out = calloc((size_t)rows + 1, *width);
    if (!*out) st = FAIL(ERR_MEMORY, "%s: %s: no memory for %" PRId64 " keys", b->path, name, rows);
    if (st == OK && variable) {
        char **texts = calloc((size_t)rows + 1, sizeof *texts);
        if (!texts || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) < 0)
            st = FAIL(ERR_FORMAT, "%s: %s: cannot read", b->path, name);
        for (int64_t i = 0; st == OK && i < rows; i++) {
            if (texts[i] && strlen(texts[i]) < *width)
                memcpy(*out + (size_t)i * *width, texts[i], strlen(texts[i]));
            else
                st = FAIL(ERR_FORMAT, "%s: %s: row %" PRId64 ": want up to 255 bytes", b->path,
                          name, i);
        }
        free(texts);
    } else if (st == OK) {
        const hid_t memory = H5Tcopy(H5T_C_S1);
        H5Tset_size(memory, *width);
        H5Tset_strpad(memory, H5T_STR_NULLTERM);
        H5Tset_cset(memory, H5Tget_cset(type));
        if (rows && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
            st = FAIL(ERR_FORMAT, "%s: %s: cannot read", b->path, name);
        H5Tclose(memory);
    }
    H5Tclose(type);
    H5Dclose(dataset);
    return st;
}

static Status load_keys(Behaviour *b, bool users)
{
    BehaviourStore *s = b->store;
    if (!users && !s->item_keys)
        return read_texts(b, "/items/key", b->items, &s->item_keys, &s->item_key_width);
    if (users && b->plain_keys && !s->user_keys)
        return read_texts(b, "/users/key", b->users, &s->user_keys, &s->user_key_width);
    if (users && !b->plain_keys && !s->pseudonyms)
        return read_all(s, "/users/key", H5T_NATIVE_UINT64, b->users, &s->pseudonyms);
    return OK;
}

Status behaviour_item_key(Behaviour *b, int32_t item, const char **key)
{
    REQUIRE(item >= 0 && item < b->items, "item %d of %" PRId64, item, b->items);
    TRY(load_keys(b, false));
    *key = b->store->item_keys + (size_t)item * b->store->item_key_width;
    return OK;
}

Status behaviour_user_key(Behaviour *b, int64_t user, const char **key)
{
    BehaviourStore *s = b->store;
    REQUIRE(user >= 0 && user < b->users, "user %" PRId64 " of %" PRId64, user, b->users);
    TRY(load_keys(b, true));
    if (b->plain_keys) {
        *key = s->user_keys + (size_t)user * s->user_key_width;
    } else {
        snprintf(s->shown, sizeof s->shown, "%016" PRIx64, s->pseudonyms[user]);
        *key = s->shown;
    }
    return OK;
}

/* A linear search: keys are looked up a few at a time, by a person. */
Status behaviour_find_item(Behaviour *b, const char *key, int32_t *item)
{
    TRY(load_keys(b, false));
    *item = -1;
    for (int32_t i = 0; i < b->items && *item < 0; i++)
        if (!strcmp(key, b->store->item_keys + (size_t)i * b->store->item_key_width)) *item = i;
    return OK;
}

Status behaviour_find_user(Behaviour *b, const char *key, int64_t *user)
{
    *user = -1;
    for (int64_t i = 0; i < b->users && *user < 0; i++) {
        const char *have;
        TRY(behaviour_user_key(b, i, &have));
        if (!strcmp(key, have)) *user = i;
    }
    return OK;
}
