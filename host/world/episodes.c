/* SPDX-License-Identifier: Apache-2.0 */
#include "world/episodes.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/parallel.h"

enum {
    DRAWS_PER_STEP = 65536,
    STEP_MS = 1000, /* of a world without a clock */
    AHEAD = 8,      /* an item is prefetched this many slots before its step */
    FEW = 128       /* fewer steps than these take less time than waking the threads */
};
/* Mixed into the seed of baselines, so that they do not draw the numbers that the world draws. */
static const uint64_t POLICY_KEY = UINT64_C(0x706F6C6963790000);

Status episodes_open(Episodes *e, const World *w, int64_t slots, uint64_t seed, int threads)
{
    *e = (Episodes){.world = w, .seed = seed, .slots = slots};
    e->threads = threads > 0 ? threads : parallel_processors();
    /* At least 16, as a world may have no state, and calloc(n, 0) may be NULL. */
    e->stride = (w->spec.state_bytes + 15) / 16 * 16;
    if (e->stride == 0) e->stride = 16;
    e->state = calloc((size_t)slots, e->stride);
    e->episode = calloc((size_t)slots, sizeof *e->episode);
    e->step = calloc((size_t)slots, sizeof *e->step);
    if (e->state && e->episode && e->step) return OK;
    episodes_close(e);
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " episodes at once", slots);
}

void episodes_close(Episodes *e)
{
    free(e->state);
    free(e->episode);
    free(e->step);
    *e = (Episodes){0};
}

const void *episodes_state(const Episodes *e, int64_t slot)
{
    return e->state + (size_t)slot * e->stride;
}

static int64_t slot_of(const int64_t *slot, int64_t i) { return slot ? slot[i] : i; }

static WorldDraw draw_of(const Episodes *e, uint64_t key, int64_t slot)
{
    return (WorldDraw){key, (uint64_t)e->episode[slot], (uint64_t)e->step[slot] * DRAWS_PER_STEP};
}

void episodes_reset(Episodes *e, int64_t count, const int64_t *slot, const int64_t *episode,
                    WorldEvent *event)
{
    const World *w = e->world;
#pragma omp parallel for schedule(static) num_threads(e->threads)
    for (int64_t i = 0; i < count; i++) {
        const int64_t s = slot_of(slot, i);
        e->episode[s] = episode[i];
        e->step[s] = 0;
        WorldDraw draw = draw_of(e, e->seed, s);
        event[i] = (WorldEvent){0};
        w->kind->reset(w->parameters, e->state + (size_t)s * e->stride, &draw, &event[i]);
    }
}

static bool item_ok(const World *w, int32_t item) { return item >= 0 && item < w->spec.items; }

void episodes_step(Episodes *e, int64_t count, const int64_t *slot, const int32_t *item,
                   WorldEvent *event)
{
    const World *w = e->world;
#pragma omp parallel for schedule(static) num_threads(e->threads) if (count >= FEW)
    for (int64_t i = 0; i < count; i++) {
        const int64_t s = slot_of(slot, i);
        REQUIRE(item_ok(w, item[i]), "choice %d of %" PRId64, item[i], w->spec.items);
        if (w->kind->prefetch && i + AHEAD < count && item_ok(w, item[i + AHEAD]))
            w->kind->prefetch(w->parameters, item[i + AHEAD]);
        e->step[s]++;
        WorldDraw draw = draw_of(e, e->seed, s);
        event[i] = (WorldEvent){.item = item[i], .time = e->step[s] * STEP_MS};
        w->kind->step(w->parameters, e->state + (size_t)s * e->stride, item[i], &draw, &event[i]);
        if (event[i].end == END_GOES_ON && e->step[s] >= w->spec.horizon)
            event[i].end = END_TRUNCATED;
    }
}

void episodes_act(const Episodes *e, const WorldBaseline *b, int64_t count, const int64_t *slot,
                  int32_t *item, float *propensity)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t s = slot_of(slot, i);
        WorldDraw draw = draw_of(e, e->seed ^ POLICY_KEY, s);
        item[i] = b->act(e->world, episodes_state(e, s), &draw, &propensity[i]);
    }
}
