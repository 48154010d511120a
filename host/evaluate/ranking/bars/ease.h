/* SPDX-License-Identifier: Apache-2.0 */
/* EASE (Steck 2019, arXiv 1905.03375): a linear model of which items a user has, in closed form.
 * With X the matrix of users and items, X_ux = 1 where user u has item x in train, and the ridge
 * lambda,
 *
 *   P = (X'X + lambda I)^-1,    B_xy = -P_xy / P_yy,  B_xx = 0
 *
 * The score of y is the sum of B_xy over the different items x of the history. Items that occur in
 * no train history have score 0.
 *
 * P is computed in double and kept in f32: 4 bytes per pair of items, and 12 while it is made. A
 * score is a sum in double of terms that were rounded to f32, each right to 2^-24; two scores tie
 * where they differ by 2^-20 of the greater, which leaves four bits for what terms of both signs
 * cancel.
 */
#ifndef SOUK_BARS_EASE_H
#define SOUK_BARS_EASE_H

#include "evaluate/ranking/bars/bar.h"
#include "evaluate/ranking/bars/sets.h"

enum { EASE_ITEMS_MAX = 30000 };

typedef struct {
    const Popularity *popularity;
    int32_t count;  /* items that occur in train */
    int32_t *item;  /* [count] ascending */
    int32_t *place; /* [items] their places in item[]; -1: it does not occur */
    float *inverse; /* [count, count] P, with a diagonal of 0 */
    double *scale;  /* [count] -1 / P_yy */
} Ease;

Status ease_fit(Ease *e, const Sets *sets, const Popularity *popularity, double lambda,
                int threads);
void ease_close(Ease *e); /* safe on {0} */

/* Bytes that fitting takes at most, beside one other Ease; *count is the number of items that occur
 * in train. */
int64_t ease_bytes(const Sets *sets, int threads, int32_t *count);

Bar ease_bar(const Ease *e); /* `e` must outlive it */

#endif
