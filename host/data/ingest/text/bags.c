/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/text/bags.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/ingest/text/ngrams.h"

enum { BITS_LEAST = 16, BITS_MOST = 20, ITEM_BUCKETS = 4 };

typedef struct {
    const Stage *g;
    Ngrams ngrams;
    uint64_t mask;  /* buckets - 1 */
    int32_t *items; /* [buckets] items that have the bucket */
    int32_t *last;  /* [buckets] the latest of them, plus one */
    int32_t *row;   /* [buckets] its row, plus one */
} Bags;

static bool is_text(const Stage *g, int f) { return g->m->feature[f].text; }

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

/* Makes items[bucket] 0 where the n-gram is dropped. */
static void drop(Bags *b)
{
    TextCounts *counts = &b->g->report->texts;
    for (uint64_t bucket = 0; bucket <= b->mask; bucket++) {
        const int64_t items = b->items[bucket];
        const bool rare = items == 1, common = items > b->g->rows_of_items / 2;
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

/* The rows of an item, at most BAG_MOST, ascending; returns their number. Rows are numbered in the
 * order in which the items have them. */
static int fill_item(Bags *b, int64_t item, int32_t row[BAG_MOST], int64_t *rows)
{
    int count = 0;
    bool more = false;
    for (int kind = 0; kind < NGRAM_KINDS; kind++)
        for (int f = 0; f < b->g->m->features; f++) {
            if (!is_text(b->g, f)) continue;
            ngrams_find(&b->ngrams, text_at(b->g, f, item), (NgramKind)kind);
            for (int i = 0; i < b->ngrams.count; i++) {
                const uint64_t bucket = b->ngrams.hash[i] & b->mask;
                if (!b->items[bucket] || b->last[bucket] == (int32_t)item + 1) continue;
                more |= count == BAG_MOST;
                if (count == BAG_MOST) continue;
                b->last[bucket] = (int32_t)item + 1;
                if (!b->row[bucket]) b->row[bucket] = (int32_t)++ * rows;
                row[count++] = b->row[bucket] - 1;
            }
        }
    b->g->report->texts.shortened += more;
    qsort(row, (size_t)count, sizeof *row, ascending);
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
        used += fill_item(b, i, texts->row + used, &texts->rows);
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
    b->mask = (UINT64_C(1) << bits) - 1;
    b->items = calloc((size_t)1 << bits, sizeof *b->items);
    b->last = calloc((size_t)1 << bits, sizeof *b->last);
    b->row = calloc((size_t)1 << bits, sizeof *b->row);
    if (!b->items || !b->last || !b->row)
        return FAIL(ERR_MEMORY, "no memory for 2^%d n-grams", bits);
    TRY(ngrams_open(&b->ngrams));
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
    b->g = g;
    const Status st = make(b, texts);
    ngrams_close(&b->ngrams);
    free(b->items);
    free(b->last);
    free(b->row);
    free(b);
    return st;
}
