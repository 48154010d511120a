/* The mean reward a step in the long run of a finite MDP that goes on for ever, exactly: relative value
 * iteration (Puterman, "Markov Decision Processes", 1994, 8.5). The MDP must be unichain (from wherever it
 * starts, a policy ends in the same recurrent states), as inventories are: demand can always empty them.
 *
 *     g + h(s) = max_a sum_{s'} p(s' | s, a) [ r(s, a, s') + h(s') ]
 *
 * Sweeps are damped, h <- h + 0.9 (T h - h), so that periodic chains converge too; the bounds
 * min (T h - h) <= g <= max (T h - h) hold at every sweep. */
#ifndef SOUK_MDP_GAIN_H
#define SOUK_MDP_GAIN_H

#include "world/mdp.h"

/* Until the bounds differ by at most `tolerance`; *gain is their middle. h [states], relative to state 0;
 * policy [states] may be NULL. The MDP's discount is not used. Fails after `sweeps` sweeps, and where an
 * outcome is terminal. */
Status mdp_gain(const Mdp *m, double tolerance, int64_t sweeps, double *gain, double *h,
                int64_t *policy);

#endif
