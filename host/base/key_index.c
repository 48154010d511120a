/* SPDX-License-Identifier: Apache-2.0 */
#include "base/key_index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, and a last mixing, as the slot is chosen by the lowest bits. */
static uint64_t hash_of(const KeyIndex *x, const char *key)
{
    const size_t length = x->text ? strnlen(key, x->width) : x->width;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)key[i]) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 32;
}

static bool is_equal(const KeyIndex *x, const char *a, const char *b)
{
    return x->text ? strncmp(a, b, x->width) == 0 : memcmp(a, b, x->width) == 0;
}

Status key_index_open(KeyIndex *x, const void *keys, size_t width, bool text, int64_t count)
{
    uint64_t slots = 2;
    while (slots < 2 * (uint64_t)count) slots *= 2;
    *x = (KeyIndex){keys, width, text, malloc(slots * sizeof(int64_t)), slots - 1};
    if (!x->slot) return FAIL(ERR_MEMORY, "no memory for an index of %" PRId64 " keys", count);
    memset(x->slot, 0xff, slots * sizeof(int64_t));
    for (int64_t row = 0; row < count; row++) {
        uint64_t at = hash_of(x, x->keys + (size_t)row * width) & x->mask;
        while (x->slot[at] >= 0) at = (at + 1) & x->mask;
        x->slot[at] = row;
    }
    return OK;
}

void key_index_close(KeyIndex *x)
{
    free(x->slot);
    *x = (KeyIndex){0};
}

/* Rows were entered in rising order, so of equal keys the first row is met first. */
int64_t key_index_find(const KeyIndex *x, const void *key)
{
    uint64_t at = hash_of(x, key) & x->mask;
    for (; x->slot[at] >= 0; at = (at + 1) & x->mask)
        if (is_equal(x, key, x->keys + (size_t)x->slot[at] * x->width)) return x->slot[at];
    return -1;
}
