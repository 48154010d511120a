/* SPDX-License-Identifier: Apache-2.0 */
/* The optimum of a world that is a finite MDP, for episodes of at most `horizon` choices, by
 * `horizon` sweeps of value iteration. With a horizon above a million, the sweeps stop when the
 * value is exact to 1e-6.
 */
#ifndef SOUK_OPTIMUM_H
#define SOUK_OPTIMUM_H

#include "world/play.h"

/* `policy` and `loss` are those of a choice with the whole horizon left. */
typedef struct {
    bool known;
    int64_t *policy; /* [states] the best choice, for play_table_actor */
    double value;    /* expected discounted return of an episode */
    int64_t items;
    double *loss; /* [states, items] V(s) - Q(s, a) >= 0: what choosing a in s loses */
} Optimum;

/* ERR_USAGE where the world is not a finite MDP. */
Status optimum_open(Optimum *o, const World *w);
void optimum_close(Optimum *o); /* safe on {0} */

/* The difference between the optimum and the return of a policy, measured with little noise (the
 * performance difference lemma, Kakade & Langford 2002):
 *
 *     V* - V^pi = E_pi sum_t discount^t loss(s_t, a_t)
 *
 * for episodes that end by themselves, or a horizon far beyond 1 / (1 - discount). The meter is an
 * actor that lets another actor choose and adds up its losses: lost[i] is that of episode first +
 * i. The caller sets lost[] to 0. */
typedef struct {
    const Optimum *optimum;
    Actor actor;
    int64_t first;
    double *lost;
} OptimumMeter;
/* `m` must outlive the actor. */
Actor optimum_meter_actor(OptimumMeter *m);

#endif
