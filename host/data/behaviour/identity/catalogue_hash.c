/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/identity/catalogue_hash.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/catalogue/texts.h"
#include "data/behaviour/keys.h"

Status catalogue_hash(int64_t items, const char *const *item_key, const FeatureSet *f,
                      const ItemTexts *texts, char hex[HASH_TEXT])
{
    if (sodium_init() < 0) return FAIL(ERR_IO, "libsodium does not start");
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    for (int64_t i = 0; i < items; i++)
        crypto_generichash_update(&state, (const unsigned char *)item_key[i],
                                  strlen(item_key[i]) + 1);
    for (int k = 0; k < f->kinds; k++) {
        crypto_generichash_update(&state, (const unsigned char *)f->kind_name[k],
                                  strlen(f->kind_name[k]) + 1);
        crypto_generichash_update(&state, (const unsigned char *)&f->kind_rows[k], 4);
    }
    for (int n = 0; n < f->numbers; n++) {
        crypto_generichash_update(&state, (const unsigned char *)f->number_name[n],
                                  strlen(f->number_name[n]) + 1);
        crypto_generichash_update(&state, (const unsigned char *)&f->mean[n], 4);
        crypto_generichash_update(&state, (const unsigned char *)&f->std[n], 4);
    }
    if (f->kinds)
        crypto_generichash_update(&state, (const unsigned char *)f->category,
                                  (unsigned long long)items * (unsigned)f->kinds * 4);
    if (f->numbers)
        crypto_generichash_update(&state, (const unsigned char *)f->number,
                                  (unsigned long long)items * (unsigned)f->numbers * 4);
    texts_hash(texts, items, &state);
    unsigned char hash[HASH_BYTES];
    crypto_generichash_final(&state, hash, HASH_BYTES);
    sodium_bin2hex(hex, HASH_TEXT, hash, HASH_BYTES);
    return OK;
}

Status catalogue_hash_of(Behaviour *b, char hex[HASH_TEXT])
{
    const char **key = malloc((size_t)b->items * sizeof *key);
    Status st = OK;
    if (!key) return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " keys", b->path, b->items);
    for (int64_t i = 0; i < b->items && st == OK; i++)
        st = behaviour_keys_item(b, (int32_t)i, &key[i]);
    if (st == OK) st = catalogue_hash(b->items, key, &b->item_features, &b->texts, hex);
    free(key);
    return st;
}
