/* The behaviour file: what is written is read back, whatever the layout. */
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
    assert_ok(behaviour_read(b, COLUMN_ITEM, first, count, &have));
    assert_memory_equal(have.i32, want->item, n * 4);
    assert_ok(behaviour_read(b, COLUMN_ACTION, first, count, &have));
    assert_memory_equal(have.u8, want->action, n);
    assert_ok(behaviour_read(b, COLUMN_TIME, first, count, &have));
    assert_memory_equal(have.i64, want->time, n * 8);
    assert_ok(behaviour_read(b, COLUMN_REWARD, first, count, &have));
    assert_memory_equal(have.f32, want->reward, n * 4);
    assert_ok(behaviour_read(b, COLUMN_END, first, count, &have));
    assert_memory_equal(have.u8, want->end, n);
    for (int s = 0; s < SPLITS; s++)
        for (int k = 0; k < 2; k++)
            assert_int_equal(b->split[s][user][k], first + want->split[s][k]);
    if (!shop->features) return;
    assert_ok(behaviour_read(b, COLUMN_PROPENSITY, first, count, &have));
    assert_memory_equal(have.f32, want->propensity, n * 4);
    for (int f = 0; f < 2; f++) {
        assert_ok(behaviour_read(b, (Column)(COLUMN_FEATURE + f), first, count, &have));
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
        assert_ok(behaviour_user_key(b, user, &key));
        assert_string_equal(key, want);
        assert_ok(behaviour_find_user(b, want, &found));
        assert_int_equal(found, user);
    }
    int32_t item;
    int64_t user;
    assert_ok(behaviour_item_key(b, 12, &key));
    assert_string_equal(key, "item-00012");
    assert_ok(behaviour_find_item(b, "item-00012", &item));
    assert_int_equal(item, 12);
    assert_ok(behaviour_find_item(b, "item-0001", &item));
    assert_int_equal(item, -1);
    assert_ok(behaviour_find_user(b, "nobody", &user));
    assert_int_equal(user, -1);
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
    }
    for (int64_t user = 0; user < b.users; user++)
        check_user(&b, shop, user, shop_user(shop, u, user));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_gives_back_what_was_written),
        cmocka_unit_test(a_compressed_file_gives_back_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
