/* SPDX-License-Identifier: Apache-2.0 */
/* Where the rows of an earlier catalogue, that of a model, are in a later one, that of a file:
 * an item of both is found by its key, a value of a category by its name, an n-gram by its hash.
 * `souk ingest --catalogue` makes files whose catalogue has all that the earlier one had.
 */
#ifndef SOUK_BEHAVIOUR_MATCH_H
#define SOUK_BEHAVIOUR_MATCH_H

#include "base/status.h"
#include "data/behaviour/schema.h"

/* What the rows of a table stand for. ROWS_FIXED: not for anything of a catalogue. */
typedef enum {
    ROWS_FIXED,
    ROWS_ITEM,
    ROWS_ITEM_CATEGORY, /* of the joint table of all kinds */
    ROWS_NGRAM,
    ROWS_USER_CATEGORY, /* of the joint table of all kinds */
    ROW_KINDS
} RowKind;

typedef struct {
    int64_t then, now; /* how many rows there are */
    int32_t *from;     /* [now] the row then of each row now; -1: it is new. NULL: not known */
} RowMatch;

typedef struct {
    bool same; /* the catalogues are one: all rows are what they were, and nothing below is set */
    RowMatch rows[ROW_KINDS];
    int64_t fresh; /* new items */
} CatalogueMatch;

/* Matches the catalogue of a model, `then`, with that of the file `now`, which must have the same
 * kinds of events, features and scales. `model` names the model in messages. Fails where `now`
 * lacks an item that `then` has: a model that ranks such items could not be asked for them. Host
 * memory meanwhile: the keys of all items of both, and 16 to 32 bytes for each. */
Status match_catalogues(CatalogueMatch *m, const char *model, const Behaviour *then,
                        const Behaviour *now);
void match_close(CatalogueMatch *m); /* safe on {0} */

/* The row then of a row now; -1: it is new. */
static inline int32_t match_row(const CatalogueMatch *m, RowKind kind, int32_t row)
{
    return m->same || kind == ROWS_FIXED ? row : m->rows[kind].from[row];
}

#endif
