/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON object as a row: the texts of its values by name, found in one pass and without a tree.
 *
 *     {"user": {"id": 7}, "item": "a\u00e9", "price": 1.50, "new": true, "tags": [1, 2]}
 *
 * has user.id = 7, item = aé, price = 1.50 and new = 1. Numbers keep their digits. true is 1 and
 * false is 0; null, NaN, arrays, objects and absent names are the empty text. A name of a member of
 * a nested object is joined to the object's by a point. Where names repeat, the last one counts. */
#ifndef SOUK_RAWLOG_FLAT_H
#define SOUK_RAWLOG_FLAT_H

#include "data/rawlog/format/scan.h"
#include "data/rawlog/mapping.h"

enum {
    FLAT_NAMES_MAX = ROLES + CELLS_MAX + 2 * LIST_COLUMNS_MAX + 1,
    FLAT_PATH_MAX = 2 * NAME_MAX_BYTES,
    FLAT_SEEN = 64
};

/* The n-th member of the object before: most objects of a log have the same names in the same
 * order, so that this says in most cases what the n-th member of an object is. */
typedef struct {
    Text name;   /* as in the text, with its escapes */
    int parent;  /* number of the member that is around it, or -1 */
    int index;   /* of the wanted name, or -1 */
    bool inside; /* a wanted name is the name of a member of this one */
} FlatSeen;

typedef struct {
    Text name[FLAT_NAMES_MAX]; /* the wanted ones, which all differ */
    int names;
    int arrays; /* the first of them, whose values are the texts of arrays, or empty, */
    int either; /* and so many after these, whose values may be texts of arrays or as any other */
    FlatSeen seen[FLAT_SEEN];
    bool escaped[FLAT_NAMES_MAX];
} Flat; /* = {0}, then `name` and `names` */

/* The values of the object that is the text at .. end-1, blanks around it included. The texts point
 * into it, and it is rewritten where they have escapes. `flat` remembers names in it, so that all
 * texts that are read with one `flat` must stay in memory. False, and nothing rewritten, where the
 * text is no such object in UTF-8. */
bool flat_read(Flat *flat, char *at, char *end, Text *value);

/* Whether a value is the text of an array. The text of a string has its quote before it. */
static inline bool flat_is_array(Text value)
{
    return value.length && value.at[0] == '[' && value.at[-1] != '"';
}

/* The text of the value at .. end-1, which scan_value has accepted; rewritten where it has
 * escapes. */
Text flat_text(char *at, const char *end);

/* Calls `take` with each name of the first object in a text, also with those of nested objects
 * (`path`, without escapes), until it returns false. False where the text begins with no object. */
bool flat_names(const char *at, const char *end, bool (*take)(void *context, Text path),
                void *context);

#endif
