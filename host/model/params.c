/* SPDX-License-Identifier: Apache-2.0 */
#include "model/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "elementwise.h"

int params_find(const Params *p, const char *name)
{
    for (int i = 0; i < p->count; i++)
        if (!strcmp(p->info[i].name, name)) return i;
    return -1;
}

static Status grow(Params *p)
{
    const int capacity = p->capacity ? 2 * p->capacity : 64;
    ParamInfo *more = realloc(p->info, (size_t)capacity * sizeof *more);
    if (!more) return FAIL(ERR_MEMORY, "no memory for a list of %d parameters", capacity);
    p->info = more;
    p->capacity = capacity;
    return OK;
}

int params_add(Params *p, const char *name, Init init, float std, Decay decay, int rank,
               const int64_t *dim)
{
    REQUIRE(params_find(p, name) < 0, "parameter \"%s\" declared twice", name);
    REQUIRE(strlen(name) < sizeof p->info->name, "parameter name \"%s\" too long", name);
    if (p->status == OK && p->count == p->capacity) p->status = grow(p);
    if (p->status != OK) return 0;
    ParamInfo *info = &p->info[p->count];
    *info =
        (ParamInfo){.init = init, .std = std, .decay = decay, .rate = 1.0f, .later = p->aside > 0};
    snprintf(info->name, sizeof info->name, "%s", name);
    info->shape = tensor_view(NULL, F32, rank, dim);
    return p->count++;
}

int params_product(Params *p, int i)
{
    if (p->status != OK) return i;
    REQUIRE(p->info[i].shape.rank == 2, "parameter \"%s\" is no matrix, want one", p->info[i].name);
    p->info[i].product = true;
    return i;
}

int params_rows(Params *p, int i, RowKind rows)
{
    if (p->status == OK) p->info[i].rows = rows;
    return i;
}

int params_later(Params *p, int i)
{
    if (p->status == OK) p->info[i].later = true;
    return i;
}

void params_aside(Params *p)
{
    if (p->status == OK) p->aside = p->count;
}

int params_rate(Params *p, int i, float rate)
{
    if (p->status == OK) p->info[i].rate = rate;
    return i;
}

void params_sum(Params *p, int i, Bags bags)
{
    if (p->status != OK) return;
    REQUIRE(p->info[i].shape.rank == 2, "parameter \"%s\" is no table, want one", p->info[i].name);
    p->summed = i;
    p->sums = bags;
}

static const char *const uses[PARAM_COPIES] = {
    [PARAM_VALUE] = "parameters",
    [PARAM_GRAD] = "gradients",
    [PARAM_MOMENT1] = "moments",
    [PARAM_MOMENT2] = "moments",
    [PARAM_TARGET] = "target network",
    [PARAM_VALUE_BF16] = "parameters",
    [PARAM_TARGET_BF16] = "target network",
};

/* The sums that belong to a copy, behind its last tensor. */
static Status open_sums(Params *p, ParamCopy copy, Device *dev)
{
    if (!p->sums.row.data || (copy != PARAM_VALUE && copy != PARAM_TARGET)) return OK;
    const int64_t bags = p->sums.offset.dim[0] - 1, dim = p->info[p->summed].shape.dim[1];
    for (int pass = 0; pass < 2; pass++) {
        p->copy[copy][p->count] = ARENA(&p->sums_arena[copy], F32, bags, dim);
        if (pass == 0) TRY(arena_open(&p->sums_arena[copy], dev, uses[copy]));
    }
    return OK;
}

Status params_open(Params *p, ParamCopy copy, Device *dev)
{
    Arena *arena = &p->arena[copy];
    p->copy[copy] = calloc((size_t)p->count + 1, sizeof *p->copy[copy]);
    if (!p->copy[copy]) return FAIL(ERR_MEMORY, "no memory for %d parameters", p->count);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < p->count; i++)
            p->copy[copy][i] =
                arena_tensor(arena, F32, p->info[i].shape.rank, p->info[i].shape.dim);
        if (pass == 0) TRY(arena_open(arena, dev, uses[copy]));
    }
    return open_sums(p, copy, dev);
}

/* The first and the last parameter that products read. */
static void product_range(const Params *p, int *first, int *last)
{
    *first = -1;
    for (int i = 0; i < p->count; i++) {
        if (!p->info[i].product) continue;
        if (*first < 0) *first = i;
        *last = i;
    }
    REQUIRE(*first >= 0, "products read none of %d parameters, want one at least", p->count);
}

/* The part of a copy's flat buffer from the first to the last parameter that products read. */
static Tensor product_span(const Params *p, ParamCopy copy)
{
    int first, last;
    product_range(p, &first, &last);
    const int64_t from = params_first(p, first), count = tensor_count(p->info[last].shape);
    return tensor_rows(params_flat(p, copy), from, params_first(p, last) + count - from);
}

static ParamCopy bf16_of(ParamCopy copy)
{
    REQUIRE(copy == PARAM_VALUE || copy == PARAM_TARGET,
            "copy %d has no bf16 copy, want PARAM_VALUE or PARAM_TARGET", (int)copy);
    return copy == PARAM_VALUE ? PARAM_VALUE_BF16 : PARAM_TARGET_BF16;
}

Status params_open_bf16(Params *p, ParamCopy copy, Device *dev)
{
    const ParamCopy half = bf16_of(copy);
    const Tensor span = product_span(p, copy);
    Tensor rounded = {0};
    p->copy[half] = calloc((size_t)p->count + 1, sizeof *p->copy[half]);
    if (!p->copy[half]) return FAIL(ERR_MEMORY, "no memory for %d parameters", p->count);
    for (int pass = 0; pass < 2; pass++) {
        rounded = ARENA(&p->arena[half], BF16, span.dim[0]);
        if (pass == 0) TRY(arena_open(&p->arena[half], dev, uses[half]));
    }
    for (int i = 0; i < p->count; i++) {
        Tensor t = p->copy[copy][i];
        if (p->info[i].product) {
            t.data = (char *)rounded.data + (f32(t) - f32(span)) * (int64_t)tensor_dtype_size(BF16);
            t.dtype = BF16;
        }
        p->copy[half][i] = t;
    }
    p->copy[half][p->count] = p->copy[copy][p->count];
    return OK;
}

void params_refresh(Device *dev, Params *p, ParamCopy copy)
{
    const Arena *arena = &p->arena[bf16_of(copy)];
    if (p->sums_arena[copy].base)
        bag_forward(dev, p->copy[copy][p->count], p->copy[copy][p->summed], &p->sums);
    if (!arena->base) return;
    const Tensor span = product_span(p, copy);
    elementwise_copy(dev, TENSOR(arena->base, BF16, span.dim[0]), span);
}

Weights params_weights(const Params *p, ParamCopy copy)
{
    const ParamCopy half = bf16_of(copy);
    return p->copy[half] ? p->copy[half] : p->copy[copy];
}

Tensor params_flat(const Params *p, ParamCopy copy)
{
    const Arena *arena = &p->arena[copy];
    return TENSOR(arena->base, F32, (int64_t)(arena->used / sizeof(float)));
}

int64_t params_first(const Params *p, int i)
{
    return f32(p->copy[PARAM_VALUE][i]) - (const float *)(const void *)p->arena[PARAM_VALUE].base;
}

/* Initial values of the elements first .. first+count-1 of parameter `place`, whose rows have
 * `columns` elements. */
static void draw(float *to, const ParamInfo *info, uint64_t seed, int place, int64_t first,
                 int64_t count, int64_t columns, int threads)
{
    memset(to, 0, (size_t)count * sizeof *to);
    switch (info->init) {
    case INIT_NORMAL:
#pragma omp parallel for schedule(static) num_threads(threads)
        for (int64_t i = 0; i < count; i++) {
            const Philox r =
                philox(seed, (uint64_t)1 << 62 | (uint64_t)place, (uint64_t)(first + i));
            to[i] = info->std * philox_normal(r.word[0], r.word[1]);
        }
        break;
    case INIT_ONE:
        for (int64_t i = 0; i < count; i++) to[i] = 1.0f;
        break;
    case INIT_IDENTITY:
        for (int64_t i = 0; i < count; i++) to[i] = (first + i) % (columns + 1) == 0 ? 1.0f : 0.0f;
        break;
    case INIT_ZERO: break;
    }
}

void params_init(Params *p, uint64_t seed)
{
    enum { CHUNK = 1 << 20 };
    Device *dev = p->arena[PARAM_VALUE].dev;
    float *values = malloc(CHUNK * sizeof *values);
    if (!values) {
        device_fail(dev, FAIL(ERR_MEMORY, "no memory for %d initial weights", CHUNK));
        return;
    }
    for (int i = 0; i < p->count; i++) {
        const Tensor t = p->copy[PARAM_VALUE][i];
        const int64_t all = tensor_count(t), columns = t.rank > 1 ? t.dim[1] : all;
        for (int64_t first = 0; first < all; first += CHUNK) {
            const int64_t count = all - first < CHUNK ? all - first : CHUNK;
            draw(values, &p->info[i], seed, i, first, count, columns, dev->threads);
            device_copy_in(dev, f32(t) + first, values, (size_t)count * sizeof *values);
        }
    }
    free(values);
}

void params_close(Params *p)
{
    for (int c = 0; c < PARAM_COPIES; c++) {
        arena_close(&p->arena[c]);
        arena_close(&p->sums_arena[c]);
        free(p->copy[c]);
    }
    free(p->info);
    *p = (Params){0};
}

int64_t params_elements(const Params *p)
{
    int64_t elements = 0;
    for (int i = 0; i < p->count; i++) elements += tensor_count(p->info[i].shape);
    return elements;
}

size_t params_bytes(const Params *p) { return (size_t)params_elements(p) * sizeof(float); }

size_t params_bytes_bf16(const Params *p)
{
    int first, last;
    int64_t elements = 0;
    product_range(p, &first, &last);
    for (int i = first; i <= last; i++) elements += tensor_count(p->info[i].shape);
    return (size_t)elements * tensor_dtype_size(BF16);
}
