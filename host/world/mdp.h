/* SPDX-License-Identifier: Apache-2.0 */
/* Finite Markov decision processes, solved exactly in double precision. Agents are tested against
 * these solutions.
 *
 *   Q(s, a) = sum_{s'} p(s' | s, a) [ r(s, a, s') + gamma V(s') ],   V(s) = max_a Q(s, a)
 *
 * Bellman, "Dynamic Programming", 1957; Puterman, "Markov Decision Processes", 1994 (6.3 has the
 * bounds of value iteration).
 *
 * Transitions are sparse: with i = s A + a, the outcomes of (s, a) are the entries first[i] ..
 * first[i + 1] - 1. A pair without outcomes is an action that does not exist in s; every state has
 * at least one action.
 */
#ifndef SOUK_MDP_H
#define SOUK_MDP_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum { MDP_TERMINAL = -1 };

typedef struct {
    int64_t next; /* a state, or MDP_TERMINAL: the episode ends, V = 0 */
    double probability, reward;
} MdpOutcome;

typedef struct {
    int64_t states, actions;
    double discount; /* 0 .. 1 */
    int64_t *first;  /* [states x actions + 1] */
    MdpOutcome *outcome;
    double *start;    /* [states] distribution of the first state */
    int64_t filled;   /* pairs (s, a) that are complete */
    int64_t outcomes; /* outcomes so far */
    int64_t capacity; /* outcomes for which there is memory */
    int threads;      /* threads that solve it; 0: all processors; results do not depend on it */
} Mdp;

/* ---- Building: for each s, for each a: mdp_add its outcomes, then mdp_next ------------------- */

Status mdp_open(Mdp *m, int64_t states, int64_t actions, double discount);
void mdp_close(Mdp *m); /* safe on {0} */
/* Adds an outcome to the pair that is being filled. Outcomes with the same (next, reward) need not
 * be merged; an outcome of probability 0 is left out. */
Status mdp_add(Mdp *m, int64_t next, double probability, double reward);
/* Completes the pair and begins the next one, in the order of s A + a. */
void mdp_next(Mdp *m);
/* Fails unless all pairs are filled, next states are in range, the probabilities of each pair and
 * of `start` are in [0, 1] with a sum of 1 within 1e-9, and rewards are finite. The message names
 * the pair. */
Status mdp_check(const Mdp *m);

/* ---- Bellman's equations; V [states], Q [states, actions] ------------------------------------ */

/* Q(s, a) = sum p [r + gamma V(s')]; -inf where the action does not exist. */
void mdp_action_values(const Mdp *m, double *q, const double *v);
/* V(s) = max_a Q(s, a); policy[s] is the lowest argmax. Either output may be NULL. */
void mdp_greedy(const Mdp *m, double *v, int64_t *policy, const double *q);

/* The optimum, by value iteration from V = 0 until |V - V*| <= tolerance everywhere. With a
 * discount below 1 the bounds are V + gamma / (1 - gamma) [least, greatest change] (MacQueen, JMAA
 * 1966), and their middle is returned; with discount 1 (all episodes must end) the sweeps stop at
 * max |change| <= tolerance. ERR_FORMAT after `sweeps` sweeps. Fills v [states] and policy
 * [states], which may be NULL. */
Status mdp_solve(const Mdp *m, double tolerance, int64_t sweeps, double *v, int64_t *policy);
/* The optimum with `steps` choices left: V_0 = 0, V_n = max_a sum p [r + gamma V_{n-1}]. */
Status mdp_solve_steps(const Mdp *m, int64_t steps, double *v, int64_t *policy);
/* V of the policy that takes policy[s] in s, and V of a policy that takes a in s with
 * probability[s, a]. They stop and fail like mdp_solve. */
Status mdp_evaluate(const Mdp *m, const int64_t *policy, double tolerance, int64_t sweeps,
                    double *v);
Status mdp_evaluate_mixed(const Mdp *m, const double *probability, double tolerance, int64_t sweeps,
                          double *v);
/* sum_s start(s) V(s) */
double mdp_start_value(const Mdp *m, const double *v);

#endif
