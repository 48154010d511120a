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

/* ---- Catalogues that have grown -------------------------------------------------------------- */

/* A row of a table. */
typedef struct {
    int32_t item;
    float next, after, before;
} Neighbour;

static int by_item(const void *a, const void *b)
{
    const Neighbour *x = a, *y = b;
    return (x->item > y->item) - (x->item < y->item);
}

/* Copies row `source` of `from` to row `row` of `to`; item y of `from` is item[y] of `to`, or
 * -1. */
static void copy_row(const CountTable *to, int64_t row, const CountTable *from, int64_t source,
                     const int32_t *item, Neighbour *work)
{
    const int64_t width = to->item.dim[1];
    const int64_t at = row * width, of = source * width;
    int64_t count = 0;
    f32(to->popularity)[row] = f32(from->popularity)[source];
    f32(to->weight)[row] = f32(from->weight)[source];
    for (int64_t j = of; j < of + width && i32(from->item)[j] >= 0; j++) {
        const int32_t y = item[i32(from->item)[j]];
        if (y < 0) continue;
        work[count++] =
            (Neighbour){y, f32(from->next)[j], f32(from->after)[j], f32(from->before)[j]};
    }
    qsort(work, (size_t)count, sizeof *work, by_item);
    for (int64_t j = 0; j < width; j++) {
        const Neighbour n = j < count ? work[j] : (Neighbour){.item = -1};
        i32(to->item)[at + j] = n.item;
        f32(to->next)[at + j] = n.next;
        f32(to->after)[at + j] = n.after;
        f32(to->before)[at + j] = n.before;
    }
}

enum { WIDTH_MAX = 1024 }; /* of model.neighbours */

void counts_leave_new(const CountTable *to, const CountTable *from, const CatalogueMatch *match)
{
    const RowMatch *items = &match->rows[ROWS_ITEM];
    Neighbour work[WIDTH_MAX];
    REQUIRE(to->item.dim[1] == from->item.dim[1] && to->item.dim[1] <= WIDTH_MAX,
            "tables of %" PRId64 " and %" PRId64 " neighbours", to->item.dim[1], from->item.dim[1]);
    for (int64_t now = 0; now < items->now; now++)
        if (items->from[now] >= 0) copy_row(to, items->from[now], from, now, items->from, work);
}

/* The inverse: rows of then to those of now. Rows of new items stay. */
static Status spread(const CountTable *to, const CountTable *from, const RowMatch *items)
{
    Neighbour work[WIDTH_MAX];
    int32_t *now_of = malloc((size_t)items->then * sizeof *now_of + 1);
    if (!now_of) return FAIL(ERR_MEMORY, "no memory to match %" PRId64 " items", items->then);
    for (int64_t now = 0; now < items->now; now++)
        if (items->from[now] >= 0) now_of[items->from[now]] = (int32_t)now;
    for (int64_t now = 0; now < items->now; now++)
        if (items->from[now] >= 0) copy_row(to, now, from, items->from[now], now_of, work);
    free(now_of);
    return OK;
}

static Tensor *part_of(CountTable *t, int i)
{
    Tensor *const part[COUNTS_TENSORS] = {&t->item,   &t->next,       &t->after,
                                          &t->before, &t->popularity, &t->weight};
    return part[i];
}

/* The tensors of a file, checked. `items`: of the catalogue that they are of. */
static Status view(CountTable *from, const CountTable *like, const Safetensors *file, int64_t items)
{
    *from = *like;
    for (int i = 0; i < COUNTS_TENSORS; i++) {
        Tensor *part = part_of(from, i);
        part->dim[0] = items;
        TRY(safetensors_get(file, names[i], part->dtype, part->rank, part->dim, part));
        TRY(part->dtype == I32 ? check_items(*part, file) : check_numbers(*part, names[i], file));
    }
    return OK;
}

Status counts_load(const CountTable *t, const Arena *memory, const Safetensors *file,
                   const CatalogueMatch *match)
{
    const RowMatch *items = &match->rows[ROWS_ITEM];
    CountTable from;
    TRY(view(&from, t, file, match->same ? t->item.dim[0] : items->then));
    if (match->same) {
        CountTable to = *t;
        for (int i = 0; i < COUNTS_TENSORS; i++)
            device_copy_in(memory->dev, part_of(&to, i)->data, part_of(&from, i)->data,
                           tensor_bytes(*part_of(&to, i)));
        return memory->dev->status;
    }
    char *copy = calloc(1, memory->used);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for a count table of %zu bytes", memory->used);
    const CountTable here = counts_on_host(t, memory, copy);
    memset(here.item.data, 0xFF, tensor_bytes(here.item));
    const Status st = spread(&here, &from, items);
    if (st == OK) device_copy_in(memory->dev, memory->base, copy, memory->used);
    free(copy);
    return st == OK ? memory->dev->status : st;
}
