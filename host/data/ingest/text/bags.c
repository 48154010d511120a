/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/text/bags.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/ingest/known/known.h"
#include "data/ingest/text/ngrams.h"

enum { BITS_LEAST = 16, BITS_MOST = 20, ITEM_BUCKETS = 4 };

typedef struct {
    const Stage *g;
    const ItemTexts *known; /* of the known catalogue; {0}: there is none */
    Ngrams ngrams;
    uint64_t mask;  /* buckets - 1 */
    int64_t read;   /* items whose texts this log says */
    int32_t *items; /* [buckets] items that have the bucket */
    int32_t *last;  /* [buckets] the latest of them, plus one */
    int32_t *row;   /* [buckets] its row, plus one */
} Bags;

static bool is_text(const Stage *g, int f) { return g->m->feature[f].text; }

/* Whether an item keeps the n-grams of the known catalogue, as this log does not say its texts. */
static bool is_kept(const Bags *b, int64_t item)
{
    for (int f = 0; f < b->g->m->features; f++) {
        const KnownValue *v = &b->g->item_value[item * b->g->item_features + b->g->feature_at[f]];
        if (is_text(b->g, f) && !known_stays(b->g, f, item, v)) return false;
    }
    return true;
}

/* The text that an item has in a column; "" where there is none. */
static Text text_at(const Stage *g, int f, int64_t item)
{
    const KnownValue *v = &g->item_value[item * g->item_features + g->feature_at[f]];
    if (v->rank == 0) return text_of("");
    return keys_text(&g->category[g->m->feature[f].cell], (int64_t)v->value.category - 1);
}

/* ---- First pass: how many items have each n-gram --------------------------------------------- */

static void count_item(Bags *b, int64_t item)
{
    TextCounts *counts = &b->g->report->texts;
    bool any = false;
    if (is_kept(b, item)) {
        counts->without += b->known->offset[item + 1] == b->known->offset[item];
        return;
    }
    b->read++;
    for (int f = 0; f < b->g->m->features; f++) {
        if (!is_text(b->g, f)) continue;
        const Text text = text_at(b->g, f, item);
        any |= text.length > 0;
        counts->cut += text.length == KEY_MAX;
        for (int kind = 0; kind < NGRAM_KINDS; kind++) {
            ngrams_find(&b->ngrams, text, (NgramKind)kind);
            for (int i = 0; i < b->ngrams.count; i++) {
                const uint64_t bucket = b->ngrams.hash[i] & b->mask;
                b->items[bucket] += b->last[bucket] != (int32_t)item + 1;
                b->last[bucket] = (int32_t)item + 1;
            }
        }
    }
    counts->without += !any;
}

/* Makes items[bucket] 0 where the n-gram is dropped. Known n-grams stay. */
static void drop(Bags *b)
{
    TextCounts *counts = &b->g->report->texts;
    for (uint64_t bucket = 0; bucket <= b->mask; bucket++) {
        const int64_t items = b->items[bucket];
        if (b->row[bucket]) {
            b->items[bucket] = 1;
            continue;
        }
        const bool rare = items == 1, common = items > b->read / 2;
        counts->rare += rare;
        counts->common += common && !rare;
        if (rare || common) b->items[bucket] = 0;
    }
}

/* ---- Second pass: the set of each item ------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* The rows of what the log says of an item, at most BAG_MOST, ascending; returns their number. New
 * ones are numbered, behind the known ones, in the order in which the items have them; where
 * `texts` is NULL, only known ones are wanted. */
static int find_rows(Bags *b, int64_t item, int32_t row[BAG_MOST], ItemTexts *texts, bool *more)
{
    int count = 0;
    for (int kind = 0; kind < NGRAM_KINDS; kind++)
        for (int f = 0; f < b->g->m->features; f++) {
            if (!is_text(b->g, f)) continue;
            ngrams_find(&b->ngrams, text_at(b->g, f, item), (NgramKind)kind);
            for (int i = 0; i < b->ngrams.count; i++) {
                const uint64_t bucket = b->ngrams.hash[i] & b->mask;
                if (!b->items[bucket] || b->last[bucket] == (int32_t)item + 1) continue;
                if (!texts && (b->row[bucket] == 0 || b->row[bucket] > b->known->rows)) continue;
                *more |= count == BAG_MOST;
                if (count == BAG_MOST) continue;
                b->last[bucket] = (int32_t)item + 1;
                if (!b->row[bucket]) {
                    texts->bucket[texts->rows] = (int32_t)bucket;
                    b->row[bucket] = (int32_t)++texts->rows;
                }
                row[count++] = b->row[bucket] - 1;
            }
        }
    qsort(row, (size_t)count, sizeof *row, ascending);
    return count;
}

static int copy_known(const Bags *b, int64_t item, int32_t row[BAG_MOST])
{
    const int64_t first = b->known->offset[item], end = b->known->offset[item + 1];
    const int count = end - first > BAG_MOST ? BAG_MOST : (int)(end - first);
    memcpy(row, b->known->row + first, (size_t)count * sizeof *row);
    return count;
}

/* Whether the texts of a known item say what they said: of the known n-grams they have the same. */
static bool says_the_same(Bags *b, int64_t item)
{
    int32_t now[BAG_MOST], then[BAG_MOST];
    bool more = false;
    const int count = find_rows(b, item, now, NULL, &more);
    for (int i = 0; i < count; i++) b->last[b->known->bucket[now[i]]] = 0;
    return count == copy_known(b, item, then) &&
           memcmp(now, then, (size_t)count * sizeof *now) == 0;
}

static void note_change(const Bags *b, int64_t item)
{
    int f = 0;
    while (!is_text(b->g, f)) f++;
    known_note_change(b->g, f, item);
}

/* The rows of an item; returns their number. */
static int fill_item(Bags *b, int64_t item, int32_t row[BAG_MOST], ItemTexts *texts)
{
    const bool known = item < b->g->known_items;
    bool more = false;
    if (known && (is_kept(b, item) || says_the_same(b, item))) return copy_known(b, item, row);
    const int count = find_rows(b, item, row, texts, &more);
    if (known) note_change(b, item);
    b->g->report->texts.shortened += more;
    return count;
}

static Status fill(Bags *b, ItemTexts *texts)
{
    const int64_t items = b->g->rows_of_items;
    int64_t capacity = 0, used = 0;
    texts->offset = calloc((size_t)items + 1, sizeof *texts->offset);
    if (!texts->offset) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " texts", items);
    memset(b->last, 0, (size_t)(b->mask + 1) * sizeof *b->last);
    for (int64_t i = 0; i < items; i++) {
        if (capacity - used < BAG_MOST) {
            capacity = 2 * capacity + 64 * BAG_MOST;
            int32_t *grown = realloc(texts->row, (size_t)capacity * sizeof *grown);
            if (!grown) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " n-grams", capacity);
            texts->row = grown;
        }
        used += fill_item(b, i, texts->row + used, texts);
        texts->offset[i + 1] = used;
    }
    return OK;
}

/* ---- All ------------------------------------------------------------------------------------- */

static Status make(Bags *b, ItemTexts *texts)
{
    const int64_t items = b->g->rows_of_items;
    int bits = BITS_LEAST;
    while (bits < BITS_MOST && (INT64_C(1) << bits) < ITEM_BUCKETS * items) bits++;
    if (b->known->buckets)
        for (bits = 0; INT32_C(1) << bits < b->known->buckets;) bits++;
    b->mask = (UINT64_C(1) << bits) - 1;
    texts->buckets = INT32_C(1) << bits;
    texts->bucket = malloc(sizeof *texts->bucket << bits);
    b->items = calloc((size_t)1 << bits, sizeof *b->items);
    b->last = calloc((size_t)1 << bits, sizeof *b->last);
    b->row = calloc((size_t)1 << bits, sizeof *b->row);
    if (!b->items || !b->last || !b->row || !texts->bucket)
        return FAIL(ERR_MEMORY, "no memory for 2^%d n-grams", bits);
    TRY(ngrams_open(&b->ngrams));
    texts->rows = b->known->rows;
    for (int64_t r = 0; r < texts->rows; r++) {
        texts->bucket[r] = b->known->bucket[r];
        b->row[texts->bucket[r]] = (int32_t)r + 1;
    }
    for (int64_t i = 0; i < items; i++) count_item(b, i);
    drop(b);
    TRY(fill(b, texts));
    b->g->report->texts.rows = texts->rows;
    b->g->report->texts.entries = texts->offset[items];
    return OK;
}

Status bags_make(const Stage *g, ItemTexts *texts)
{
    bool any = false;
    *texts = (ItemTexts){0};
    g->report->texts = (TextCounts){0};
    for (int f = 0; f < g->m->features; f++) any |= is_text(g, f);
    if (!any) return OK;
    Bags *b = calloc(1, sizeof *b);
    if (!b) return FAIL(ERR_MEMORY, "no memory for the texts of items");
    static const ItemTexts none;
    b->g = g;
    b->known = g->known ? &g->known->file.texts : &none;
    const Status st = make(b, texts);
    ngrams_close(&b->ngrams);
    free(b->items);
    free(b->last);
    free(b->row);
    free(b);
    return st;
}
