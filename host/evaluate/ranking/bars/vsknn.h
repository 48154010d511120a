/* SPDX-License-Identifier: Apache-2.0 */
/* V-SKNN (Ludewig & Jannach 2018, arXiv 1803.09587): what the users have whose items are most like
 * the latest items of this one.
 *
 * Let x_0, x_1, ... x_{L-1} be the different items of the last VSKNN_REACH events of the history,
 * the latest first. The similarity of another user n, with the set of train items n, is
 *
 *   sim(n) = sum over d with x_d in n of w(d),    w(d) = (L - d) / L  or  1 / (1 + d)
 *
 * The K users with the greatest similarity (ties: the later ones) are the neighbours. With d(n) the
 * least d with x_d in n, and U the number of users, item y has the score
 *
 *   sum over neighbours n with y in n of sim(n) / (1 + d(n))  *  (1 + idf log(U / users with y))
 *
 * For each item only the VSKNN_SAMPLE users with the latest train events are looked at, as in the
 * paper. The user itself is no neighbour. Where a log has one user a session, this is the paper's
 * method; else a user's whole train history is one session.
 */
#ifndef SOUK_BARS_VSKNN_H
#define SOUK_BARS_VSKNN_H

#include "evaluate/ranking/bars/bar.h"
#include "evaluate/ranking/bars/sets.h"

enum { VSKNN_REACH = 20, VSKNN_SAMPLE = 1000 };

typedef struct {
    int neighbours; /* K */
    bool linear;    /* w(d) = (L - d) / L */
    double idf;
} VsknnSettings;

/* `sets` and `popularity` must outlive the bar. */
Bar vsknn_bar(const Sets *sets, const Popularity *popularity, VsknnSettings settings);

#endif
