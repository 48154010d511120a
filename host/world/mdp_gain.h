/* SPDX-License-Identifier: Apache-2.0 */
/* The mean reward per step in the long run of a finite MDP that never ends, exactly, by relative
 * value iteration (Puterman, "Markov Decision Processes", 1994, 8.5). The MDP must be unichain:
 * wherever it starts, a policy reaches the same recurrent states. Inventories are unichain, since
 * demand can always empty them.
 *
 *     g + h(s) = max_a sum_{s'} p(s' | s, a) [ r(s, a, s') + h(s') ]
 *
 * Sweeps are damped, h <- h + 0.9 (T h - h), so that periodic chains converge too. At every sweep
 * min (T h - h) <= g <= max (T h - h).
 */
#ifndef SOUK_MDP_GAIN_H
#define SOUK_MDP_GAIN_H

#include "world/mdp.h"

/* Sweeps until the two bounds differ by at most `tolerance`; *gain is their middle. h [states] is
 * relative to state 0; policy [states] may be NULL. The MDP's discount is not used. ERR_FORMAT
 * after `sweeps` sweeps; ERR_USAGE where an outcome is terminal. */
Status mdp_gain(const Mdp *m, double tolerance, int64_t sweeps, double *gain, double *h,
                int64_t *policy);

#endif
