/* SPDX-License-Identifier: Apache-2.0 */
/* What the modules that read an open behaviour file share: behaviour.c, columns.c and keys.c. */
#ifndef SOUK_BEHAVIOUR_STORE_H
#define SOUK_BEHAVIOUR_STORE_H

#include <hdf5.h>
#include <pthread.h>

#include "base/key_index.h"
#include "data/behaviour/schema.h"

enum { CACHE_SLOTS = 32 };

typedef struct {
    uint64_t address, bytes;
    uint32_t skipped_filters; /* bit i: filter i of the pipeline was not applied to this chunk */
} ChunkPlace;

typedef enum {
    STORED_CONTIGUOUS, /* copied from the mapped file */
    STORED_CHUNKED,    /* found by our own table of chunks; shuffle and deflate decoded here */
    STORED_OTHERWISE,  /* read by the library, under a mutex */
} Stored;

typedef struct {
    Stored stored;
    hid_t dataset;    /* 0: the file has no such column */
    size_t size;      /* bytes of an element */
    uint64_t address; /* STORED_CONTIGUOUS */
    int64_t bytes_stored;
    int64_t chunk; /* elements of a chunk */
    int64_t chunks;
    ChunkPlace *table;    /* [chunks] */
    int shuffle, deflate; /* their places in the pipeline of filters; -1: absent */
} StoredColumn;

/* Decoded chunks are kept for small reads; the one that was used longest ago is dropped first. */
typedef struct {
    int column;
    int64_t chunk, used; /* used: clock of the last read; 0: empty slot */
    char *data;
} CachedChunk;

typedef struct BehaviourStore {
    hid_t file;
    const char *map; /* the whole file, read-only */
    size_t bytes;
    StoredColumn column[EVENT_COLUMNS_MAX];
    pthread_mutex_t lock; /* guards the cache and the library */
    CachedChunk cache[CACHE_SLOTS];
    int64_t clock;
    char *item_keys, *user_keys;           /* texts of a fixed width, read when first asked for */
    size_t item_key_width, user_key_width; /* with the closing zero */
    uint64_t *pseudonyms;
    KeyIndex item_index, user_index; /* made by behaviour_keys_index_* */
    char shown[32];                  /* a pseudonym as text */
} BehaviourStore;

#endif
