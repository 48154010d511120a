/* SPDX-License-Identifier: Apache-2.0 */
#include "world/mdp_gain.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define DAMPING 0.9

/* One sweep: updates h, and gives the bounds of the gain. */
static void sweep(const Mdp *m, const double *q, double *h, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t s = 0; s < m->states; s++) {
        double best = -INFINITY;
        for (int64_t a = 0; a < m->actions; a++) best = fmax(best, q[s * m->actions + a]);
        const double change = best - h[s];
        *low = fmin(*low, change);
        *high = fmax(*high, change);
        h[s] += DAMPING * change;
    }
    for (int64_t s = m->states - 1; s >= 0; s--) h[s] -= h[0];
}

Status mdp_gain(const Mdp *m, double tolerance, int64_t sweeps, double *gain, double *h,
                int64_t *policy)
{
    for (int64_t i = 0; i < m->outcomes; i++)
        if (m->outcome[i].next == MDP_TERMINAL)
            return FAIL(
                ERR_USAGE,
                "an outcome is terminal, want an MDP that never ends: only such an MDP has a mean "
                "reward in the long run");
    Mdp undiscounted = *m;
    undiscounted.discount = 1.0;
    double low = -INFINITY, high = INFINITY;
    double *q = malloc((size_t)(m->states * m->actions) * sizeof *q);
    if (!q)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " action values", m->states * m->actions);
    for (int64_t s = 0; s < m->states; s++) h[s] = 0.0;
    for (int64_t n = 0; n < sweeps && !(high - low <= tolerance); n++) {
        mdp_action_values(&undiscounted, q, h);
        sweep(m, q, h, &low, &high);
    }
    mdp_action_values(&undiscounted, q, h);
    if (policy) mdp_greedy(m, NULL, policy, q);
    free(q);
    *gain = 0.5 * (low + high);
    if (high - low <= tolerance) return OK;
    return FAIL(ERR_FORMAT,
                "the mean reward is still between %g and %g after %" PRId64
                " sweeps, want bounds %g apart",
                low, high, sweeps, tolerance);
}
