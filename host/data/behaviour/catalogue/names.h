/* SPDX-License-Identifier: Apache-2.0 */
/* What the log calls the rows of categories, which tells them again in a later log:
 * /catalogue/items/NAME and /catalogue/users/NAME have the names of the rows 1, 2, … of the
 * category NAME (datasets/README.md). Row 0, "unknown", has no name. Files of earlier versions, and
 * of simulated worlds, have no names.
 */
#ifndef SOUK_BEHAVIOUR_NAMES_H
#define SOUK_BEHAVIOUR_NAMES_H

#include "base/status.h"
#include "data/behaviour/put.h"
#include "data/behaviour/schema.h"

/* Whether the names of some category are known. */
bool names_any(const FeatureSet *f);
/* The groups of names. */
extern const char names_of_items[], names_of_users[];
/* The group, with a dataset of each category whose names are known. Its parent must be there. */
Status names_put(const FeatureSet *f, PutFile *put, const char *group);
/* Reads the names of all categories of `f`, the items' or users' features of the open file, where
 * the file has names. names_close frees them, also after a
 * failure. */
Status names_read(FeatureSet *f, const Behaviour *b, const char *group);
/* A copy of `f` with names of its own, read so; names_close frees these, also after a failure. */
Status names_copy(FeatureSet *copy, const FeatureSet *f, const Behaviour *b, const char *group);
/* Safe on {0}; not for names that others than names_read have set. */
void names_close(FeatureSet *f);

#endif
