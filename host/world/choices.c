#include "world/choices.h"

#include <stdlib.h>

static Status grow(Choices *c, int64_t count)
{
    if (count <= c->room) return OK;
    while (c->room < count) c->room = c->room ? 2 * c->room : 4096;
    WorldEvent *seen = realloc(c->seen, (size_t)c->room * sizeof *seen);
    if (seen) c->seen = seen;
    int32_t *item = realloc(c->item, (size_t)c->room * sizeof *item);
    if (item) c->item = item;
    if (seen && item) return OK;
    return FAIL(ERR_MEMORY, "no memory for %lld choices", (long long)c->room);
}

static Status take(void *context, const PlayHistory *h)
{
    Choices *c = context;
    const int64_t left = CHOICES_MAX - c->count, made = h->count - 1 < left ? h->count - 1 : left;
    TRY(grow(c, c->count + made));
    for (int64_t i = 0; i < made; i++, c->count++) {
        c->seen[c->count] = h->event[i];
        c->item[c->count] = h->event[i + 1].item;
    }
    return c->then.take ? c->then.take(c->then.context, h) : OK;
}

PlaySink choices_sink(Choices *c) { return (PlaySink){c, take}; }

void choices_close(Choices *c)
{
    free(c->seen);
    free(c->item);
    *c = (Choices){0};
}

Status choices_print(const Choices *c, const World *w, FILE *out)
{
    if (!w->kind->print)
        return FAIL(ERR_USAGE, "world %s has no picture of a policy", w->kind->name);
    return w->kind->print(w, c->seen, c->item, c->count, out);
}
