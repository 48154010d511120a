/* SPDX-License-Identifier: Apache-2.0 */
#include "embedding.h"

#include "base/bf16.h"

#include <inttypes.h>
#include <string.h>

enum { CHUNK = 256, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

typedef struct {
    int32_t id, row;
} Entry;

/* Rows first .. last-1 of the sorted order. All have one id. */
typedef struct {
    int64_t first, last;
    int64_t partial; /* the row of partial sums that the chunk adds to; -1: dtable */
} Chunk;

static void add_row(float *restrict y, const float *restrict x, int64_t dim)
{
    for (int64_t c = 0; c < dim; c++) y[c] += x[c];
}

static void check_id(int32_t id, int64_t row, int64_t entries)
{
    REQUIRE(id < entries,
            "embedding: ids[%" PRId64 "] = %d, want below the table's %" PRId64 " rows", row, id,
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
        if (id >= 0) add_row(f32(to) + i * dim, f32(table) + id * dim, dim);
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

/* The rows with an id, sorted by (id, row). Returns a or b, whichever has the result. */
static const Entry *sort_rows(Entry *a, Entry *b, int64_t *count, Tensor ids, int64_t entries)
{
    int64_t used = 0;
    int32_t largest = 0;
    for (int64_t i = 0; i < ids.dim[0]; i++) {
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

/* Cut the sorted rows into chunks of one id, and return their number. Only the first chunk of an id
 * adds to dtable, so that no two threads write one row. */
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

void embedding_backward(Device *dev, Tensor dtable, Tensor dy, Tensor ids)
{
    const int64_t rows = dy.dim[0], dim = dy.dim[1], entries = dtable.dim[0];
    EXPECT(dy, activation_dtype(dy), rows, dim);
    EXPECT(dtable, F32, entries, dim);
    EXPECT(ids, I32, rows);
    REQUIRE(rows <= INT32_MAX, "embedding: %" PRId64 " rows in one call", rows);
    if (ON_CUDA(dev)) {
        embedding_backward_cuda(dev, dtable, dy, ids);
        return;
    }

    const size_t mark = scratch_mark(dev);
    Entry *a = SCRATCH(dev, U8, rows, sizeof(Entry)).data;
    Entry *b = SCRATCH(dev, U8, rows, sizeof(Entry)).data;
    Chunk *chunk = SCRATCH(dev, U8, rows, sizeof(Chunk)).data;
    const Tensor partial = SCRATCH(dev, F32, rows / CHUNK + 1, dim), slope = bf16_widen(dev, dy);
    if (!scratch_ready(dev, mark)) return;
    int64_t count;
    const Entry *entry = sort_rows(a, b, &count, ids, entries);
    const int64_t chunks = cut(chunk, entry, count);
#pragma omp parallel for schedule(dynamic, 16) num_threads(dev->threads)
    for (int64_t k = 0; k < chunks; k++) {
        float *sum = f32(dtable) + entry[chunk[k].first].id * dim;
        if (chunk[k].partial >= 0) {
            sum = f32(partial) + chunk[k].partial * dim;
            memset(sum, 0, (size_t)dim * sizeof *sum);
        }
        for (int64_t i = chunk[k].first; i < chunk[k].last; i++)
            add_row(sum, f32(slope) + entry[i].row * dim, dim);
    }
    for (int64_t k = 0; k < chunks; k++)
        if (chunk[k].partial >= 0)
            add_row(f32(dtable) + entry[chunk[k].first].id * dim,
                    f32(partial) + chunk[k].partial * dim, dim);
    scratch_release(dev, mark);
}
