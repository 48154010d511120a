/* SPDX-License-Identifier: Apache-2.0 */
/* What a shop could have shown when the log was made. A behaviour file has the items that occur in
 * its events, and those that the log's policy never showed may be missing. A policy that would show
 * them has weights that the log cannot tell, and their number is part of its probabilities.
 */
#ifndef SOUK_OPE_CATALOGUE_H
#define SOUK_OPE_CATALOGUE_H

#include <stdbool.h>

#include "data/behaviour/behaviour.h"

typedef struct {
    const char *from; /* the text of ope_catalogue_open; NULL: the file's items */
    int64_t choices;  /* items that could be shown */
    bool *listed;     /* [items] which of the file's items could be; NULL: all */
} OpeCatalogue;

/* `text` is a whole number, at least the file's items, or the path of a text file with the key of
 * one item on each line; NULL: the items of the behaviour file. Empty lines are skipped, and a key
 * on several lines counts once. ERR_USAGE for a number that is too small, ERR_FORMAT for a file
 * without a key. */
Status ope_catalogue_open(OpeCatalogue *c, Behaviour *file, const char *text);
void ope_catalogue_close(OpeCatalogue *c); /* safe on {0} */

/* Fails, naming event and item, where a decision showed an item that could not be shown: decision i
 * is row event[i] of /events, and showed item[i]. */
Status ope_catalogue_check(const OpeCatalogue *c, Behaviour *file, const int64_t *event,
                           const int32_t *item, int64_t count);

#endif
