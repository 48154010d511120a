/* SPDX-License-Identifier: Apache-2.0 */
/* A mean over events whose users are the independent units: the ratio R = sum_u y_u / sum_u n_u of
 * the sums y_u and the numbers (or weights) n_u of the events of U users. Its variance is the
 * cluster-robust one of the delta method, U/(U-1) sum_u (y_u - R n_u)^2 / (sum_u n_u)^2, its
 * interval R +- t(U-1) standard errors.
 */
#ifndef SOUK_RATIO_H
#define SOUK_RATIO_H

#include "evaluate/statistics/estimate.h"

/* Sums over users; begin with {0}. */
typedef struct {
    double users, y, n, yy, yn, nn;
} RatioSums;

/* Add a user with n > 0. */
void ratio_add(RatioSums *s, double y, double n);
/* Cut at `least` and `most`; the value is NaN without events. */
Estimate ratio_estimate(const RatioSums *s, double least, double most);

#endif
