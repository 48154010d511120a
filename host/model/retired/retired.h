/* SPDX-License-Identifier: Apache-2.0 */
/* Items that are no longer sold: the file retired.txt in the folder of a run, which a shop writes
 * itself, has the key of such an item in each line. Whoever uses the model (model/saved.h) never
 * chooses them: recommendations, acting, rankings and the server. Their rows stay, and so do their
 * events in histories. A list may be changed at any time; a server reads it when it loads the model
 * anew.
 */
#ifndef SOUK_RETIRED_H
#define SOUK_RETIRED_H

#include "base/status.h"
#include "data/behaviour/schema.h"

enum { RETIRED_STRAY = 65 };

typedef struct {
    bool *item;                /* [items] the items on the list; NULL: there is no list */
    int64_t count, strays;     /* how many they are; keys on it that no item has, */
    char stray[RETIRED_STRAY]; /* and the first of them, cut */
} Retired;

/* Read the list beside the model `path`, a file in a run's folder, for the catalogue of `b`; *r is
 * {0} where there is none. Fails where every item is on it. */
Status retired_read(Retired *r, const char *path, const Behaviour *b);
void retired_close(Retired *r); /* safe on {0} */
/* Copy the list beside the model `path` to the folder `to`, unless that has one. */
Status retired_take(const char *path, const char *to);

#endif
