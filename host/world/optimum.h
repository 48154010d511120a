/* The optimum of a world that is a finite MDP, for episodes of at most `horizon` choices: by that many
 * sweeps of value iteration (above a million, by as many as make it exact to 1e-6).
 */
#ifndef SOUK_OPTIMUM_H
#define SOUK_OPTIMUM_H

#include "world/play.h"

typedef struct {
    bool known;
    int64_t *policy; /* [states] the choice with the whole horizon ahead, for play_table_actor */
    double value;    /* expected discounted return of an episode */
    int64_t items;
    double *
        loss; /* [states, items] V(s) - Q(s, a) >= 0: what choosing a in s gives away, with the whole horizon ahead */
} Optimum;

/* Fails where the world is no finite MDP. */
Status optimum_open(Optimum *o, const World *w);
void optimum_close(Optimum *o); /* safe on {0} */

/* What a policy gives away, measured with little noise (the performance difference lemma of Kakade &
 * Langford 2002): V* - V^pi = E_pi sum_t discount^t loss(s_t, a_t), where
 * episodes end by themselves or the horizon is far beyond 1 / (1 - discount). The meter is an actor that lets
 * another one choose and adds up its losses: lost[i] of episode first + i, zeroed by the caller. */
typedef struct {
    const Optimum *optimum;
    Actor actor;
    int64_t first;
    double *lost;
} LossMeter;
Actor optimum_loss_meter(LossMeter *m);

#endif
