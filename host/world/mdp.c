/* SPDX-License-Identifier: Apache-2.0 */
#include "world/mdp.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/parallel.h"

Status mdp_open(Mdp *m, int64_t states, int64_t actions, double discount)
{
    *m = (Mdp){.states = states, .actions = actions, .discount = discount};
    REQUIRE(states > 0 && actions > 0 && discount >= 0.0 && discount <= 1.0,
            "%" PRId64 " states, %" PRId64 " actions, discount %g", states, actions, discount);
    m->first = calloc((size_t)(states * actions) + 1, sizeof *m->first);
    m->start = calloc((size_t)states, sizeof *m->start);
    if (m->first && m->start) return OK;
    mdp_close(m);
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " states of %" PRId64 " actions", states,
                actions);
}

void mdp_close(Mdp *m)
{
    free(m->first);
    free(m->outcome);
    free(m->start);
    *m = (Mdp){0};
}

Status mdp_add(Mdp *m, int64_t next, double probability, double reward)
{
    if (probability == 0.0) return OK;
    if (m->outcomes == m->capacity) {
        const int64_t capacity = m->capacity ? 2 * m->capacity : 1024;
        MdpOutcome *more = realloc(m->outcome, (size_t)capacity * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " transitions", capacity);
        m->outcome = more;
        m->capacity = capacity;
    }
    m->outcome[m->outcomes++] = (MdpOutcome){next, probability, reward};
    return OK;
}

void mdp_next(Mdp *m)
{
    REQUIRE(m->filled < m->states * m->actions, "more than %" PRId64 " pairs", m->filled);
    m->first[++m->filled] = m->outcomes;
}

static Status check_pair(const Mdp *m, int64_t pair)
{
    const int64_t s = pair / m->actions, a = pair % m->actions;
    double sum = 0.0;
    for (int64_t i = m->first[pair]; i < m->first[pair + 1]; i++) {
        const MdpOutcome *o = &m->outcome[i];
        if (o->next < MDP_TERMINAL || o->next >= m->states)
            return FAIL(ERR_FORMAT,
                        "state %" PRId64 ", action %" PRId64 " leads to state %" PRId64
                        ", want below %" PRId64,
                        s, a, o->next, m->states);
        if (!(o->probability >= 0.0 && o->probability <= 1.0))
            return FAIL(ERR_FORMAT,
                        "state %" PRId64 ", action %" PRId64 ": probability %g, want 0 to 1", s, a,
                        o->probability);
        if (!isfinite(o->reward))
            return FAIL(ERR_FORMAT,
                        "state %" PRId64 ", action %" PRId64 ": reward %g, want a finite one", s, a,
                        o->reward);
        sum += o->probability;
    }
    if (m->first[pair] < m->first[pair + 1] && !(fabs(sum - 1.0) <= 1e-9))
        return FAIL(ERR_FORMAT,
                    "state %" PRId64 ", action %" PRId64 ": probabilities add up to %.12g, want 1",
                    s, a, sum);
    return OK;
}

Status mdp_check(const Mdp *m)
{
    const int64_t pairs = m->states * m->actions;
    double sum = 0.0;
    if (m->filled != pairs)
        return FAIL(ERR_FORMAT, "%" PRId64 " pairs are filled, want %" PRId64, m->filled, pairs);
    for (int64_t pair = 0; pair < pairs; pair++) TRY(check_pair(m, pair));
    for (int64_t s = 0; s < m->states; s++) {
        if (m->first[s * m->actions] == m->first[(s + 1) * m->actions])
            return FAIL(ERR_FORMAT, "state %" PRId64 " has no action, want at least one", s);
        if (!(m->start[s] >= 0.0 && m->start[s] <= 1.0))
            return FAIL(ERR_FORMAT,
                        "state %" PRId64 ": probability %g to be the first state, want 0 to 1", s,
                        m->start[s]);
        sum += m->start[s];
    }
    if (!(fabs(sum - 1.0) <= 1e-9))
        return FAIL(ERR_FORMAT, "probabilities of the first state add up to %.12g, want 1", sum);
    return OK;
}

enum { PARALLEL_OUTCOMES = 1 << 15 }; /* with fewer outcomes, waking threads takes longer */

/* ---- Bellman's equations --------------------------------------------------------------------- */

static int threads_for(const Mdp *m)
{
    return m->outcomes > PARALLEL_OUTCOMES ? parallel_threads(m->threads) : 1;
}

void mdp_action_values(const Mdp *m, double *q, const double *v)
{
    const int64_t pairs = m->states * m->actions;
#pragma omp parallel for schedule(static) num_threads(threads_for(m))
    for (int64_t pair = 0; pair < pairs; pair++) {
        double sum = 0.0;
        for (int64_t i = m->first[pair]; i < m->first[pair + 1]; i++) {
            const MdpOutcome *o = &m->outcome[i];
            const double then = o->next == MDP_TERMINAL ? 0.0 : v[o->next];
            sum += o->probability * (o->reward + m->discount * then);
        }
        q[pair] = m->first[pair] < m->first[pair + 1] ? sum : -INFINITY;
    }
}

void mdp_greedy(const Mdp *m, double *v, int64_t *policy, const double *q)
{
    for (int64_t s = 0; s < m->states; s++) {
        const double *row = q + s * m->actions;
        int64_t best = 0;
        for (int64_t a = 1; a < m->actions; a++)
            if (row[a] > row[best]) best = a;
        if (v) v[s] = row[best];
        if (policy) policy[s] = best;
    }
}

/* ---- Fixed points ---------------------------------------------------------------------------- */

/* How V follows from Q: as the maximum where both are NULL, else by one action in each state or by
 * a mixture of actions. */
typedef struct {
    const int64_t *policy;     /* [states] */
    const double *probability; /* [states, actions] */
} Rule;

/* The least and the greatest change of a V in one sweep. */
typedef struct {
    double low, high;
} Change;

/* Replaces V by the next one. */
static Change update(const Mdp *m, Rule rule, const double *q, double *v)
{
    Change change = {INFINITY, -INFINITY};
    for (int64_t s = 0; s < m->states; s++) {
        const double *row = q + s * m->actions;
        double value = rule.policy ? row[rule.policy[s]] : rule.probability ? 0.0 : row[0];
        for (int64_t a = 0; a < m->actions && !rule.policy; a++) {
            const double p = rule.probability ? rule.probability[s * m->actions + a] : 0.0;
            if (!rule.probability)
                value = fmax(value, row[a]);
            else if (p > 0.0)
                value += p * row[a];
        }
        change.low = fmin(change.low, value - v[s]);
        change.high = fmax(change.high, value - v[s]);
        v[s] = value;
    }
    return change;
}

static bool ends(const Mdp *m)
{
    for (int64_t i = 0; i < m->outcomes; i++)
        if (m->outcome[i].next == MDP_TERMINAL) return true;
    return false;
}

/* How far V may be from its fixed point after *shift was added to it. With a discount below 1 the
 * shift leads to the middle of the bounds, V + gamma / (1 - gamma) [low, high]. The end of an
 * episode counts as a state whose V never changes. */
static double settle(const Mdp *m, Change change, bool episodes_end, double *shift)
{
    if (episodes_end) change = (Change){fmin(change.low, 0.0), fmax(change.high, 0.0)};
    *shift = 0.0;
    if (m->discount == 1.0) return fmax(change.high, -change.low);
    const double scale = m->discount / (1.0 - m->discount);
    *shift = scale * 0.5 * (change.low + change.high);
    return scale * 0.5 * (change.high - change.low);
}

static Status iterate(const Mdp *m, Rule rule, double tolerance, int64_t sweeps, bool exactly,
                      double *v, int64_t *policy)
{
    const bool episodes_end = ends(m);
    double *q = malloc((size_t)(m->states * m->actions) * sizeof *q), off = INFINITY, shift = 0.0;
    if (!q)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " action values", m->states * m->actions);
    for (int64_t s = 0; s < m->states; s++) v[s] = 0.0;
    for (int64_t n = 0; n < sweeps && (exactly || !(off <= tolerance)); n++) {
        mdp_action_values(m, q, v);
        off = settle(m, update(m, rule, q, v), episodes_end, &shift);
    }
    for (int64_t s = 0; s < m->states && !exactly; s++) v[s] += shift;
    if (policy && !exactly) mdp_action_values(m, q, v);
    if (policy) mdp_greedy(m, NULL, policy, q);
    free(q);
    if (exactly || off <= tolerance) return OK;
    return FAIL(ERR_FORMAT,
                "values are still off by up to %g after %" PRId64
                " sweeps, want at most %g (discount %g)",
                off, sweeps, tolerance, m->discount);
}

Status mdp_solve(const Mdp *m, double tolerance, int64_t sweeps, double *v, int64_t *policy)
{
    return iterate(m, (Rule){0}, tolerance, sweeps, false, v, policy);
}

Status mdp_solve_steps(const Mdp *m, int64_t steps, double *v, int64_t *policy)
{
    REQUIRE(steps >= 1, "%" PRId64 " steps", steps);
    return iterate(m, (Rule){0}, 0.0, steps, true, v, policy);
}

Status mdp_evaluate(const Mdp *m, const int64_t *policy, double tolerance, int64_t sweeps,
                    double *v)
{
    return iterate(m, (Rule){.policy = policy}, tolerance, sweeps, false, v, NULL);
}

Status mdp_evaluate_mixed(const Mdp *m, const double *probability, double tolerance, int64_t sweeps,
                          double *v)
{
    return iterate(m, (Rule){.probability = probability}, tolerance, sweeps, false, v, NULL);
}

double mdp_start_value(const Mdp *m, const double *v)
{
    double sum = 0.0;
    for (int64_t s = 0; s < m->states; s++) sum += m->start[s] * v[s];
    return sum;
}
