/* Finite Markov decision processes, solved exactly, in double: the mathematics that agents are held
 * against. With R_t the best discounted reward from step t on,
 *
 *     R_t = r_t + gamma max_a R_{t+1}              (deterministic)
 *     Q(s, a) = sum_{s'} p(s' | s, a) [ r(s, a, s') + gamma V(s') ],   V(s) = max_a Q(s, a)
 *
 * Bellman, "Dynamic Programming", 1957; Puterman, "Markov Decision Processes", 1994 (6.3 for the bound
 * of value iteration).
 *
 * Transitions are sparse: the outcomes of (s, a) are entries first[s A + a] .. first[s A + a + 1] - 1.
 * A pair without outcomes is an action that does not exist there; every state has at least one.
 */
#ifndef SOUK_MDP_H
#define SOUK_MDP_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum { MDP_TERMINAL = -1 };

typedef struct {
    int64_t next; /* state, or MDP_TERMINAL: the episode ends, V = 0 */
    double probability, reward;
} MdpOutcome;

typedef struct {
    int64_t states, actions;
    double discount; /* 0 .. 1 */
    int64_t *first;  /* [states x actions + 1] */
    MdpOutcome *outcome;
    double *start;                  /* [states] distribution of the first state */
    int64_t filled, outcomes, room; /* pairs (s, a) and outcomes so far; room of `outcome` */
} Mdp;

/* ---- Building: for s, for a: mdp_add its outcomes, then mdp_next ------------------------------------ */

Status mdp_open(Mdp *m, int64_t states, int64_t actions, double discount);
void mdp_close(Mdp *m); /* safe on {0} */
/* An outcome of the pair being filled; equal (next, reward) need not be merged, probability 0 is
 * left out. */
Status mdp_add(Mdp *m, int64_t next, double probability, double reward);
/* The pair is complete; the next one, in the order of s A + a, begins. */
void mdp_next(Mdp *m);
/* All pairs filled, next states in range, probabilities of each pair and of `start` in [0, 1] with sum 1
 * within 1e-9, finite rewards. The failure names the pair. */
Status mdp_check(const Mdp *m);

/* ---- Bellman's equations; V [states], Q [states, actions] ------------------------------------------ */

/* Q(s, a) = sum p [r + gamma V(s')]; -inf where the action does not exist. */
void mdp_action_values(const Mdp *m, double *q, const double *v);
/* V(s) = max_a Q(s, a), policy[s] = its lowest argmax (either may be NULL). */
void mdp_greedy(const Mdp *m, double *v, int64_t *policy, const double *q);

/* The optimum by value iteration from V = 0, until |V - V*| <= tolerance everywhere: discount < 1 by the
 * bounds V + gamma / (1 - gamma) [min, max] change (MacQueen, JMAA 1966), whose middle is taken;
 * discount 1 (all episodes must end) by max |change| <= tolerance. Fails after `sweeps` sweeps. Fills v [states], policy [states] (may be NULL). */
Status mdp_solve(const Mdp *m, double tolerance, int64_t sweeps, double *v, int64_t *policy);
/* The same with `steps` choices left: V_0 = 0, V_n = max_a sum p [r + gamma V_{n-1}]. */
Status mdp_solve_steps(const Mdp *m, int64_t steps, double *v, int64_t *policy);
/* V of a policy that takes policy[s]; of one that takes a with probability[s, a]. Bounds as mdp_solve. */
Status mdp_evaluate(const Mdp *m, const int64_t *policy, double tolerance, int64_t sweeps,
                    double *v);
Status mdp_evaluate_mixed(const Mdp *m, const double *probability, double tolerance, int64_t sweeps,
                          double *v);
/* sum_s start(s) V(s) */
double mdp_start_value(const Mdp *m, const double *v);

#endif
