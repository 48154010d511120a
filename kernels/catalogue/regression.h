/* SPDX-License-Identifier: Apache-2.0 */
/* All action values of a state at once, without computing one of them: what is linear or quadratic
 * in the scores of the whole catalogue follows from sums over the items, so the time is that of
 * items x dim x dim, whatever the number of rows.
 *
 *   z[i, a] = <u[i, :], E[a, :]> + bias[a]                                  as in catalogue.h
 *
 * catalogue_regression_mean
 *   mean[i] = 1 / items sum_a z[i, a]                          overwrites
 *
 * catalogue_regression: the squared errors of the scores of all items but one against one target,
 * with their gradients. With w[i] = weight[i] / (items - 1), and all sums over a != target[i]:
 *
 *   loss[i]   = w[i] sum_a (z[i, a] - y[i])^2 / 2              overwrites
 *   dshift[i] = w[i] sum_a (z[i, a] - y[i])                    overwrites: the gradient of a number
 *                                                              that is added to all z[i, :], and
 *                                                              minus the gradient of y[i]
 *   du[i]     = w[i] sum_a (z[i, a] - y[i]) E[a]               overwrites
 *   did[a]   += sum_{i: a != target[i]} w[i] (z[i, a] - y[i]) u[i]    accumulates (gradient of E)
 *   dbias[a] += the same without u[i]                          accumulates; absent with bias
 *
 *   mean, loss, dshift, y, weight   [rows]   f32
 *   u, du        [rows, dim]     f32 or bf16, du as u, or f32
 *   bias, dbias  [items]         f32, bias optional
 *   target       [rows]          i32; where it is below 0 weight is 0
 *
 * This is a loss over uniform negatives in expectation instead of by draws. With one item all
 * results are 0. The arithmetic is f32 whatever u is. A sum over items errs by spacings of its
 * largest terms, and so does the small difference that is left where z is near y. Memory: the items
 * of a tile, and some [rows, dim] and [dim, dim]. Deterministic.
 *
 * On a shard (items.h) `items` is the number of all items, and mean, loss, dshift and du are
 * summands of the catalogue's (merge.h).
 */
#ifndef SOUK_CATALOGUE_REGRESSION_H
#define SOUK_CATALOGUE_REGRESSION_H

#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

void catalogue_regression_mean(Device *dev, Tensor mean, Tensor u, const ItemTable *table,
                               Tensor bias);

typedef struct {
    Tensor loss, dshift, du, did, dbias;
} RegressionOut;
void catalogue_regression(Device *dev, RegressionOut out, Tensor u, const ItemTable *table,
                          Tensor bias, Tensor target, Tensor y, Tensor weight);

#ifdef __cplusplus
}
#endif
#endif
