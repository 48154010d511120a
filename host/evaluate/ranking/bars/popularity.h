/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a catalogue in order of popularity, pop(y): the number of train events of item y, of
 * any action. */
#ifndef SOUK_BARS_POPULARITY_H
#define SOUK_BARS_POPULARITY_H

#include "evaluate/ranking/histories.h"

typedef struct {
    int32_t items;
    int64_t *count; /* [items] pop */
    int32_t *order; /* [items] by popularity, greatest first; ties by lower number */
    int32_t *rank;  /* [items] how many items are more popular */
    int32_t *peers; /* [items] how many items have its popularity, itself included */
} Popularity;

Status popularity_count(Popularity *p, const Histories *h);
void popularity_close(Popularity *p); /* safe on {0} */

#endif
