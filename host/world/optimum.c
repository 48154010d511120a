/* SPDX-License-Identifier: Apache-2.0 */
#include "world/optimum.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define TOLERANCE 1e-6
#define STEPS_MAX INT64_C(1000000)

static Status solve(Optimum *o, const Mdp *mdp, int64_t steps, double *v)
{
    if (steps <= STEPS_MAX)
        TRY(mdp_solve_steps(mdp, steps, v, o->policy));
    else
        TRY(mdp_solve(mdp, TOLERANCE, STEPS_MAX, v, o->policy));
    o->value = mdp_start_value(mdp, v);
    mdp_action_values(mdp, o->loss, v);
    mdp_greedy(mdp, v, o->policy, o->loss);
    for (int64_t s = 0; s < mdp->states; s++)
        for (int64_t a = 0; a < mdp->actions; a++)
            o->loss[s * mdp->actions + a] = v[s] - o->loss[s * mdp->actions + a];
    o->items = mdp->actions;
    o->known = true;
    return OK;
}

Status optimum_open(Optimum *o, const World *w)
{
    Mdp mdp;
    Status st;
    *o = (Optimum){0};
    TRY(world_mdp(w, &mdp));
    double *v = calloc((size_t)mdp.states, sizeof *v);
    o->policy = calloc((size_t)mdp.states, sizeof *o->policy);
    o->loss = calloc((size_t)(mdp.states * mdp.actions), sizeof *o->loss);
    if (!v || !o->policy || !o->loss)
        TRY_OR_FAIL(
            st, FAIL(ERR_MEMORY, "no memory for the optimum of %" PRId64 " states", mdp.states));
    TRY_OR_FAIL(st, solve(o, &mdp, w->spec.horizon, v));
fail:
    free(v);
    mdp_close(&mdp);
    if (st != OK) optimum_close(o);
    return st;
}

void optimum_close(Optimum *o)
{
    free(o->policy);
    free(o->loss);
    *o = (Optimum){0};
}

static Status act_metered(void *self, const Episodes *episodes, const PlayHistory *history,
                          int64_t count, const int64_t *slot, int32_t *item, float *propensity)
{
    const OptimumMeter *m = self;
    const World *w = episodes->world;
    TRY(m->actor.act(m->actor.self, episodes, history, count, slot, item, propensity));
    for (int64_t i = 0; i < count; i++) {
        const int64_t s = w->kind->mdp_state(w->parameters, episodes_state(episodes, slot[i]));
        const double weight = pow(w->spec.discount, (double)episodes->step[slot[i]]);
        m->lost[episodes->episode[slot[i]] - m->first] +=
            weight * m->optimum->loss[s * m->optimum->items + item[i]];
    }
    return OK;
}

Actor optimum_meter_actor(OptimumMeter *m) { return (Actor){m, act_metered, m->actor.concurrent}; }
