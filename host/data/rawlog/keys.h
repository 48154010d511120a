/* SPDX-License-Identifier: Apache-2.0 */
/* A dictionary: keys, which are short texts -> dense ids 0, 1, 2 ... in the order of adding. Open
 * addressing over slots of 8 bytes, with the texts in an arena. Each key takes some 30 bytes and
 * its text. */
#ifndef SOUK_RAWLOG_KEYS_H
#define SOUK_RAWLOG_KEYS_H

#include "base/status.h"
#include "data/rawlog/text.h"

enum { KEY_MAX = 1024 }; /* bytes of the longest key */

typedef struct {
    uint32_t hash, id_plus_one;
} KeySlot;

typedef struct {
    KeySlot *slot;
    uint64_t slots; /* a power of two; 0 before the first key */
    char **key;     /* [count] zero-terminated; the length is in the two bytes before it */
    int64_t count, capacity;
    char **block; /* the arena of texts */
    int blocks;
    size_t block_used;
    int64_t bytes; /* of all memory held */
} Keys;

/* The id of `text`, or -1. */
int64_t keys_find(const Keys *keys, Text text, uint64_t hash);
/* The id of `text`, added if new. `hash` is text_hash(text); a key is at most KEY_MAX bytes. */
Status keys_add(Keys *keys, Text text, uint64_t hash, uint32_t *id);
Text keys_text(const Keys *keys, int64_t id);
void keys_close(Keys *keys); /* safe on {0} */

/* Load the slot of a hash into the cache, some look-ups before it is needed. */
static inline void keys_prefetch(const Keys *keys, uint64_t hash)
{
    if (keys->slots) __builtin_prefetch(&keys->slot[(uint32_t)hash & (keys->slots - 1)]);
}

#endif
