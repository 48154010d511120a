/* SPDX-License-Identifier: Apache-2.0 */
#include "world/choices.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"

static Status grow(Choices *c, int64_t count)
{
    if (count <= c->capacity) return OK;
    while (c->capacity < count) c->capacity = c->capacity ? 2 * c->capacity : 4096;
    WorldEvent *event = realloc(c->event, (size_t)c->capacity * sizeof *event);
    if (!event) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " events", c->capacity);
    c->event = event;
    return OK;
}

static Status take(void *context, const PlayHistory *h)
{
    Choices *c = context;
    const int64_t left = CHOICES_MAX - c->count, kept = h->count < left ? h->count : left;
    TRY(grow(c, c->count + kept));
    if (kept > 0) memcpy(c->event + c->count, h->event, (size_t)kept * sizeof *h->event);
    c->count += kept;
    return c->then.take ? c->then.take(c->then.context, h) : OK;
}

PlaySink choices_sink(Choices *c) { return (PlaySink){c, take}; }

void choices_close(Choices *c)
{
    free(c->event);
    *c = (Choices){0};
}

Status choices_print(const Choices *c, const World *w, FILE *out)
{
    if (!w->kind->print) return FAIL(ERR_USAGE, "world %s has no table of a policy", w->kind->name);
    return w->kind->print(w, c->event, c->count, out);
}

Status choices_plot(const Choices *c, const World *w, const char *folder, const char *policy)
{
    char name[128];
    if (!w->kind->plot) return FAIL(ERR_USAGE, "world %s has no plot of a policy", w->kind->name);
    snprintf(name, sizeof name, "%s", policy);
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p)) *p = '-';
    TRY(files_make_folder(folder));
    return w->kind->plot(w, c->event, c->count, folder, name);
}
