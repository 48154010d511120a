/* SPDX-License-Identifier: Apache-2.0 */
#include "model/counts.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

static CountTable lay_out(Arena *a, int64_t items, int64_t width)
{
    return (CountTable){.item = ARENA(a, I32, items, width),
                        .next = ARENA(a, F32, items, width),
                        .after = ARENA(a, F32, items, width),
                        .before = ARENA(a, F32, items, width),
                        .popularity = ARENA(a, F32, items),
                        .weight = ARENA(a, F32, items)};
}

Status counts_open(CountTable *t, Arena *memory, int64_t items, int64_t width, Device *dev)
{
    enum { CHUNK = 1 << 14 };
    int32_t none[CHUNK];
    lay_out(memory, items, width);
    TRY(arena_open(memory, dev, "count tables"));
    *t = lay_out(memory, items, width);
    memset(none, 0xFF, sizeof none); /* -1 */
    for (int64_t first = 0; first < items * width; first += CHUNK) {
        const int64_t left = items * width - first, count = left < CHUNK ? left : CHUNK;
        device_copy_in(dev, i32(t->item) + first, none, (size_t)count * sizeof *none);
    }
    return dev->status;
}

CountTable counts_on_host(const CountTable *t, const Arena *memory, void *host)
{
    CountTable c = *t;
    Tensor *part[] = {&c.item, &c.next, &c.after, &c.before, &c.popularity, &c.weight};
    for (int i = 0; i < COUNTS_TENSORS; i++)
        part[i]->data = (char *)host + ((char *)part[i]->data - memory->base);
    return c;
}

/* ---- Counting -------------------------------------------------------------------------------- */

Status counts_fill(const CountTable *t, const Arena *memory, const Behaviour *b,
                   const TablesOptions *options)
{
    if (!ON_CUDA(memory->dev)) return tables_count(t, b, options);
    char *copy = malloc(memory->used);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for a count table of %zu bytes", memory->used);
    const CountTable here = counts_on_host(t, memory, copy);
    Status st = tables_count(&here, b, options);
    if (st == OK) device_copy_in(memory->dev, memory->base, copy, memory->used);
    free(copy);
    return st == OK ? memory->dev->status : st;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

Status counts_row_open(CountsRow *r, const CountTable *t)
{
    const size_t n = (size_t)t->item.dim[1];
    *r = (CountsRow){.width = t->item.dim[1],
                     .item = calloc(n, sizeof *r->item),
                     .next = calloc(n, sizeof *r->next),
                     .after = calloc(n, sizeof *r->after),
                     .before = calloc(n, sizeof *r->before)};
    if (r->item && r->next && r->after && r->before) return OK;
    counts_row_close(r);
    return FAIL(ERR_MEMORY, "no memory for %zu neighbours of an item", n);
}

void counts_row_close(CountsRow *r)
{
    free(r->item);
    free(r->next);
    free(r->after);
    free(r->before);
    *r = (CountsRow){0};
}

Status counts_row_read(CountsRow *r, const CountTable *t, int32_t x, Device *dev)
{
    const int64_t at = x * r->width;
    const size_t bytes = (size_t)r->width * sizeof(float);
    device_copy_out(dev, r->item, i32(t->item) + at, bytes);
    device_copy_out(dev, r->next, f32(t->next) + at, bytes);
    device_copy_out(dev, r->after, f32(t->after) + at, bytes);
    device_copy_out(dev, r->before, f32(t->before) + at, bytes);
    device_copy_out(dev, &r->popularity, f32(t->popularity) + x, sizeof r->popularity);
    return device_sync(dev);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static const char *const names[COUNTS_TENSORS] = {"counts.item",       "counts.next",
                                                  "counts.after",      "counts.before",
                                                  "counts.popularity", "counts.weight"};

void counts_list(NamedTensor list[COUNTS_TENSORS], const CountTable *t, const Arena *memory,
                 void *host)
{
    const CountTable c = counts_on_host(t, memory, host);
    const Tensor part[] = {c.item, c.next, c.after, c.before, c.popularity, c.weight};
    for (int i = 0; i < COUNTS_TENSORS; i++) list[i] = (NamedTensor){names[i], part[i]};
}

int64_t counts_width(const Safetensors *file)
{
    const Tensor *item = safetensors_find(file, names[0]);
    return item && item->rank == 2 ? item->dim[1] : 0;
}

static Status check_items(Tensor item, const Safetensors *file)
{
    const int64_t items = item.dim[0], width = item.dim[1];
    for (int64_t i = 0; i < items * width; i++) {
        const int32_t y = i32(item)[i];
        const bool first = i % width == 0;
        const bool follows = first || (i32(item)[i - 1] >= 0 && i32(item)[i - 1] < y);
        if (y != -1 && !(y >= 0 && y < items && follows))
            return FAIL(ERR_FORMAT,
                        "%s: counts.item[%" PRId64 ",%" PRId64 "] is %d, want items below %" PRId64
                        " in ascending order, then -1",
                        file->path, i / width, i % width, y, items);
    }
    return OK;
}

static Status check_numbers(Tensor t, const char *name, const Safetensors *file)
{
    for (int64_t i = 0; i < tensor_count(t); i++)
        if (!(f32(t)[i] >= 0.0f && isfinite(f32(t)[i])))
            return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %g, want a finite number of at least 0",
                        file->path, name, i, (double)f32(t)[i]);
    return OK;
}

Status counts_load(const CountTable *t, const Arena *memory, const Safetensors *file)
{
    NamedTensor to[COUNTS_TENSORS];
    counts_list(to, t, memory, memory->base);
    for (int i = 0; i < COUNTS_TENSORS; i++) {
        const Tensor want = to[i].tensor;
        Tensor from;
        TRY(safetensors_get(file, to[i].name, want.dtype, want.rank, want.dim, &from));
        TRY(want.dtype == I32 ? check_items(from, file) : check_numbers(from, to[i].name, file));
        device_copy_in(memory->dev, want.data, from.data, tensor_bytes(want));
    }
    return memory->dev->status;
}
