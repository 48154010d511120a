/* SPDX-License-Identifier: Apache-2.0 */
/* ItemKNN (Sarwar et al. 2001; shrinkage after Bell & Koren 2007): items whose users are the same.
 * With n_x the number of users that have item x in train and n_xy that of users with both,
 *
 *   sim(x, y) = n_xy / (sqrt(n_x n_y) + shrink),    x != y
 *
 * Each item keeps the K neighbours y with the greatest similarity (ties: the lower item). The score
 * of y is the sum of sim(x, y) over the different items x of the last `reach` events of the history
 * whose neighbour y is.
 */
#ifndef SOUK_BARS_ITEMKNN_H
#define SOUK_BARS_ITEMKNN_H

#include "evaluate/ranking/bars/bar.h"
#include "evaluate/ranking/bars/sets.h"

typedef struct {
    const Popularity *popularity;
    int width;       /* neighbours that are kept at most */
    int64_t *offset; /* [items+1] */
    int32_t *item;   /* the neighbours of an item by falling similarity */
    double *similarity;
} ItemKnn;

Status itemknn_fit(ItemKnn *k, const Sets *sets, const Popularity *popularity, double shrink,
                   int width, int threads);
void itemknn_close(ItemKnn *k); /* safe on {0} */

/* With the first `neighbours` <= width neighbours of each item; `k` must outlive the bar. */
Bar itemknn_bar(const ItemKnn *k, int neighbours, int64_t reach);

#endif
