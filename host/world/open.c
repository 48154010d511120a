/* SPDX-License-Identifier: Apache-2.0 */
#include "world/open.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/help.h"
#include "base/nearest.h"
#include "base/number.h"
#include "world/kinds.h"

/* The keys that every world has. An empty value means the value of the world's spec. */
enum { DISCOUNT, HORIZON, COMMON };
static const WorldOption common[COMMON + 1] = {
    [DISCOUNT] = {WORLD_REAL, "discount", "", 0.0, 1.0,
                  "discount of the returns; without it the world's own"},
    [HORIZON] = {WORLD_COUNT, "horizon", "", 1.0, 1e9,
                 "choices after which an episode is cut; without it the world's own"},
};

static Status set_number(const WorldKind *k, const WorldOption *o, const char *text, double *number)
{
    char *end;
    errno = 0;
    *number = strtod(text, &end);
    if (errno || end == text || *end || !(*number >= o->low && *number <= o->high) ||
        (o->type == WORLD_COUNT && *number != floor(*number)))
        return FAIL(ERR_USAGE, "world %s: %s=\"%s\", want a %snumber from %g to %g", k->name,
                    o->name, text, o->type == WORLD_COUNT ? "whole " : "", o->low, o->high);
    return OK;
}

static Status set_option(const WorldKind *k, const WorldOption *o, const char *text,
                         WorldSettings *s, int i)
{
    if (o->type != WORLD_TEXT) return set_number(k, o, text, &s->number[i]);
    if (strlen(text) >= sizeof s->text[i])
        return FAIL(ERR_USAGE, "world %s: %s=\"%s\" has %zu bytes, want at most %zu", k->name,
                    o->name, text, strlen(text), sizeof s->text[i] - 1);
    memcpy(s->text[i], text, strlen(text) + 1);
    return OK;
}

static Status set_defaults(const WorldKind *k, WorldSettings *s)
{
    for (int i = 0; k->options[i].name; i++) {
        REQUIRE(i < WORLD_OPTIONS_MAX, "world %s has more than %d options", k->name, i);
        TRY(set_option(k, &k->options[i], k->options[i].value, s, i));
    }
    return OK;
}

static Status find_preset(const WorldKind *k, const char *name, const WorldPreset **preset)
{
    Nearest near = nearest_to(name);
    for (*preset = k->presets; *preset && (*preset)->name; ++*preset) {
        if (!strcmp((*preset)->name, name)) return OK;
        nearest_offer(&near, (*preset)->name);
    }
    return FAIL(ERR_USAGE, "world %s has no preset \"%s\"%s; souk simulate --help lists them",
                k->name, name, nearest_hint(&near));
}

static Status assign_all(const WorldKind *k, const char *settings, WorldSettings *s,
                         double every[COMMON]);

/* Takes one "key=value": a preset, or a key of the kind's options or of the common ones. */
static Status assign(const WorldKind *k, char *text, WorldSettings *s, double every[COMMON])
{
    char *value = strchr(text, '=');
    if (!value) return FAIL(ERR_USAGE, "world %s: \"%s\", want key=value", k->name, text);
    *value++ = '\0';
    if (!strcmp(text, "preset")) {
        const WorldPreset *preset;
        TRY(find_preset(k, value, &preset));
        return assign_all(k, preset->settings, s, every);
    }
    for (int i = 0; k->options[i].name; i++)
        if (!strcmp(k->options[i].name, text)) return set_option(k, &k->options[i], value, s, i);
    for (int i = 0; i < COMMON; i++)
        if (!strcmp(common[i].name, text)) return set_number(k, &common[i], value, &every[i]);
    Nearest near = nearest_to(text);
    for (int i = 0; k->options[i].name; i++) nearest_offer(&near, k->options[i].name);
    for (int i = 0; i < COMMON; i++) nearest_offer(&near, common[i].name);
    nearest_offer(&near, "preset");
    return FAIL(ERR_USAGE, "world %s has no setting \"%s\"%s; souk simulate --help lists them",
                k->name, text, nearest_hint(&near));
}

/* Later settings replace earlier ones, so those behind a preset change it. */
static Status assign_all(const WorldKind *k, const char *settings, WorldSettings *s,
                         double every[COMMON])
{
    char *copy = strdup(settings), *rest = copy;
    Status st = OK;
    if (!copy) return FAIL(ERR_MEMORY, "no memory for the settings of a world");
    for (char *text; st == OK && (text = strsep(&rest, ","));) st = assign(k, text, s, every);
    free(copy);
    return st;
}

static Status find_kind(const char *name, const WorldKind **kind)
{
    char known[512] = "";
    Nearest near = nearest_to(name);
    for (int i = 0; world_kinds[i]; i++) {
        if (!strcmp(world_kinds[i]->name, name)) return *kind = world_kinds[i], OK;
        nearest_offer(&near, world_kinds[i]->name);
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", world_kinds[i]->name);
    }
    return FAIL(ERR_USAGE, "there is no world \"%s\"%s; want one of %s", name, nearest_hint(&near),
                known);
}

static Status open_kind(World *w, const char *settings)
{
    const WorldKind *k = w->kind;
    double every[COMMON] = {NAN, NAN};
    Status st;
    WorldSettings *s = calloc(1, sizeof *s);
    if (!s) return FAIL(ERR_MEMORY, "no memory for the settings of a world");
    TRY_OR_FAIL(st, set_defaults(k, s));
    if (settings) TRY_OR_FAIL(st, assign_all(k, settings, s, every));
    TRY_OR_FAIL(st, k->open(&w->parameters, &w->spec, s));
    if (isfinite(every[DISCOUNT])) w->spec.discount = every[DISCOUNT];
    if (isfinite(every[HORIZON])) w->spec.horizon = (int64_t)every[HORIZON];
fail:
    free(s);
    return st;
}

Status world_open(World *w, const char *text)
{
    *w = (World){0};
    Status st;
    char *copy = strdup(text), *settings = copy;
    if (!copy) return FAIL(ERR_MEMORY, "no memory for the name of a world");
    const char *name = strsep(&settings, ":");
    TRY_OR_FAIL(st, find_kind(name, &w->kind));
    TRY_OR_FAIL(st, open_kind(w, settings));
fail:
    free(copy);
    if (st != OK) world_close(w);
    return st;
}

enum { COLUMN = 24 };

static void help_options(FILE *out, const WorldOption *o)
{
    for (; o->name; o++) {
        char text[1024], range[64] = "";
        const NumberRange r = {.whole = o->type == WORLD_COUNT, .low = o->low, .high = o->high};
        if (o->type != WORLD_TEXT) number_range(&r, range, sizeof range);
        const char *between = *range && *o->value ? "; " : "";
        const bool details = *range || *o->value;
        snprintf(text, sizeof text, "%s%s%s%s%s%s%s", o->help, details ? " (" : "", range, between,
                 *o->value ? "default " : "", o->value, details ? ")" : "");
        help_row(out, COLUMN, o->name, text);
    }
}

/* The settings, with a blank after each comma, where a line may break; then what they are for. */
static void preset_text(char *text, size_t size, const WorldPreset *p)
{
    size_t used = 0;
    for (const char *c = p->settings; *c && used + 2 < size; c++) {
        text[used++] = *c;
        if (*c == ',') text[used++] = ' ';
    }
    snprintf(text + used, size - used, ": %s", p->help);
}

static void help_presets(FILE *out, const WorldPreset *p)
{
    for (; p && p->name; p++) {
        char name[64], text[512];
        snprintf(name, sizeof name, "preset=%s", p->name);
        preset_text(text, sizeof text, p);
        help_row(out, COLUMN, name, text);
    }
}

static void help_policies(FILE *out, const WorldBaseline *b)
{
    for (; b && b->name; b++) {
        char name[64], text[512];
        snprintf(name, sizeof name, "policy %s", b->name);
        snprintf(text, sizeof text, "%s%s", b->help,
                 b->oracle ? "; it reads what no history shows" : "");
        help_row(out, COLUMN, name, text);
    }
}

void world_open_help(FILE *out, const char *name)
{
    for (int i = 0; world_kinds[i]; i++) {
        const WorldKind *k = world_kinds[i];
        char title[64];
        if (name && strcmp(name, k->name)) continue;
        snprintf(title, sizeof title, "World %s", k->name);
        help_section(out, title);
        help_row(out, COLUMN, k->name, k->summary);
        help_options(out, k->options);
        help_presets(out, k->presets);
        help_policies(out, k->baselines);
    }
    help_section(out, "Options of every world");
    help_options(out, common);
}
