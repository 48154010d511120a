/* SPDX-License-Identifier: Apache-2.0 */
/* Which users have which items in train: the sets that neighbours are found in. How often an item
 * occurs does not count. A user with more than SETS_LONGEST different items counts with the latest
 * ones, as the cost of pairs of items grows with the square of a set.
 *
 * Users are numbered by place, the one with the latest train event first; users with equal times
 * are in falling order of their numbers.
 */
#ifndef SOUK_BARS_SETS_H
#define SOUK_BARS_SETS_H

#include "evaluate/ranking/histories.h"

enum { SETS_LONGEST = 1000 };

typedef struct {
    int32_t users, items;
    int32_t *place; /* [users] of the log's user */
    /* The items of the user at place p are item[first[p]] .. item[first[p+1]-1], latest first. */
    int64_t *first; /* [users+1] */
    int32_t *item;
    /* Item x is in the sets at holder[offset[x]] .. holder[offset[x+1]-1], in ascending order. */
    int64_t *offset; /* [items+1] */
    int32_t *holder;
} Sets;

Status sets_read(Sets *s, const Histories *h);
void sets_close(Sets *s); /* safe on {0} */

static inline int64_t sets_holders(const Sets *s, int32_t x)
{
    return s->offset[x + 1] - s->offset[x];
}

#endif
