/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums and fingerprints: what they are made of, and that layout does not change them. */
#include "shop.h"

#include <hdf5.h>
#include <sodium.h>

#include "data/behaviour/identity/hash.h"
#include "data/behaviour/identity/verify.h"

static void hash_file(const Shop *shop, HashedColumns *h, char fingerprint[HASH_TEXT])
{
    char path[256];
    Behaviour b;
    assert_ok(shop_write(shop, shop_path(path, "hash")));
    assert_ok(behaviour_open(&b, path));
    assert_ok(hash_columns(h, &b));
    assert_ok(hash_events(&b, fingerprint));
    behaviour_close(&b);
    unlink(path);
}

static void checksums_are_those_of_the_bytes(void **state)
{
    (void)state;
    const Shop shop = {.users = 30, .longest = 90, .features = true, .seed = 4};
    static ShopUser u;
    HashedColumns h;
    char fingerprint[HASH_TEXT], hex[HASH_TEXT], lines[32 * (HASH_PATH + HASH_TEXT + 2)] = "";
    unsigned char hash[HASH_BYTES];
    crypto_generichash_state reward;
    hash_file(&shop, &h, fingerprint);
    crypto_generichash_init(&reward, NULL, 0, HASH_BYTES);
    for (int64_t user = 0; user < shop.users; user++) {
        const UserHistory *of = shop_user(&shop, &u, user);
        crypto_generichash_update(&reward, (const unsigned char *)of->reward,
                                  (unsigned long long)of->count * sizeof(float));
    }
    crypto_generichash_final(&reward, hash, HASH_BYTES);
    sodium_bin2hex(hex, sizeof hex, hash, HASH_BYTES);
    assert_string_equal(h.column[3].path, "/events/reward");
    assert_string_equal(h.column[3].checksum, hex);
    assert_int_equal(h.count, 6 + 2 + 1 + SPLITS);
    for (int i = 0; i < h.count; i++)
        snprintf(lines + strlen(lines), HASH_PATH + HASH_TEXT + 2, "%s %s\n", h.column[i].path,
                 h.column[i].checksum);
    crypto_generichash(hash, HASH_BYTES, (const unsigned char *)lines, strlen(lines), NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, HASH_BYTES);
    assert_string_equal(fingerprint, hex);
}

static void only_the_data_counts(void **state)
{
    (void)state;
    Shop shop = {.users = 60, .longest = 4000, .features = true, .plain_keys = true, .seed = 4};
    HashedColumns h;
    char plain[HASH_TEXT], other[HASH_TEXT];
    hash_file(&shop, &h, plain);
    shop.compress = true;
    hash_file(&shop, &h, other);
    assert_string_equal(plain, other);
    shop.plain_keys = false;
    hash_file(&shop, &h, other);
    assert_string_equal(plain, other);
    shop.leave_one_out = true; /* the same events, another training */
    hash_file(&shop, &h, other);
    assert_string_not_equal(plain, other);
}

/* Overwrites element 5 of a column of the file, or removes a checksum. */
static void edit(const char *path, const char *column, float value)
{
    const hsize_t at = 5;
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, column, H5P_DEFAULT), one = H5Screate(H5S_SCALAR);
    const hid_t space = H5Dget_space(dataset);
    H5Sselect_elements(space, H5S_SELECT_SET, 1, &at);
    if (value < 0.0f)
        assert_true(H5Adelete(dataset, "checksum") >= 0);
    else
        assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, one, space, H5P_DEFAULT, &value) >= 0);
    H5Sclose(space);
    H5Sclose(one);
    H5Dclose(dataset);
    assert_true(H5Fclose(file) >= 0);
}

static Status verified(const char *path, Verified *v)
{
    Behaviour b;
    assert_ok(behaviour_open(&b, path));
    const Status st = verify_file(v, &b);
    behaviour_close(&b);
    return st;
}

static void changed_data_are_found(void **state)
{
    (void)state;
    char path[256];
    Verified v;
    for (int k = 0; k < 8; k++) {
        const Shop shop = {.users = 40,
                           .longest = 900,
                           .features = true,
                           .compress = k & 1,
                           .plain_keys = k & 2,
                           .placed = k & 4,
                           .seed = 4};
        assert_ok(shop_write(&shop, shop_path(path, "verify")));
        assert_ok(verified(path, &v));
        assert_true(v.checksums == 12 && v.without == 0 && v.fingerprint);
        edit(path, "/events/price", -1.0f);
        assert_ok(verified(path, &v)); /* an old file has no checksums */
        assert_true(v.checksums == 11 && v.without == 1);
        edit(path, "/events/price", 0.125f);
        assert_refused(verified(path, &v), ERR_FORMAT, "the list of columns has the hash");
        edit(path, "/events/reward", 0.125f);
        assert_refused(verified(path, &v), ERR_FORMAT, "/events/reward has the hash");
        assert_ok(shop_write(&shop, path));
        edit(path, "/items/item_price", 0.125f);
        assert_refused(verified(path, &v), ERR_FORMAT, "the catalogue has the hash");
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_those_of_the_bytes),
        cmocka_unit_test(only_the_data_counts),
        cmocka_unit_test(changed_data_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
