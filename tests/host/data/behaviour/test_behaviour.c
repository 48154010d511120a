/* SPDX-License-Identifier: Apache-2.0 */
/* The behaviour file: what is written is read back, whatever the layout. */
#include <glob.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/resource.h>

#include "shop.h"

static void check_features(const FeatureSet *have, int64_t rows, const char *name)
{
    FeatureSet want;
    shop_features(&want, rows, name);
    assert_int_equal(have->kinds, want.kinds);
    assert_int_equal(have->categories, want.categories);
    assert_int_equal(have->numbers, want.numbers);
    for (int k = 0; k < want.kinds; k++) {
        assert_string_equal(have->kind_name[k], want.kind_name[k]);
        assert_int_equal(have->kind_rows[k], want.kind_rows[k]);
    }
    assert_string_equal(have->number_name[0], want.number_name[0]);
    assert_true(have->mean[0] == want.mean[0] && have->std[0] == want.std[0]);
    assert_memory_equal(have->category, want.category, (size_t)rows * 2 * 4);
    assert_memory_equal(have->number, want.number, (size_t)rows * 4);
    free(want.category);
    free(want.number);
}

static void check_user(const Behaviour *b, const Shop *shop, int64_t user, const UserHistory *want)
{
    static union {
        int32_t i32[SHOP_LONGEST];
        uint8_t u8[SHOP_LONGEST];
        int64_t i64[SHOP_LONGEST];
        float f32[SHOP_LONGEST];
    } have;
    const int64_t first = b->offset[user], count = b->offset[user + 1] - first;
    const size_t n = (size_t)count;
    assert_int_equal(count, want->count);
    assert_ok(columns_read(b, COLUMN_ITEM, first, count, &have));
    assert_memory_equal(have.i32, want->item, n * 4);
    assert_ok(columns_read(b, COLUMN_ACTION, first, count, &have));
    assert_memory_equal(have.u8, want->action, n);
    assert_ok(columns_read(b, COLUMN_TIME, first, count, &have));
    assert_memory_equal(have.i64, want->time, n * 8);
    assert_ok(columns_read(b, COLUMN_REWARD, first, count, &have));
    assert_memory_equal(have.f32, want->reward, n * 4);
    assert_ok(columns_read(b, COLUMN_END, first, count, &have));
    assert_memory_equal(have.u8, want->end, n);
    for (int s = 0; s < SPLITS; s++)
        for (int k = 0; k < 2; k++)
            assert_int_equal(b->split[s][user][k], first + want->split[s][k]);
    if (!shop->features) return;
    assert_ok(columns_read(b, COLUMN_PROPENSITY, first, count, &have));
    assert_memory_equal(have.f32, want->propensity, n * 4);
    for (int f = 0; f < 2; f++) {
        assert_ok(columns_read(b, (Column)(COLUMN_FEATURE + f), first, count, &have));
        assert_memory_equal(have.f32, want->feature[f], n * 4);
    }
}

static void check_keys(Behaviour *b, const Shop *shop, ShopUser *u)
{
    const char *key;
    for (int64_t user = 0; user < b->users; user += 7) {
        char want[32];
        const UserHistory *h = shop_user(shop, u, user);
        if (shop->plain_keys)
            snprintf(want, sizeof want, "%s", h->key);
        else
            snprintf(want, sizeof want, "%016llx", (unsigned long long)h->pseudonym);
        int64_t found;
        assert_ok(behaviour_keys_user(b, user, &key));
        assert_string_equal(key, want);
        assert_ok(behaviour_keys_find_user(b, want, &found));
        assert_int_equal(found, user);
    }
    int32_t item;
    int64_t user;
    assert_ok(behaviour_keys_item(b, 12, &key));
    assert_string_equal(key, "item-00012");
    assert_ok(behaviour_keys_find_item(b, "item-00012", &item));
    assert_int_equal(item, 12);
    assert_ok(behaviour_keys_find_item(b, "item-0001", &item));
    assert_int_equal(item, -1);
    assert_ok(behaviour_keys_find_user(b, "nobody", &user));
    assert_int_equal(user, -1);
}

static void check_texts(const ItemTexts *have)
{
    const ItemTexts want = shop_texts();
    const size_t entries = (size_t)want.offset[SHOP_ITEMS];
    int64_t at = 0;
    assert_int_equal(have->rows, SHOP_NGRAMS);
    assert_memory_equal(have->offset, want.offset, (SHOP_ITEMS + 1) * sizeof *want.offset);
    assert_memory_equal(have->row, want.row, entries * sizeof *want.row);
    for (int32_t r = 0; r < SHOP_NGRAMS; r++) {
        assert_int_equal(have->row_offset[r], at);
        for (int32_t i = 0; i < SHOP_ITEMS; i += r + 2) assert_int_equal(have->item[at++], i);
    }
    assert_int_equal(have->row_offset[SHOP_NGRAMS], at);
    free(want.offset);
    free(want.row);
}

static void round_trip(const Shop *shop)
{
    char path[256];
    Behaviour b = {0};
    ShopUser *u = malloc(sizeof *u);
    assert_ok(shop_write(shop, shop_path(path, "round")));
    assert_ok(behaviour_open(&b, path));
    assert_int_equal(b.users, shop->users);
    assert_int_equal(b.items, SHOP_ITEMS);
    assert_int_equal(b.actions, SHOP_ACTIONS);
    assert_string_equal(b.action_name[1], "cart");
    assert_true(b.action_reward[1] == 0.25f);
    assert_int_equal(b.episode_gap_ms, 1800000);
    assert_int_equal(b.has_propensity, shop->features);
    assert_int_equal(b.has_impressions, shop->impressions);
    assert_int_equal(schema_is_taken(&b, 0), !shop->impressions);
    assert_true(schema_is_taken(&b, 1) && schema_is_taken(&b, 2));
    assert_int_equal(b.plain_keys, shop->plain_keys);
    assert_string_equal(b.report, "rows read: 3\nrows kept: 2");
    assert_string_equal(b.split_rule, "global time");
    assert_int_equal(strlen(b.catalogue_hash), 64);
    assert_int_equal(b.event_features.numbers, shop->features ? 2 : 0);
    if (shop->features) {
        assert_string_equal(b.event_features.number_name[0], "price");
        assert_true(b.event_features.mean[1] == 11.0f && b.event_features.std[1] == 2.0f);
        check_features(&b.item_features, SHOP_ITEMS, "item");
        check_features(&b.user_features, shop->users, "user");
        check_texts(&b.texts);
    } else {
        assert_int_equal(b.texts.rows, 0);
    }
    for (int64_t user = 0; user < b.users; user++)
        check_user(&b, shop, user, shop_user(shop, u, user));
    check_keys(&b, shop, u);
    assert_ok(behaviour_keys_index_items(&b));
    assert_ok(behaviour_keys_index_users(&b));
    check_keys(&b, shop, u);
    behaviour_close(&b);
    unlink(path);
    free(u);
}

static void a_plain_file_gives_back_what_was_written(void **state)
{
    (void)state;
    round_trip(&(Shop){.users = 300, .longest = 40, .seed = 1});
    round_trip(&(Shop){.users = 200, .longest = 900, .seed = 2, .features = true});
    round_trip(&(Shop){.users = 1, .longest = 1, .seed = 3, .plain_keys = true});
    round_trip(&(Shop){.users = 20, .longest = 40, .seed = 4, .impressions = true});
}

static void a_compressed_file_gives_back_what_was_written(void **state)
{
    (void)state;
    round_trip(
        &(Shop){.users = 200, .longest = 900, .seed = 2, .features = true, .compress = true});
    round_trip(&(Shop){.users = 70,
                       .longest = 3000,
                       .seed = 4,
                       .compress = true,
                       .plain_keys = true,
                       .leave_one_out = true});
}

static char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Long histories fill the columns' buffers several times over, short ones not once. */
static void sizes_known_beforehand_change_no_byte(void **state)
{
    (void)state;
    const Shop shops[] = {
        {.users = 400, .longest = 4000, .seed = 5, .features = true},
        {.users = 3, .longest = 9, .seed = 6},
        {.users = 40, .longest = 90, .seed = 7, .compress = true},
        {.users = 40, .longest = 90, .seed = 8, .plain_keys = true},
    };
    char path[2][256];
    shop_path(path[0], "spooled");
    shop_path(path[1], "placed");
    for (size_t i = 0; i < sizeof shops / sizeof *shops; i++) {
        char *bytes[2];
        size_t size[2];
        for (int k = 0; k < 2; k++) {
            Shop shop = shops[i];
            shop.placed = k;
            assert_ok(shop_write(&shop, path[k]));
            bytes[k] = read_all(path[k], &size[k]);
            unlink(path[k]);
        }
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(bytes[0], bytes[1], size[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

/* ---- Files of other writers ------------------------------------------------------------------ */

typedef struct {
    const char *name;
    hid_t type;    /* of the file; H5I_INVALID_HID: as it is */
    hsize_t chunk; /* 0: contiguous */
    bool shuffle, deflate, fletcher, growing;
} Layout;

static hid_t layout_plist(const Layout *l)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (l->chunk) H5Pset_chunk(plist, 1, &l->chunk);
    if (l->shuffle) H5Pset_shuffle(plist);
    if (l->deflate) H5Pset_deflate(plist, 4);
    if (l->fletcher) H5Pset_fletcher32(plist);
    return plist;
}

/* Replace a column by the same values laid out otherwise. */
static void lay_out(const char *path, const Layout *l)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t old = H5Dopen2(file, l->name, H5P_DEFAULT);
    const hid_t type = H5Dget_type(old), space = H5Dget_space(old);
    hsize_t rows, most = H5S_UNLIMITED;
    H5Sget_simple_extent_dims(space, &rows, NULL);
    void *values = malloc(rows * H5Tget_size(type));
    assert_true(H5Dread(old, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(old);
    H5Sclose(space);
    H5Ldelete(file, l->name, H5P_DEFAULT);
    const hid_t again = H5Screate_simple(1, &rows, l->growing ? &most : NULL);
    const hid_t plist = layout_plist(l);
    const hid_t dataset = H5Dcreate2(file, l->name, l->type >= 0 ? l->type : type, again,
                                     H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    free(values);
    H5Dclose(dataset);
    H5Pclose(plist);
    H5Sclose(again);
    H5Tclose(type);
    assert_true(H5Fclose(file) >= 0);
}

static void layouts_of_other_writers_are_read_too(void **state)
{
    (void)state;
    const Layout layouts[] = {
        {"/events/item", H5I_INVALID_HID, 1000, false, true, false, false},
        {"/events/action", H5I_INVALID_HID, 4096, true, true, false, true},
        {"/events/time", H5T_STD_I64BE, 0, false, false, false, false},
        {"/events/reward", H5I_INVALID_HID, 999, false, false, false, true},
        {"/events/end", H5I_INVALID_HID, 1 << 20, false, true, false, true},
        {"/events/item", H5T_STD_I32BE, 1000, true, true, false, false},
        {"/events/time", H5I_INVALID_HID, 777, true, true, true, false},
        {"/events/reward", H5I_INVALID_HID, 3, true, true, false, true}, /* over 4096 chunks */
        {"/events/item", H5I_INVALID_HID, 777, true, false, false, false},
        {"/users/offset", H5T_STD_I64BE, 50, true, true, true, true},
    };
    const Shop shop = {.users = 70, .longest = 900, .seed = 8};
    char path[256];
    ShopUser *u = malloc(sizeof *u);
    assert_ok(shop_write(&shop, shop_path(path, "foreign")));
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        Behaviour b;
        lay_out(path, &layouts[i]);
        assert_ok(behaviour_open(&b, path));
        for (int64_t user = 0; user < b.users; user++)
            check_user(&b, &shop, user, shop_user(&shop, u, user));
        behaviour_close(&b);
    }
    unlink(path);
    free(u);
}

static void texts_of_variable_length_are_read_too(void **state)
{
    (void)state;
    const Shop shop = {.users = 5, .longest = 9, .seed = 8, .plain_keys = true};
    const char *keys[] = {"a", "", "a key of some length", "b", "ü"};
    const char *names[SHOP_ACTIONS] = {"klick", "Warenkorb", "Kauf"};
    char path[256];
    assert_ok(shop_write(&shop, shop_path(path, "variable")));
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    H5Ldelete(file, "/users/key", H5P_DEFAULT);
    H5Adelete(file, "action_names");
    const hsize_t users = 5, actions = SHOP_ACTIONS;
    const hid_t rows = H5Screate_simple(1, &users, NULL), few = H5Screate_simple(1, &actions, NULL);
    const hid_t dataset =
        H5Dcreate2(file, "/users/key", text, rows, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, keys) >= 0);
    const hid_t attribute = H5Acreate2(file, "action_names", text, few, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, text, names) >= 0);
    H5Aclose(attribute);
    H5Dclose(dataset);
    H5Sclose(rows);
    H5Sclose(few);
    H5Tclose(text);
    H5Fclose(file);
    Behaviour b;
    int64_t user;
    const char *key;
    assert_ok(behaviour_open(&b, path));
    assert_string_equal(b.action_name[1], "Warenkorb");
    assert_ok(behaviour_keys_user(&b, 2, &key));
    assert_string_equal(key, "a key of some length");
    assert_ok(behaviour_keys_find_user(&b, "ü", &user));
    assert_int_equal(user, 4);
    behaviour_close(&b);
    unlink(path);
}

/* ---- Failing writes -------------------------------------------------------------------------- */

static int files_beside(const char *path)
{
    char pattern[300];
    glob_t found = {0};
    snprintf(pattern, sizeof pattern, "%s*", path);
    const int count = glob(pattern, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    globfree(&found);
    return count;
}

/* A limit on the size of files fails a write just as a full disk does. */
static void a_full_disk_fails_clearly_and_leaves_nothing_behind(void **state)
{
    (void)state;
    char path[256];
    shop_path(path, "full");
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    for (int kind = 0; kind < 3; kind++)
        for (rlim_t limit = 0; limit < 3000000; limit = limit ? limit * 3 / 2 : 500) {
            const Shop shop = {.users = 150,
                               .longest = 900,
                               .seed = 3,
                               .features = true,
                               .compress = kind == 1,
                               .placed = kind == 2};
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, before.rlim_max});
            const Status st = shop_write(&shop, path);
            setrlimit(RLIMIT_FSIZE, &before);
            if (st == OK) {
                Behaviour b;
                assert_ok(behaviour_open(&b, path));
                behaviour_close(&b);
                unlink(path);
                continue;
            }
            assert_int_equal(st, ERR_IO);
            assert_non_null(strstr(status_message(), path));
            assert_non_null(strstr(status_message(), "File too large"));
            assert_int_equal(files_beside(path), 0);
            status_clear();
        }
    const Shop shop = {.users = 2, .longest = 9, .seed = 3};
    assert_int_equal(shop_write(&shop, "/nowhere/at/all.h5"), ERR_IO);
    assert_non_null(strstr(status_message(), "/nowhere/at/all.h5"));
    status_clear();
}

static void an_abandoned_writer_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const names[] = {"view"};
    static const float rewards[] = {0.0f};
    char path[256];
    BehaviourWriter *w;
    const BehaviourHeader header = {.actions = 1, .action_name = names, .action_reward = rewards};
    assert_ok(behaviour_write_create(&w, shop_path(path, "abandoned"), &header));
    assert_int_equal(files_beside(path), 1); /* the temporary file; spools have no names */
    assert_int_equal(behaviour_write_finish(w, &(BehaviourCatalogue){0}), ERR_FORMAT);
    assert_non_null(strstr(status_message(), "no events to write"));
    status_clear();
    behaviour_write_close(w);
    assert_int_equal(files_beside(path), 0);
}

/* Of every user the ranges of the first splits become one. */
static void splits_are_joined_in_memory(void **state)
{
    (void)state;
    char path[256];
    Behaviour b, joined;
    assert_ok(
        shop_write(&(Shop){.users = 50, .longest = 40, .seed = 1}, shop_path(path, "joined")));
    assert_ok(behaviour_open(&b, path));
    for (int splits = 1; splits <= SPLITS; splits++) {
        assert_ok(behaviour_open(&joined, path));
        assert_ok(behaviour_join_splits(&joined, splits));
        for (int64_t u = 0; u < b.users; u++) {
            const int64_t *train = joined.split[SPLIT_TRAIN][u];
            int64_t events = 0;
            for (int s = 0; s < splits; s++) events += b.split[s][u][1] - b.split[s][u][0];
            assert_int_equal(train[1] - train[0], events);
            if (events) assert_int_equal(train[0], b.offset[u]);
            for (int s = 1; s < SPLITS; s++) {
                const int64_t left = joined.split[s][u][1] - joined.split[s][u][0];
                assert_int_equal(left, s < splits ? 0 : b.split[s][u][1] - b.split[s][u][0]);
            }
        }
        behaviour_close(&joined);
    }
    int64_t user = 0;
    while (b.split[SPLIT_VALID][user][1] - b.split[SPLIT_VALID][user][0] < 2) user++;
    b.split[SPLIT_VALID][user][0]++; /* an event of no split */
    assert_refused(behaviour_join_splits(&b, 2), ERR_FORMAT, "/splits/valid[");
    behaviour_close(&b);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_gives_back_what_was_written),
        cmocka_unit_test(a_compressed_file_gives_back_what_was_written),
        cmocka_unit_test(sizes_known_beforehand_change_no_byte),
        cmocka_unit_test(layouts_of_other_writers_are_read_too),
        cmocka_unit_test(texts_of_variable_length_are_read_too),
        cmocka_unit_test(a_full_disk_fails_clearly_and_leaves_nothing_behind),
        cmocka_unit_test(an_abandoned_writer_leaves_nothing_behind),
        cmocka_unit_test(splits_are_joined_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
