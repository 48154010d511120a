/* SPDX-License-Identifier: Apache-2.0 */
#include "embedding.h"

#include "base/bf16.h"

#include <inttypes.h>
#include <string.h>

enum { CHUNK = 256, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* at: of the id among all ids. */
typedef struct {
    int32_t id, at;
} Entry;

/* Entries first .. last-1 of the sorted order. All have one id. */
typedef struct {
    int64_t first, last;
    int64_t partial; /* the row of partial sums that the chunk adds to; -1: dtable */
} Chunk;

static void add_row(float *restrict y, float scale, const float *restrict x, int64_t dim)
{
    for (int64_t c = 0; c < dim; c++) y[c] += scale * x[c];
}

static void check_id(int32_t id, int64_t at, int64_t entries)
{
    REQUIRE(id < entries,
            "embedding: ids[%" PRId64 "] = %d, want below the table's %" PRId64 " rows", at, id,
            entries);
}

void embedding_add(Device *dev, Tensor y, Tensor table, Tensor ids)
{
    const int64_t rows = y.dim[0], dim = y.dim[1], entries = table.dim[0];
    EXPECT(y, activation_dtype(y), rows, dim);
    EXPECT(table, F32, entries, dim);
    EXPECT(ids, I32, rows);
    if (ON_CUDA(dev)) {
        embedding_add_cuda(dev, y, table, ids);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor to = bf16_widen(dev, y);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        const int32_t id = i32(ids)[i];
        check_id(id, i, entries);
        if (id >= 0) add_row(f32(to) + i * dim, 1.0f, f32(table) + id * dim, dim);
    }
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

/* One stable pass over the digit at `shift`. */
static void sort_pass(Entry *to, const Entry *from, int64_t count, int shift)
{
    int64_t start[DIGITS] = {0};
    for (int64_t i = 0; i < count; i++) start[from[i].id >> shift & (DIGITS - 1)]++;
    int64_t sum = 0;
    for (int d = 0; d < DIGITS; d++) {
        const int64_t size = start[d];
        start[d] = sum;
        sum += size;
    }
    for (int64_t i = 0; i < count; i++) to[start[from[i].id >> shift & (DIGITS - 1)]++] = from[i];
}

/* The ids that are not below 0, sorted by (id, at). Returns a or b, whichever has the result. */
static const Entry *sort_ids(Entry *a, Entry *b, int64_t *count, Tensor ids, int64_t entries)
{
    const int64_t all = tensor_count(ids);
    int64_t used = 0;
    int32_t largest = 0;
    for (int64_t i = 0; i < all; i++) {
        const int32_t id = i32(ids)[i];
        check_id(id, i, entries);
        if (id < 0) continue;
        if (id > largest) largest = id;
        a[used++] = (Entry){id, (int32_t)i};
    }
    *count = used;
    for (int shift = 0; shift < 32 && (largest >> shift) > 0; shift += DIGIT_BITS) {
        sort_pass(b, a, used, shift);
        Entry *sorted = b;
        b = a;
        a = sorted;
    }
    return a;
}

/* Cut the sorted entries into chunks of one id, and return their number. Only the first chunk of an
 * id adds to dtable, so that no two threads write one row. */
static int64_t cut(Chunk *chunk, const Entry *entry, int64_t count)
{
    int64_t chunks = 0, partials = 0;
    for (int64_t first = 0, last; first < count; first = last) {
        const int goes_on = first > 0 && entry[first].id == entry[first - 1].id;
        for (last = first + 1; last < count && last - first < CHUNK; last++)
            if (entry[last].id != entry[first].id) break;
        chunk[chunks++] = (Chunk){first, last, goes_on ? partials++ : -1};
    }
    return chunks;
}

/* What is added up: g[at] y[at / k, :], g NULL: 1. */
typedef struct {
    const float *y, *g;
    int64_t dim, k;
} Terms;

/* sum += the terms of the chunk; *bias += their g, where bias is not NULL. */
static void add_chunk(float *sum, float *bias, const Terms *t, const Entry *entry,
                      const Chunk *chunk)
{
    for (int64_t i = chunk->first; i < chunk->last; i++) {
        const int64_t at = entry[i].at, row = t->k == 1 ? at : at / t->k;
        add_row(sum, t->g ? t->g[at] : 1.0f, t->y + row * t->dim, t->dim);
        if (bias) *bias += t->g[at];
    }
}

/* dbias and g: both absent, or g alone present, or both. */
static void scatter(Device *dev, Tensor dtable, Tensor dbias, Tensor y, Tensor g, Tensor ids)
{
    const int64_t dim = y.dim[1], entries = dtable.dim[0], all = tensor_count(ids);
    REQUIRE(all <= INT32_MAX, "embedding: %" PRId64 " ids in one call", all);
    if (ON_CUDA(dev)) {
        embedding_scatter_cuda(dev, dtable, dbias, y, g, ids);
        return;
    }

    const size_t mark = scratch_mark(dev);
    Entry *a = SCRATCH(dev, U8, all, sizeof(Entry)).data;
    Entry *b = SCRATCH(dev, U8, all, sizeof(Entry)).data;
    Chunk *chunk = SCRATCH(dev, U8, all, sizeof(Chunk)).data;
    const Tensor partial = SCRATCH(dev, F32, all / CHUNK + 1, dim);
    const Tensor partial_bias = SCRATCH(dev, F32, all / CHUNK + 1);
    const Terms terms = {f32(bf16_widen(dev, y)), f32(g), dim, ids.rank == 2 ? ids.dim[1] : 1};
    if (!scratch_ready(dev, mark)) return;
    int64_t count;
    const Entry *entry = sort_ids(a, b, &count, ids, entries);
    const int64_t chunks = cut(chunk, entry, count);
#pragma omp parallel for schedule(dynamic, 16) num_threads(dev->threads)
    for (int64_t n = 0; n < chunks; n++) {
        const int64_t id = entry[chunk[n].first].id, part = chunk[n].partial;
        float *sum = f32(dtable) + id * dim, *bias = dbias.data ? f32(dbias) + id : NULL;
        if (part >= 0) {
            sum = memset(f32(partial) + part * dim, 0, (size_t)dim * sizeof *sum);
            if (bias) bias = memset(f32(partial_bias) + part, 0, sizeof *bias);
        }
        add_chunk(sum, bias, &terms, entry, &chunk[n]);
    }
    for (int64_t n = 0; n < chunks; n++) {
        const int64_t id = entry[chunk[n].first].id, part = chunk[n].partial;
        if (part < 0) continue;
        add_row(f32(dtable) + id * dim, 1.0f, f32(partial) + part * dim, dim);
        if (dbias.data) f32(dbias)[id] += f32(partial_bias)[part];
    }
    scratch_release(dev, mark);
}

void embedding_backward(Device *dev, Tensor dtable, Tensor dy, Tensor ids)
{
    const int64_t rows = dy.dim[0], dim = dy.dim[1];
    EXPECT(dy, activation_dtype(dy), rows, dim);
    EXPECT(dtable, F32, dtable.dim[0], dim);
    EXPECT(ids, I32, rows);
    scatter(dev, dtable, (Tensor){0}, dy, (Tensor){0}, ids);
}

void embedding_scatter(Device *dev, Tensor dtable, Tensor dbias, Tensor y, Tensor g, Tensor ids)
{
    const int64_t rows = y.dim[0], dim = y.dim[1], k = g.dim[1];
    EXPECT(y, activation_dtype(y), rows, dim);
    EXPECT(g, F32, rows, k);
    EXPECT(ids, I32, rows, k);
    EXPECT(dtable, F32, dtable.dim[0], dim);
    if (dbias.data) EXPECT(dbias, F32, dtable.dim[0]);
    scatter(dev, dtable, dbias, y, g, ids);
}
