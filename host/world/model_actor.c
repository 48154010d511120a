/* SPDX-License-Identifier: Apache-2.0 */
#include "world/model_actor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "infer/acting.h"

struct ModelActor {
    Session *session;
    const World *world;
    ActOptions options;
    int64_t capacity; /* histories */
    History *history; /* [capacity] */
    int64_t *stream;  /* [capacity] the episodes */
    /* The columns below have space for so many events, those of all histories end to end. */
    int64_t event_capacity;
    int32_t *item;
    uint8_t *action;
    int64_t *time;
    float *number; /* [event_capacity, event numbers] */
};

/* ---- Opening --------------------------------------------------------------------------------- */

/* Checks that the file and the world have the same `what`, in the same order. */
static Status check_names(const World *w, const Behaviour *b, const char *what, int64_t have,
                          int64_t want, const char *(*name_of)(const Behaviour *b, int64_t i),
                          const char *const *names)
{
    if (have != want)
        return FAIL(ERR_USAGE, "%s has %" PRId64 " %s, want %" PRId64 " as the world %s has them",
                    b->path, have, what, want, w->kind->name);
    for (int64_t i = 0; i < want; i++)
        if (strcmp(name_of(b, i), names[i]) != 0)
            return FAIL(ERR_USAGE,
                        "%s: number %" PRId64
                        " of its %s is \"%s\", want \"%s\" as in the world %s",
                        b->path, i + 1, what, name_of(b, i), names[i], w->kind->name);
    return OK;
}

static const char *kind_of_event(const Behaviour *b, int64_t i) { return b->action_name[i]; }

static const char *number_of_event(const Behaviour *b, int64_t i)
{
    return b->event_features.number_name[i];
}

static Status check(const World *w, const Behaviour *b)
{
    const WorldSpec *s = &w->spec;
    if (b->items != s->items)
        return FAIL(ERR_USAGE,
                    "%s has %" PRId64 " items, want %" PRId64 " as the world %s has them", b->path,
                    b->items, s->items, w->kind->name);
    TRY(check_names(w, b, "kinds of events", b->actions, s->actions, kind_of_event,
                    s->action_name));
    return check_names(w, b, "numbers of events", b->event_features.numbers, s->numbers,
                       number_of_event, s->number_name);
}

Status model_actor_open(ModelActor **actor, Session *session, const World *w,
                        const ActOptions *options)
{
    ModelActor *a = *actor = calloc(1, sizeof *a);
    if (!a) return FAIL(ERR_MEMORY, "no memory for an actor");
    *a = (ModelActor){.session = session, .world = w, .options = *options};
    const ActingRule rule = session_acting(session);
    TRY(check(w, session->file));
    return acting_check(&rule, session->model->shape.items);
}

void model_actor_close(ModelActor *a)
{
    if (!a) return;
    free(a->history);
    free(a->stream);
    free(a->item);
    free(a->action);
    free(a->time);
    free(a->number);
    free(a);
}

/* ---- From the world's histories to the model's ----------------------------------------------- */

/* The last events of a history that the model looks at: its context, and those whose items are
 * excluded. */
static int64_t kept(const ModelActor *a, const PlayHistory *h)
{
    const int64_t length = a->session->length, last = session_acting(a->session).exclude_last;
    const int64_t most = length > last ? length : last;
    return h->count < most ? h->count : most;
}

/* realloc that keeps *array where there is no memory. */
static bool grow(void *array, int64_t count, size_t size)
{
    void *more = realloc(*(void **)array, (size_t)count * size + 1);
    if (more) *(void **)array = more;
    return more;
}

static Status reserve(ModelActor *a, int64_t histories, int64_t events)
{
    const int64_t numbers = a->world->spec.numbers;
    if (histories > a->capacity) {
        if (!grow(&a->history, histories, sizeof *a->history) ||
            !grow(&a->stream, histories, sizeof *a->stream))
            return FAIL(ERR_MEMORY, "no memory for %" PRId64 " histories", histories);
        a->capacity = histories;
    }
    if (events <= a->event_capacity) return OK;
    const int64_t capacity = 2 * events;
    if (!grow(&a->item, capacity, sizeof *a->item) ||
        !grow(&a->action, capacity, sizeof *a->action) ||
        !grow(&a->time, capacity, sizeof *a->time) ||
        !grow(&a->number, capacity * numbers, sizeof *a->number))
        return FAIL(ERR_MEMORY, "no memory for histories of %" PRId64 " events", events);
    a->event_capacity = capacity;
    return OK;
}

/* The last `count` events of `h` into the columns from `at` on. */
static History copy_events(ModelActor *a, const PlayHistory *h, int64_t count, int64_t at)
{
    const FeatureSet *f = &a->session->file->event_features;
    const int64_t numbers = f->numbers, first = h->count - count;
    for (int64_t i = 0; i < count; i++) {
        const WorldEvent *e = &h->event[first + i];
        float *number = a->number + (at + i) * numbers;
        a->item[at + i] = e->item;
        a->action[at + i] = e->action;
        a->time[at + i] = e->time;
        for (int64_t n = 0; n < numbers; n++) number[n] = (e->number[n] - f->mean[n]) / f->std[n];
    }
    return (History){.count = count,
                     .user = -1,
                     .item = a->item + at,
                     .action = a->action + at,
                     .time_ms = a->time + at,
                     .number = a->number + at * numbers};
}

/* All these episodes have made the same number of choices: a wave begins its episodes together. */
static Status act(void *self, const Episodes *episodes, const PlayHistory *history, int64_t count,
                  const int64_t *slot, int32_t *item, float *propensity)
{
    ModelActor *a = self;
    int64_t events = 0;
    for (int64_t i = 0; i < count; i++) events += kept(a, &history[slot[i]]);
    TRY(reserve(a, count, events));
    for (int64_t i = 0, at = 0; i < count; i++) {
        const PlayHistory *h = &history[slot[i]];
        a->history[i] = copy_events(a, h, kept(a, h), at);
        a->stream[i] = h->episode;
        at += a->history[i].count;
    }
    return act_choose(a->session, &a->options, a->history, a->stream, count,
                      count ? episodes->step[slot[0]] : 0, item, propensity);
}

Actor model_actor(ModelActor *a) { return (Actor){a, act, .concurrent = false}; }
