/* SPDX-License-Identifier: Apache-2.0 */
#include "world/world.h"

#include <string.h>

#include "base/nearest.h"

void world_close(World *w)
{
    if (w->kind) w->kind->close(w->parameters);
    *w = (World){0};
}

Status world_mdp(const World *w, Mdp *mdp)
{
    *mdp = (Mdp){0};
    if (!w->kind->mdp)
        return FAIL(ERR_USAGE, "world %s is not a finite MDP: its optimum is not known",
                    w->kind->name);
    const Status st = w->kind->mdp(w->parameters, mdp);
    mdp->discount = w->spec.discount;
    if (st != OK) mdp_close(mdp);
    return st;
}

static int32_t act_random(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    (void)state;
    *propensity = 1.0f / (float)w->spec.items;
    return (int32_t)(world_draw(draw).word[0] * (uint64_t)w->spec.items >> 32);
}

static const WorldBaseline random_policy = {"random", "every choice with the same probability",
                                            false, act_random};

const WorldBaseline *world_baseline(const World *w, const char *name)
{
    for (const WorldBaseline *b = w->kind->baselines; b && b->name; b++)
        if (!strcmp(b->name, name)) return b;
    return strcmp(name, random_policy.name) ? NULL : &random_policy;
}

Status world_no_policy(const World *w, const char *option, const char *name, const char *more)
{
    Nearest near = nearest_to(name);
    nearest_offer(&near, random_policy.name);
    for (const WorldBaseline *b = w->kind->baselines; b && b->name; b++)
        nearest_offer(&near, b->name);
    if (more) nearest_offer(&near, more);
    return FAIL(ERR_USAGE,
                "%s = \"%s\": the world %s has no policy of this name%s; souk simulate --help "
                "lists them",
                option, name, w->kind->name, nearest_hint(&near));
}

Status world_either(const char *world, const WorldOption *option, const char *text,
                    const char *other, bool *is_other)
{
    *is_other = !strcmp(text, other);
    if (*is_other || !strcmp(text, option->value)) return OK;
    return FAIL(ERR_USAGE, "world %s: %s=\"%s\", want %s or %s", world, option->name, text,
                option->value, other);
}
