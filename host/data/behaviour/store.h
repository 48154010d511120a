/* What the rooms of the behaviour file share: behaviour.c (open, validate, keys), behaviour_columns.c
 * (raw reads), behaviour_write.c. HDF5 stays inside these.
 */
#ifndef SOUK_BEHAVIOUR_STORE_H
#define SOUK_BEHAVIOUR_STORE_H

#include <hdf5.h>
#include <pthread.h>

#include "data/behaviour/behaviour.h"

enum {
    COLUMNS_MAX = COLUMN_FEATURE + FEATURES_MAX,
    CACHE_SLOTS = 32,
    CHUNKS_MAX = 4096,
    CHUNK_EVENTS_MAX = 1 << 24
};

typedef struct {
    uint64_t address, bytes;
    uint32_t skipped_filters; /* bit i: filter i of the pipeline was not applied to this chunk */
} ChunkPlace;

typedef enum {
    STORED_CONTIGUOUS, /* memcpy from the mapped file */
    STORED_CHUNKED,    /* own chunk table, shuffle and deflate decoded here */
    STORED_OTHERWISE,  /* through the library, under a mutex */
} Stored;

typedef struct {
    Stored stored;
    hid_t dataset;
    hid_t memory_type; /* native type of the column */
    size_t size;       /* bytes of an element */
    uint64_t address;  /* STORED_CONTIGUOUS */
    int64_t bytes_stored;
    int64_t chunk; /* elements of a chunk */
    int64_t chunks;
    ChunkPlace *table;    /* [chunks] */
    int shuffle, deflate; /* place in the pipeline, -1: absent */
} StoredColumn;

/* Decoded chunks kept for small reads; the oldest use goes first. */
typedef struct {
    int column;
    int64_t chunk, used; /* used: clock of the last read; 0: empty slot */
    char *data;
} CachedChunk;

typedef struct BehaviourStore {
    hid_t file;
    const char *path;
    const char *map; /* the whole file, read-only */
    size_t bytes;
    int64_t events;
    StoredColumn column[COLUMNS_MAX];
    pthread_mutex_t lock; /* guards the cache and the library */
    CachedChunk cache[CACHE_SLOTS];
    int64_t clock;
    char *item_keys, *user_keys;           /* fixed-width texts, read when first asked for */
    size_t item_key_width, user_key_width; /* with the closing zero */
    uint64_t *pseudonyms;
    char shown[32]; /* a pseudonym as text */
} BehaviourStore;

/* Name of a column's dataset, e.g. "/events/item". */
void columns_name(const Behaviour *b, Column column, char *name, size_t size);
/* Describe where the column's bytes lie; the dataset must have `events` elements of the native type. */
Status columns_open(BehaviourStore *s, Column column, const char *name, hid_t memory_type);
void columns_close(StoredColumn *c);

#endif
