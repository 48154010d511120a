/* SPDX-License-Identifier: Apache-2.0 */
/* A model as the policy under evaluation, with the scores z of the rule that its session acts by
 * (infer/acting.h). It is either a softmax at a temperature, over the items that the rule does not
 * leave out,
 *
 *   pi(a | x) = exp(z(x, a) / temperature) / sum_b exp(z(x, b) / temperature)
 *
 * or, with epsilon >= 0, the best item (of items with equal scores the lowest) with probability 1 -
 * epsilon, and else any of the n(x) items that are not excluded:
 *
 *   pi(a | x) = epsilon / n(x) + (1 - epsilon) [a = argmax_b z(x, b)]
 *
 * A model has no state before its user's first event. There it does what the log did: its
 * probability of the item shown is the propensity.
 *
 * An excluded item, one of the last exclude_last events, has probability 0. Fitted Q evaluation
 * keeps the scores of all decisions, so it is possible only where they are those of one query a
 * state and nothing is excluded.
 */
#ifndef SOUK_OPE_POLICY_MODEL_H
#define SOUK_OPE_POLICY_MODEL_H

#include "base/listener.h"
#include "evaluate/ope/policy.h"
#include "infer/session.h"

typedef struct OpeModelPolicy {
    Session *session;
    double temperature, epsilon; /* epsilon < 0: softmax */
    Listener *listener;          /* NULL: progress is not reported */
} OpeModelPolicy;

/* `p` must outlive the policy, and its rule must stay. */
OpePolicy ope_policy_model(const OpeModelPolicy *p);

#endif
