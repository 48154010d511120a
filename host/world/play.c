/* SPDX-License-Identifier: Apache-2.0 */
#include "world/play.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/progress.h"

static Status act_baseline(void *self, const Episodes *episodes, const PlayHistory *history,
                           int64_t count, const int64_t *slot, int32_t *item, float *propensity)
{
    (void)history;
    episodes_act(episodes, self, count, slot, item, propensity);
    return OK;
}

Actor play_baseline_actor(const WorldBaseline *baseline)
{
    return (Actor){(void *)(uintptr_t)baseline, act_baseline, .concurrent = true};
}

static Status act_table(void *self, const Episodes *episodes, const PlayHistory *history,
                        int64_t count, const int64_t *slot, int32_t *item, float *propensity)
{
    const int64_t *policy = self;
    const World *w = episodes->world;
    (void)history;
    for (int64_t i = 0; i < count; i++) {
        const void *state = episodes_state(episodes, slot[i]);
        item[i] = (int32_t)policy[w->kind->mdp_state(w->parameters, state)];
        propensity[i] = 1.0f;
    }
    return OK;
}

Actor play_table_actor(const int64_t *policy)
{
    return (Actor){(void *)(uintptr_t)policy, act_table, .concurrent = true};
}

/* ---- A wave ---------------------------------------------------------------------------------- */

typedef struct {
    const World *world;
    Episodes episodes;
    PlayHistory *history; /* [slots] */
    int64_t *slot;        /* [slots] slots whose episodes have not ended */
    int64_t *number;      /* [slots] numbers of the episodes to begin */
    int32_t *item;        /* [slots] */
    float *propensity;    /* [slots] */
    WorldEvent *event;    /* [slots] */
} Wave;

static Status wave_open(Wave *v, const World *w, int64_t slots, uint64_t seed, int threads)
{
    *v = (Wave){.world = w};
    v->history = calloc((size_t)slots, sizeof *v->history);
    v->slot = calloc((size_t)slots, sizeof *v->slot);
    v->number = calloc((size_t)slots, sizeof *v->number);
    v->item = calloc((size_t)slots, sizeof *v->item);
    v->propensity = calloc((size_t)slots, sizeof *v->propensity);
    v->event = calloc((size_t)slots, sizeof *v->event);
    if (!v->history || !v->slot || !v->number || !v->item || !v->propensity || !v->event)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " episodes at once", slots);
    return episodes_open(&v->episodes, w, slots, seed, threads);
}

static void wave_close(Wave *v)
{
    for (int64_t i = 0; v->history && i < v->episodes.slots; i++) {
        free(v->history[i].event);
        free(v->history[i].propensity);
    }
    free(v->history);
    free(v->slot);
    free(v->number);
    free(v->item);
    free(v->propensity);
    free(v->event);
    episodes_close(&v->episodes);
}

/* Appends the first `bytes` of an event. False: there is no memory. */
static bool append(PlayHistory *h, const WorldEvent *event, size_t bytes, float propensity)
{
    if (h->count == h->capacity) {
        const int64_t capacity = h->capacity ? 2 * h->capacity : 16;
        WorldEvent *events = realloc(h->event, (size_t)capacity * sizeof *events);
        if (events) h->event = events;
        float *propensities = realloc(h->propensity, (size_t)capacity * sizeof *propensities);
        if (propensities) h->propensity = propensities;
        if (!events || !propensities) return false;
        h->capacity = capacity;
    }
    REQUIRE(h->count == 0 || event->time > h->event[h->count - 1].time,
            "an event at %" PRId64 " ms after one at %" PRId64 " ms", event->time,
            h->event[h->count - 1].time);
    memcpy(&h->event[h->count], event, bytes);
    h->propensity[h->count++] = propensity;
    return true;
}

/* Fewer answers than these take less time than waking the threads. */
enum { FEW = 128 };

/* Appends each slot's answer to its history. */
static Status append_all(Wave *v, int64_t count)
{
    /* Copies only the numbers that the world has: this function is bound by memory. */
    const size_t bytes =
        offsetof(WorldEvent, number) + (size_t)v->world->spec.numbers * sizeof(float);
    bool failed = false;
#pragma omp parallel for schedule(static) num_threads(v->episodes.threads) if (count >= FEW)       \
    reduction(||                                                                                   \
              : failed)
    for (int64_t i = 0; i < count; i++)
        failed = failed || !append(&v->history[v->slot[i]], &v->event[i], bytes, v->propensity[i]);
    return failed ? FAIL(ERR_MEMORY, "no memory for the histories of %" PRId64 " episodes",
                         v->episodes.slots)
                  : OK;
}

/* Begins the episodes first .. first + count - 1, in the slots 0 .. count - 1. */
static Status begin(Wave *v, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i++) v->number[i] = first + i;
    episodes_reset(&v->episodes, count, NULL, v->number, v->event);
    for (int64_t i = 0; i < count; i++) {
        v->slot[i] = i;
        v->history[i].episode = first + i;
        v->history[i].count = 0;
        v->propensity[i] = 1.0f;
    }
    return append_all(v, count);
}

/* Makes a choice in each of the *count episodes that have not ended; *count becomes the number of
 * those that still have not ended. */
static Status advance(Wave *v, Actor actor, int64_t *count)
{
    int64_t left = 0;
    TRY(actor.act(actor.self, &v->episodes, v->history, *count, v->slot, v->item, v->propensity));
    episodes_step(&v->episodes, *count, v->slot, v->item, v->event);
    TRY(append_all(v, *count));
    for (int64_t i = 0; i < *count; i++)
        if (v->event[i].end == END_GOES_ON) v->slot[left++] = v->slot[i];
    *count = left;
    return OK;
}

static double discounted(const PlayHistory *h, double discount)
{
    double sum = 0.0;
    for (int64_t t = h->count - 1; t >= 1; t--) sum = (double)h->event[t].reward + discount * sum;
    return sum;
}

static Status run_wave(Wave *v, Actor actor, int64_t first, int64_t count, double *value)
{
    int64_t running = count;
    TRY(begin(v, first, count));
    while (running > 0) TRY(advance(v, actor, &running));
    for (int64_t i = 0; i < count; i++)
        value[i] = discounted(&v->history[i], v->world->spec.discount);
    return OK;
}

/* ---- Waves beside each other ----------------------------------------------------------------- */

/* The most episodes of a wave that one thread plays: few enough that their states stay in its
 * cache. */
enum { CACHED = 256 };

typedef struct {
    Actor actor;
    Wave *wave;              /* [waves] */
    int64_t waves, slots;    /* `slots` of each wave */
    int threads;             /* the most waves that are played at once */
    int64_t first, episodes; /* this round plays the episodes first .. first + episodes - 1 */
    double *value;           /* [episodes] their returns */
} PlayRound;

static Status round_open(PlayRound *r, const World *w, const PlayOptions *o, Actor actor)
{
    const int threads = o->threads > 0 ? o->threads : parallel_processors();
    const int64_t slots = o->slots < o->episodes ? o->slots : o->episodes;
    *r = (PlayRound){.actor = actor, .threads = threads};
    r->waves = actor.concurrent ? (slots + CACHED - 1) / CACHED : 1;
    if (actor.concurrent && r->waves < threads) r->waves = slots < threads ? slots : threads;
    r->slots = (slots + r->waves - 1) / r->waves;
    r->wave = calloc((size_t)r->waves, sizeof *r->wave);
    if (!r->wave) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " waves", r->waves);
    for (int64_t k = 0; k < r->waves; k++)
        TRY(wave_open(&r->wave[k], w, r->slots, o->seed, actor.concurrent ? 1 : threads));
    return OK;
}

static void round_close(PlayRound *r)
{
    for (int64_t k = 0; r->wave && k < r->waves; k++) wave_close(&r->wave[k]);
    free(r->wave);
}

/* How many waves have episodes in this round, and how many episodes wave k of them has. */
static int64_t parts(const PlayRound *r) { return (r->episodes + r->slots - 1) / r->slots; }
static int64_t part_of(const PlayRound *r, int64_t k)
{
    const int64_t left = r->episodes - k * r->slots;
    return left < r->slots ? left : r->slots;
}

static Status play_part(void *context, int64_t k)
{
    const PlayRound *r = context;
    return run_wave(&r->wave[k], r->actor, r->first + k * r->slots, part_of(r, k),
                    r->value + k * r->slots);
}

static Status play_round(PlayRound *r, PlaySink sink, int64_t *choices)
{
    TRY(parallel_run(r->threads, parts(r), play_part, r));
    for (int64_t k = 0; k < parts(r); k++)
        for (int64_t i = 0; i < part_of(r, k); i++) {
            const PlayHistory *h = &r->wave[k].history[i];
            *choices += h->count - 1;
            if (sink.take) TRY(sink.take(sink.context, h));
        }
    return OK;
}

Status play(const World *w, const PlayOptions *o, Actor actor, PlaySink sink, PlayResult *result)
{
    REQUIRE(o->episodes >= 1 && o->slots >= 1, "%" PRId64 " episodes, %" PRId64 " at once",
            o->episodes, o->slots);
    PlayRound round;
    Progress bar;
    Status st;
    result->choices = 0;
    progress_begin(&bar, "play", o->episodes, o->listener);
    TRY_OR_FAIL(st, round_open(&round, w, o, actor));
    for (int64_t done = 0; done < o->episodes; done += round.episodes) {
        const int64_t at_once = round.waves * round.slots, left = o->episodes - done;
        round.first = o->first + done;
        round.episodes = left < at_once ? left : at_once;
        round.value = result->value + done;
        TRY_OR_FAIL(st, play_round(&round, sink, &result->choices));
        TRY_OR_FAIL(st, progress_update(&bar, done + round.episodes, NULL));
    }
fail:
    progress_end(&bar, NULL);
    round_close(&round);
    return st;
}

PlayInterval play_interval(const double *value, int64_t count)
{
    double mean = 0.0, squares = 0.0;
    for (int64_t i = 0; i < count; i++) mean += value[i] / (double)count;
    for (int64_t i = 0; i < count; i++) squares += (value[i] - mean) * (value[i] - mean);
    const double variance = count > 1 ? squares / (double)(count - 1) : 0.0;
    return (PlayInterval){mean, 1.959963984540054 * sqrt(variance / (double)count)};
}
