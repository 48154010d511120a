/* SPDX-License-Identifier: Apache-2.0 */
/* How far Q can be trusted: what two Qs, the model's and the second one (learn/second_q.h), say of
 * the same states. With D = Q - Q2, and all three less their means under pi(.|s), A, A2 and D:
 *
 *   noise = sqrt( mean_s sum_a pi(a|s) D(s, a)^2 )
 *   kept  = sum_s A2(s, a*) / sum_s A(s, a*),   a* = argmax_a Q(s, a), the lowest of equal items
 *
 * kept is the share of the advantage which Q claims for its best item that the second Q sees too.
 * The second Q learns from a half of the users. Its variance is then twice that of Q, and its
 * covariance with Q the variance of Q, so the variance of D is that of Q: noise estimates the
 * standard error of Q (half-sample bootstrap). An error that both have in common is not seen.
 *
 * pi is the policy in use, with both halves. All sums run over the whole catalogue, in double; the
 * scores are f32, of a few states at a time. The same bits for any number of threads.
 */
#ifndef SOUK_NOISE_H
#define SOUK_NOISE_H

#include "infer/states.h"

typedef struct {
    int64_t states; /* 0: nothing was measured */
    double noise, kept;
} QNoise;

/* Of the states before the given events of the session's file. The session's model must have a
 * policy, Q and the second Q. */
Status noise_measure(Session *s, const LogEvents *events, QNoise *noise);

#endif
