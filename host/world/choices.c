#include "world/choices.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/files.h"

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

Status choices_plot(const Choices *c, const World *w, const char *folder, const char *policy)
{
    char name[128];
    if (!w->kind->plot) return FAIL(ERR_USAGE, "world %s has no plot of a policy", w->kind->name);
    snprintf(name, sizeof name, "%s", policy);
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p)) *p = '-';
    TRY(make_folder(folder));
    return w->kind->plot(w, c->seen, c->item, c->count, folder, name);
}
