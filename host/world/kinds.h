/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all kinds of worlds. */
#ifndef SOUK_WORLD_KINDS_H
#define SOUK_WORLD_KINDS_H

#include "world/world.h"

extern const WorldKind *const world_kinds[]; /* the last one is NULL */

#endif
