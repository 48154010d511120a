/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64, FIRST_BLOCK = 1 << 12, BLOCK = 1 << 18 };
#define KEYS_LIMIT INT64_C(2147483646)

int64_t keys_find(const Keys *k, Text text, uint64_t hash)
{
    if (!k->slots) return -1;
    const uint64_t mask = k->slots - 1;
    for (uint64_t at = (uint32_t)hash & mask; k->slot[at].id_plus_one; at = (at + 1) & mask) {
        if (k->slot[at].hash != (uint32_t)hash) continue;
        const int64_t id = (int64_t)k->slot[at].id_plus_one - 1;
        if (text_equal(keys_text(k, id), text)) return id;
    }
    return -1;
}

static void place(KeySlot *slot, uint64_t mask, KeySlot entry)
{
    uint64_t at = entry.hash & mask;
    while (slot[at].id_plus_one) at = (at + 1) & mask;
    slot[at] = entry;
}

/* Twice the slots once they are 5/8 full. */
static Status grow_slots(Keys *k)
{
    if (k->slots && (uint64_t)k->count * 8 < k->slots * 5) return OK;
    const uint64_t slots = k->slots ? k->slots * 2 : SLOTS_FIRST;
    KeySlot *fresh = calloc(slots, sizeof *fresh);
    if (!fresh) return FAIL(ERR_MEMORY, "no memory for a dictionary of %" PRId64 " keys", k->count);
    for (uint64_t i = 0; i < k->slots; i++)
        if (k->slot[i].id_plus_one) place(fresh, slots - 1, k->slot[i]);
    free(k->slot);
    k->bytes += (int64_t)((slots - k->slots) * sizeof *fresh);
    k->slot = fresh;
    k->slots = slots;
    return OK;
}

static Status grow_keys(Keys *k)
{
    if (k->count < k->capacity) return OK;
    const int64_t capacity = k->capacity ? k->capacity + k->capacity / 2 : 64;
    char **fresh = realloc(k->key, (size_t)capacity * sizeof *fresh);
    if (!fresh) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " keys", capacity);
    k->bytes += (capacity - k->capacity) * (int64_t)sizeof *fresh;
    k->key = fresh;
    k->capacity = capacity;
    return OK;
}

/* Space for `size` more bytes of texts in the last block. The first block is small, because many
 * dictionaries have few keys. */
static Status grow_arena(Keys *k, size_t size)
{
    const size_t block = k->blocks ? BLOCK : FIRST_BLOCK;
    const size_t last = k->blocks == 1 ? FIRST_BLOCK : BLOCK;
    if (k->blocks && k->block_used + size <= last) return OK;
    char **list = realloc(k->block, (size_t)(k->blocks + 1) * sizeof *list);
    if (list) k->block = list;
    char *fresh = list ? malloc(block) : NULL;
    if (!fresh) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " keys", k->count + 1);
    k->block[k->blocks++] = fresh;
    k->block_used = 0;
    k->bytes += (int64_t)block;
    return OK;
}

Status keys_add(Keys *k, Text text, uint64_t hash, uint32_t *id)
{
    const int64_t known = keys_find(k, text, hash);
    if (known >= 0) {
        *id = (uint32_t)known;
        return OK;
    }
    REQUIRE(text.length <= KEY_MAX, "a key of %u bytes, want at most %d", text.length, KEY_MAX);
    if (k->count >= KEYS_LIMIT) return FAIL(ERR_FORMAT, "more than 2^31 - 2 different keys");
    TRY(grow_slots(k));
    TRY(grow_keys(k));
    TRY(grow_arena(k, text.length + 3));
    char *at = k->block[k->blocks - 1] + k->block_used;
    const uint16_t length = (uint16_t)text.length;
    memcpy(at, &length, 2);
    if (text.length) memcpy(at + 2, text.at, text.length);
    at[2 + text.length] = '\0';
    k->block_used += text.length + 3;
    k->key[k->count] = at + 2;
    *id = (uint32_t)k->count++;
    place(k->slot, k->slots - 1, (KeySlot){(uint32_t)hash, *id + 1});
    return OK;
}

Text keys_text(const Keys *k, int64_t id)
{
    uint16_t length;
    memcpy(&length, k->key[id] - 2, 2);
    return (Text){k->key[id], length};
}

void keys_close(Keys *k)
{
    for (int i = 0; i < k->blocks; i++) free(k->block[i]);
    free(k->block);
    free(k->key);
    free(k->slot);
    *k = (Keys){0};
}
