/* A dictionary: keys (short texts) -> dense ids 0, 1, 2 ... in the order they were added. Open
 * addressing over 8-byte slots, the texts in an arena: about 30 bytes and the key itself, a key. */
#ifndef SOUK_INGEST_KEYS_H
#define SOUK_INGEST_KEYS_H

#include "base/status.h"
#include "data/rawlog/text.h"

enum { KEY_MAX = 1024 }; /* bytes of the longest key */

typedef struct {
    uint32_t hash, id_plus_one;
} KeySlot;

typedef struct {
    KeySlot *slot;
    uint64_t slots; /* a power of two; 0 before the first key */
    char **key;     /* [count] terminated, length in the two bytes before */
    int64_t count, room;
    char **block; /* arena */
    int blocks;
    size_t block_used;
    int64_t bytes; /* all memory held */
} Keys;

/* The id of `text`, or -1. */
int64_t keys_find(const Keys *keys, Text text, uint64_t hash);
/* The id of `text`, added if new. `hash` is text_hash(text); a key is at most KEY_MAX bytes. */
Status keys_add(Keys *keys, Text text, uint64_t hash, uint32_t *id);
Text keys_text(const Keys *keys, int64_t id);
void keys_close(Keys *keys); /* safe on {0} */

/* Bring the slot of a hash near, some look-ups ahead of its use. */
static inline void keys_prefetch(const Keys *keys, uint64_t hash)
{
    if (keys->slots) __builtin_prefetch(&keys->slot[(uint32_t)hash & (keys->slots - 1)]);
}

#endif
