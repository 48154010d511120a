/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from keys to their rows, over keys that stay where they are. */
#ifndef SOUK_KEY_INDEX_H
#define SOUK_KEY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    const char *keys; /* [count] keys of `width` bytes, which must outlive the index */
    size_t width;
    bool text;     /* a key ends at its first zero byte */
    int64_t *slot; /* [mask + 1] rows; -1: empty. NULL: not open */
    uint64_t mask;
} KeyIndex;

Status key_index_open(KeyIndex *x, const void *keys, size_t width, bool text, int64_t count);
void key_index_close(KeyIndex *x); /* safe on {0} */

/* The first row that has the key, -1 where none has it. Any number of threads may look up. */
int64_t key_index_find(const KeyIndex *x, const void *key);

#endif
