/* SPDX-License-Identifier: Apache-2.0 */
/* A model as the policy under evaluation. With the scores z of a head it is either a softmax at a
 * temperature,
 *
 *   pi(a | x) = exp(z(x, a) / temperature) / sum_b exp(z(x, b) / temperature)
 *
 * or, with epsilon >= 0, the best item (of items with equal scores the lowest) with probability 1 -
 * epsilon, and else any item:
 *
 *   pi(a | x) = epsilon / items + (1 - epsilon) [a = argmax_b z(x, b)]
 *
 * A model has no state before its user's first event. There it does what the log did: its
 * probability of the item shown is the propensity.
 */
#ifndef SOUK_OPE_POLICY_MODEL_H
#define SOUK_OPE_POLICY_MODEL_H

#include "base/listener.h"
#include "evaluate/ope/policy.h"
#include "infer/session.h"
#include "model/heads.h"

typedef struct OpeModelPolicy {
    Session *session;
    HeadId head;
    double temperature, epsilon; /* epsilon < 0: softmax */
    Listener *listener;          /* NULL: progress is not reported */
} OpeModelPolicy;

/* `p` must outlive the policy. */
OpePolicy ope_policy_model(const OpeModelPolicy *p);

#endif
