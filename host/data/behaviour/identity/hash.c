/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/identity/hash.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/get.h"
#include "data/behaviour/store.h"

enum { BLOCK = 1 << 16 };

static void begin(crypto_generichash_state *state)
{
    crypto_generichash_init(state, NULL, 0, HASH_BYTES);
}

static void end(crypto_generichash_state *state, char hex[HASH_TEXT])
{
    unsigned char hash[HASH_BYTES];
    crypto_generichash_final(state, hash, HASH_BYTES);
    sodium_bin2hex(hex, HASH_TEXT, hash, HASH_BYTES);
}

static void hash_array(const void *data, int64_t bytes, char hex[HASH_TEXT])
{
    crypto_generichash_state state;
    begin(&state);
    crypto_generichash_update(&state, data, (unsigned long long)bytes);
    end(&state, hex);
}

/* Blocks of a column that is not in the mapped file in one piece. */
static Status hash_blocks(const Behaviour *b, Column column, char hex[HASH_TEXT])
{
    const size_t size = schema_type_bytes(schema_column_type(column));
    crypto_generichash_state state;
    Status st = OK;
    char *block = malloc(BLOCK * size);
    if (!block) return FAIL(ERR_MEMORY, "%s: no memory to hash a column", b->path);
    begin(&state);
    for (int64_t first = 0; first < b->events && st == OK; first += BLOCK) {
        const int64_t left = b->events - first, count = left < BLOCK ? left : BLOCK;
        st = columns_read(b, column, first, count, block);
        if (st == OK)
            crypto_generichash_update(&state, (unsigned char *)block,
                                      (unsigned long long)count * size);
    }
    end(&state, hex);
    free(block);
    return st;
}

static Status hash_column(const Behaviour *b, Column column, char hex[HASH_TEXT])
{
    const void *direct = columns_direct(b, column);
    if (!direct) return hash_blocks(b, column, hex);
    const size_t size = schema_type_bytes(schema_column_type(column));
    hash_array(direct, b->events * (int64_t)size, hex);
    return OK;
}

typedef struct {
    const Behaviour *file;
    HashedColumns *hashed;
    int events; /* columns of events, which come first; then offsets and splits */
    Column column[EVENT_COLUMNS_MAX];
} Task;

static Status hash_one(void *context, int64_t index)
{
    const Task *t = context;
    const Behaviour *b = t->file;
    char *hex = t->hashed->column[index].checksum;
    const int64_t other = index - t->events;
    if (other < 0) return hash_column(b, t->column[index], hex);
    if (other == 0)
        hash_array(b->offset, (b->users + 1) * (int64_t)sizeof *b->offset, hex);
    else
        hash_array(b->split[other - 1], b->users * (int64_t)sizeof *b->split[0], hex);
    return OK;
}

static void add(HashedColumns *h, const char *path)
{
    snprintf(h->column[h->count++].path, HASH_PATH, "%s", path);
}

void hash_add(HashedColumns *h, const char *path, const unsigned char *hash)
{
    sodium_bin2hex(h->column[h->count].checksum, HASH_TEXT, hash, HASH_BYTES);
    add(h, path);
}

Status hash_columns(HashedColumns *h, const Behaviour *b)
{
    Task t = {.file = b, .hashed = h};
    if (sodium_init() < 0) return FAIL(ERR_IO, "libsodium does not start");
    *h = (HashedColumns){0};
    for (int c = 0; c < COLUMN_FEATURE + b->event_features.numbers; c++) {
        char path[COLUMN_PATH_MAX];
        if (!columns_has(b, (Column)c)) continue;
        columns_path(b, (Column)c, path);
        t.column[t.events++] = (Column)c;
        add(h, path);
    }
    add(h, "/users/offset");
    for (int s = 0; s < SPLITS; s++) add(h, schema_split_path[s]);
    return parallel_run(parallel_processors(), h->count, hash_one, &t);
}

Status hash_fingerprint(const HashedColumns *h, char hex[HASH_TEXT])
{
    crypto_generichash_state state;
    if (sodium_init() < 0) return FAIL(ERR_IO, "libsodium does not start");
    begin(&state);
    for (int i = 0; i < h->count; i++) {
        char line[HASH_PATH + HASH_TEXT + 2];
        const int length =
            snprintf(line, sizeof line, "%s %s\n", h->column[i].path, h->column[i].checksum);
        crypto_generichash_update(&state, (unsigned char *)line, (unsigned long long)length);
    }
    end(&state, hex);
    return OK;
}

Status hash_events(const Behaviour *b, char hex[HASH_TEXT])
{
    HashedColumns h;
    TRY(hash_columns(&h, b));
    return hash_fingerprint(&h, hex);
}

Status hash_events_said(const Behaviour *b, char hex[HASH_TEXT])
{
    char *said;
    TRY(get_text(b->path, b->store->file, "fingerprint", &said));
    if (!said) return hash_events(b, hex);
    snprintf(hex, HASH_TEXT, "%s", said);
    free(said);
    return OK;
}
