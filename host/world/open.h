/* SPDX-License-Identifier: Apache-2.0 */
/* A world from a text: "NAME" or "NAME:key=value,key=value", such as "shop:items=100000,drift=0.1".
 *
 * The keys are the options of the kind NAME (kinds.h), two that every world has, `discount` and
 * `horizon`, which replace those of the world's spec, and `preset`, which stands for the settings
 * of one of the kind's presets. A later setting replaces an earlier one.
 */
#ifndef SOUK_WORLD_OPEN_H
#define SOUK_WORLD_OPEN_H

#include "world/world.h"

/* ERR_USAGE for unknown names and for values that are malformed or out of range. */
Status world_open(World *w, const char *text);

/* Prints options with their defaults, and policies: of every world, or of the world called
 * `name`. */
void world_open_help(FILE *out, const char *name);

#endif
