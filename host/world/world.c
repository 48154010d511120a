#include "world/world.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

const WorldKind *const world_kinds[] = {&shop_kind, &small_shop_kind, &inventory_world_kind,
                                        &auction_world_kind, NULL};

/* ---- Settings --------------------------------------------------------------------------------------- */

/* Keys of every world; empty: what the world says. */
static const WorldOption common[] = {
    {WORLD_REAL, "discount", "", 0.0, 1.0, "discount of returns (the world's)"},
    {WORLD_COUNT, "horizon", "", 1.0, 1e9, "choices after which an episode is cut (the world's)"},
    {0},
};

static Status set_number(const WorldKind *k, const WorldOption *o, const char *text, double *number)
{
    char *end;
    errno = 0;
    *number = strtod(text, &end);
    if (errno || end == text || *end || !(*number >= o->low && *number <= o->high) ||
        (o->type == WORLD_COUNT && *number != floor(*number)))
        return FAIL(ERR_USAGE, "world %s: %s=\"%s\", expected a %snumber from %g to %g", k->name,
                    o->name, text, o->type == WORLD_COUNT ? "whole " : "", o->low, o->high);
    return OK;
}

static Status set_option(const WorldKind *k, const WorldOption *o, const char *text,
                         WorldSettings *s, int i)
{
    if (o->type != WORLD_TEXT) return set_number(k, o, text, &s->number[i]);
    if (strlen(text) >= sizeof s->text[i])
        return FAIL(ERR_USAGE, "world %s: %s=\"%s\" is longer than %zu bytes", k->name, o->name,
                    text, sizeof s->text[i] - 1);
    memcpy(s->text[i], text, strlen(text) + 1);
    return OK;
}

/* One key=value, of the world's options or of the common ones. */
static Status assign(const WorldKind *k, char *text, WorldSettings *s, double *every)
{
    char *value = strchr(text, '=');
    if (!value) return FAIL(ERR_USAGE, "world %s: \"%s\", expected key=value", k->name, text);
    *value++ = '\0';
    for (int i = 0; k->options[i].name; i++)
        if (!strcmp(k->options[i].name, text)) return set_option(k, &k->options[i], value, s, i);
    for (int i = 0; common[i].name; i++)
        if (!strcmp(common[i].name, text)) return set_number(k, &common[i], value, &every[i]);
    return FAIL(ERR_USAGE, "world %s has no setting \"%s\"", k->name, text);
}

static Status find_kind(const char *name, const WorldKind **kind)
{
    char known[512] = "";
    for (int i = 0; world_kinds[i]; i++) {
        if (!strcmp(world_kinds[i]->name, name)) return *kind = world_kinds[i], OK;
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", world_kinds[i]->name);
    }
    return FAIL(ERR_USAGE, "there is no world \"%s\"; there are: %s", name, known);
}

static Status open_kind(World *w, char *settings)
{
    const WorldKind *k = w->kind;
    double every[] = {NAN, NAN};
    WorldSettings *s = calloc(1, sizeof *s);
    Status st = s ? OK : FAIL(ERR_MEMORY, "no memory for the settings of a world");
    for (int i = 0; st == OK && k->options[i].name; i++) {
        REQUIRE(i < WORLD_OPTIONS_MAX, "world %s has more than %d options", k->name, i);
        st = set_option(k, &k->options[i], k->options[i].value, s, i);
    }
    for (char *text; st == OK && settings && (text = strsep(&settings, ","));)
        st = assign(k, text, s, every);
    if (st == OK) st = k->open(&w->parameters, &w->spec, s);
    if (st == OK && isfinite(every[0])) w->spec.discount = every[0];
    if (st == OK && isfinite(every[1])) w->spec.horizon = (int64_t)every[1];
    free(s);
    return st;
}

Status world_open(World *w, const char *text)
{
    *w = (World){0};
    char *copy = strdup(text), *settings = copy;
    if (!copy) return FAIL(ERR_MEMORY, "no memory for the name of a world");
    const char *name = strsep(&settings, ":");
    Status st = find_kind(name, &w->kind);
    if (st == OK) st = open_kind(w, settings);
    free(copy);
    if (st != OK) world_close(w);
    return st;
}

void world_close(World *w)
{
    if (w->kind) w->kind->close(w->parameters);
    *w = (World){0};
}

Status world_mdp(const World *w, Mdp *mdp)
{
    *mdp = (Mdp){0};
    if (!w->kind->mdp)
        return FAIL(ERR_USAGE, "world %s is no finite MDP: its optimum is not known",
                    w->kind->name);
    const Status st = w->kind->mdp(w->parameters, mdp);
    mdp->discount = w->spec.discount;
    if (st != OK) mdp_close(mdp);
    return st;
}

static void help_options(FILE *out, const WorldOption *o)
{
    for (; o->name; o++)
        fprintf(out, "  %-18s %s%s%s%s\n", o->name, o->help, *o->value ? " (" : "", o->value,
                *o->value ? ")" : "");
}

void world_help(FILE *out, const char *name)
{
    for (int i = 0; world_kinds[i]; i++) {
        const WorldKind *k = world_kinds[i];
        if (name && strcmp(name, k->name)) continue;
        fprintf(out, "%s: %s\n", k->name, k->summary);
        help_options(out, k->options);
        for (const WorldBaseline *b = k->baselines; b && b->name; b++)
            fprintf(out, "  policy %-11s %s%s\n", b->name, b->help,
                    b->oracle ? " (sees what no history shows)" : "");
    }
    fputs("every world:\n", out);
    help_options(out, common);
}

/* ---- Policies ----------------------------------------------------------------------------------------- */

static int32_t act_random(const World *w, const void *state, WorldDraw *draw, float *propensity)
{
    (void)state;
    *propensity = 1.0f / (float)w->spec.items;
    return (int32_t)(world_draw(draw).word[0] * (uint64_t)w->spec.items >> 32);
}

static const WorldBaseline random_policy = {"random", "any choice, each as likely", false,
                                            act_random};

const WorldBaseline *world_baseline(const World *w, const char *name)
{
    for (const WorldBaseline *b = w->kind->baselines; b && b->name; b++)
        if (!strcmp(b->name, name)) return b;
    return strcmp(name, random_policy.name) ? NULL : &random_policy;
}

/* ---- Episodes ----------------------------------------------------------------------------------------- */

/* AHEAD: how early an item is prefetched. FEW: fewer steps than these are done before threads wake. */
enum { DRAWS_PER_STEP = 65536, AHEAD = 8, FEW = 128 };
static const uint64_t POLICY_KEY = UINT64_C(0x706F6C6963790000); /* apart from the world's draws */

Status episodes_open(Episodes *e, const World *w, int64_t slots, uint64_t seed, int threads)
{
    *e = (Episodes){.world = w, .seed = seed, .slots = slots};
    e->threads = threads > 0 ? threads : parallel_processors();
    e->stride = (w->spec.state_bytes + 15) / 16 * 16;
    e->state = calloc((size_t)slots, e->stride);
    e->episode = calloc((size_t)slots, sizeof *e->episode);
    e->step = calloc((size_t)slots, sizeof *e->step);
    if (e->state && e->episode && e->step) return OK;
    episodes_close(e);
    return FAIL(ERR_MEMORY, "no memory for %lld episodes at once", (long long)slots);
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
        REQUIRE(item_ok(w, item[i]), "choice %d of %lld", item[i], (long long)w->spec.items);
        if (w->kind->prefetch && i + AHEAD < count && item_ok(w, item[i + AHEAD]))
            w->kind->prefetch(w->parameters, item[i + AHEAD]);
        e->step[s]++;
        WorldDraw draw = draw_of(e, e->seed, s);
        event[i] = (WorldEvent){.item = item[i]};
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
