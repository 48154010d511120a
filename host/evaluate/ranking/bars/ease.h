/* SPDX-License-Identifier: Apache-2.0 */
/* EASE (Steck 2019, arXiv 1905.03375): a linear model of which items a user has, in closed form.
 * With X the matrix of users and items, X_ux = 1 where user u has item x in train, and the ridge
 * lambda,
 *
 *   P = (X'X + lambda I)^-1,    B_xy = -P_xy / P_yy,  B_xx = 0
 *
 * The score of y is the sum of B_xy over the different items x of the history. An item that no
 * train user has together with another item has a row and a column of 0 in B, so it has score 0 and
 * takes no place in P (gram.h), and a user with one item only adds 1 to the diagonal of X'X.
 *
 * P is computed in double and kept in f32: 4 bytes per pair of items that take a place. A score is
 * a sum in double of terms that were rounded to f32, each right to 2^-24; two scores tie where they
 * differ by 2^-20 of the greater, which leaves four bits for what terms of both signs cancel.
 */
#ifndef SOUK_BARS_EASE_H
#define SOUK_BARS_EASE_H

#include "evaluate/ranking/bars/bar.h"
#include "evaluate/ranking/bars/sets.h"

enum { EASE_ITEMS_MAX = 30000 };

typedef struct {
    const Popularity *popularity;
    int32_t count;  /* items that a train user has together with another one */
    int32_t *item;  /* [count] ascending */
    int32_t *place; /* [items] their places in item[]; -1: none */
    float *inverse; /* [count, count] P, with a diagonal of 0 */
    double *scale;  /* [count] -1 / P_yy */
} Ease;

/* Fits the model of all such items or, where `most` > 0 and there are more than `most` of them, of
 * those with the most users, of equal ones the lower items, as if there were no others. */
Status ease_fit(Ease *e, const Sets *sets, const Popularity *popularity, double lambda,
                int32_t most, int threads);
void ease_close(Ease *e); /* safe on {0} */

/* *bytes: what fitting all items takes at most; *count: how many items that are. */
Status ease_size(const Sets *sets, int threads, int32_t *count, int64_t *bytes);

Bar ease_bar(const Ease *e); /* `e` must outlive it */

#endif
