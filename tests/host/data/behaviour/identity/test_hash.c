/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums and fingerprints: what they are made of, and that layout does not change them. */
#include "shop.h"

#include <sodium.h>

#include "data/behaviour/identity/hash.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_those_of_the_bytes),
        cmocka_unit_test(only_the_data_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
