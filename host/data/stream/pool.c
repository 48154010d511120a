/* SPDX-License-Identifier: Apache-2.0 */
#include "data/stream/pool.h"

#include <stdlib.h>

#include "data/behaviour/columns.h"

static size_t size_of(Column column) { return schema_type_bytes(schema_column_type(column)); }

Status pool_open(Pool **pool, const Behaviour *file, PoolPlan *plan)
{
    Pool *p = calloc(1, sizeof *p);
    *pool = p;
    if (!p) return FAIL(ERR_MEMORY, "no memory for a pool");
    p->plan = *plan;
    *plan = (PoolPlan){0};
    p->columns = calloc((size_t)p->plan.blocks, sizeof *p->columns);
    if (!p->columns) {
        pool_close(p);
        *pool = NULL;
        return FAIL(ERR_MEMORY, "no memory for a pool");
    }
    for (int c = 0; c < COLUMN_FEATURE + file->event_features.numbers; c++) {
        if (!columns_has(file, (Column)c)) continue;
        const void *direct = columns_direct(file, (Column)c);
        if (!direct) p->decode[p->decoded++] = (Column)c;
        for (int32_t k = 0; k < p->plan.blocks; k++) p->columns[k].data[c] = direct;
    }
    p->tasks = (int64_t)p->plan.blocks * p->decoded;
    return OK;
}

void pool_prefetch(const Pool *p, const Behaviour *file)
{
    for (int c = 0; c < COLUMN_FEATURE + file->event_features.numbers; c++)
        for (int32_t k = 0; k < p->plan.blocks && columns_has(file, (Column)c); k++)
            columns_prefetch(file, (Column)c, p->plan.block[k].first,
                             p->plan.block[k].end - p->plan.block[k].first);
}

void pool_close(Pool *p)
{
    if (!p) return;
    plan_pool_close(&p->plan);
    free(p->columns);
    free(p->memory);
    free(p);
}

/* The decoded columns are one after the other in memory; each has the pool's blocks end to end. */
Status pool_allocate(Pool *p, const Behaviour *file)
{
    size_t events = 0, bytes = 0;
    for (int32_t k = 0; k < p->plan.blocks; k++)
        events += (size_t)(p->plan.block[k].end - p->plan.block[k].first);
    events = (events + 7) / 8 * 8; /* keeps every column aligned */
    for (int i = 0; i < p->decoded; i++) bytes += events * size_of(p->decode[i]);
    p->memory = malloc(bytes + 1);
    if (!p->memory)
        return FAIL(ERR_MEMORY, "%s: no memory for a shuffle pool of %zu events (%zu bytes)",
                    file->path, events, bytes);
    char *at = p->memory;
    for (int i = 0; i < p->decoded; i++) {
        const Column column = p->decode[i];
        size_t offset = 0;
        for (int32_t k = 0; k < p->plan.blocks; k++) {
            p->columns[k].data[column] = at + offset * size_of(column);
            p->columns[k].origin[column] = p->plan.block[k].first;
            offset += (size_t)(p->plan.block[k].end - p->plan.block[k].first);
        }
        at += events * size_of(column);
    }
    return OK;
}

Status pool_decode(const Pool *p, const Behaviour *file, int64_t task)
{
    const Column column = p->decode[task % p->decoded];
    const int64_t k = task / p->decoded;
    const Block *block = &p->plan.block[k];
    return columns_read(file, column, block->first, block->end - block->first,
                        (void *)p->columns[k].data[column]);
}
