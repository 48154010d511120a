#include "model/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

int params_find(const Params *p, const char *name)
{
    for (int i = 0; i < p->count; i++)
        if (!strcmp(p->info[i].name, name)) return i;
    return -1;
}

int params_add(Params *p, const char *name, Init init, float std, Decay decay, int rank,
               const int64_t *dim)
{
    REQUIRE(params_find(p, name) < 0, "parameter \"%s\" declared twice", name);
    REQUIRE(strlen(name) < sizeof p->info->name, "parameter name \"%s\" too long", name);
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->info = realloc(p->info, (size_t)p->room * sizeof *p->info);
        REQUIRE(p->info, "no memory for %d parameters", p->room);
    }
    ParamInfo *info = &p->info[p->count];
    *info = (ParamInfo){.init = init, .std = std, .decay = decay};
    snprintf(info->name, sizeof info->name, "%s", name);
    info->shape = tensor_view(NULL, F32, rank, dim);
    return p->count++;
}

Status params_open(Params *p, ParamCopy copy, Device *dev)
{
    Arena *arena = &p->arena[copy];
    p->copy[copy] = calloc((size_t)p->count, sizeof *p->copy[copy]);
    if (!p->copy[copy]) return FAIL(ERR_MEMORY, "no memory for %d parameters", p->count);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < p->count; i++)
            p->copy[copy][i] =
                arena_tensor(arena, F32, p->info[i].shape.rank, p->info[i].shape.dim);
        if (pass == 0) TRY(arena_open(arena, dev));
    }
    return OK;
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

/* Elements first .. first+count-1 of parameter `place`, whose rows have `columns` elements. */
static void draw(float *to, const ParamInfo *info, uint64_t seed, int place, int64_t first,
                 int64_t count, int64_t columns)
{
    memset(to, 0, (size_t)count * sizeof *to);
    switch (info->init) {
    case INIT_NORMAL:
#pragma omp parallel for schedule(static)
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
    enum { CHUNK = 16384 };
    float values[CHUNK];
    for (int i = 0; i < p->count; i++) {
        const Tensor t = p->copy[PARAM_VALUE][i];
        const int64_t all = tensor_count(t), columns = t.rank > 1 ? t.dim[1] : all;
        for (int64_t first = 0; first < all; first += CHUNK) {
            const int64_t count = all - first < CHUNK ? all - first : CHUNK;
            draw(values, &p->info[i], seed, i, first, count, columns);
            device_copy_in(p->arena[PARAM_VALUE].dev, f32(t) + first, values,
                           (size_t)count * sizeof *values);
        }
    }
}

void params_close(Params *p)
{
    for (int c = 0; c < PARAM_COPIES; c++) {
        arena_close(&p->arena[c]);
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
