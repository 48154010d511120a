/* SPDX-License-Identifier: Apache-2.0 */
/* A Q function that is linear in the states of a model, and the normal equations that fit it.
 *
 *   Q(h, a) = <W h, E[a]> + v . h + c + b[a] = theta . phi(h, a)
 *   V(h)    = sum_a pi(a | h) Q(h, a)      over the whole catalogue
 *
 * h is the encoder's state before a decision and E[a] the vector of an item, both as the model has
 * them; pi is the policy under evaluation. Decisions without a history have no state and no row
 * here; the n others are the rows 0 .. n-1, in order. theta is one tensor [coefficients]: W [dim,
 * dim], v [dim], c, b [items], one after the other. With these n decisions the normal equations are
 * M theta = sum_i y_i phi(h_i, a_i), with
 *
 *   M = sum_i phi(h_i, a_i) phi(h_i, a_i)^T + penalty
 *
 * The penalty weighs as much as `ridge` decisions. On b it is ridge |b|^2, so that the value of an
 * item that was rarely shown follows from its vector. On the other coefficients it is ridge / n
 * times the diagonal of the sum. M is never formed. All tensors are F32 on the device of the
 * model's session, and results are the same for any number of threads.
 *
 * Memory: at most 28 dim bytes per decision: states, two vectors, and four more in scratch; and 16
 * bytes for each candidate of the policy.
 */
#ifndef SOUK_OPE_LINEAR_Q_H
#define SOUK_OPE_LINEAR_Q_H

#include "base/arena.h"
#include "catalogue/catalogue.h"
#include "evaluate/ope/policy_model.h"
#include "model/scores.h"

typedef struct {
    const OpeLog *log;
    const OpeModelPolicy *policy;
    double ridge;
    Device *dev;
    ItemTable items;
    int64_t n, dim, coefficients;
    int64_t *decision; /* [n] the number of each row in the log */
    int64_t *row;      /* [count] the row of each decision of the log; -1: it has none */
    Arena arena;
    Tensor h, shown;    /* [n, dim] states; vectors of the items that were shown */
    HeadScores softmax; /* softmax: the policy's scores / temperature, [n] rows */
    Tensor best_vector; /* [n, dim] greedy: the vectors of the policy's best items */
    Tensor item, best;  /* i32 [n] the items that were shown; greedy: the best items */
    Tensor mean;        /* [1, dim] greedy: mean of all item vectors */
    Tensor penalty;     /* [coefficients] diagonal of the penalty */
    Tensor step;        /* [coefficients] 1 / diagonal of M: the preconditioner */
} LinearQ;

/* Computes the states of the log's decisions; ERR_FORMAT where none has one. The log and the policy
 * must outlive `l`. */
Status linear_q_open(LinearQ *l, const OpeLog *log, const OpeModelPolicy *policy, double ridge);
void linear_q_close(LinearQ *l); /* safe on {0} */

/* [coefficients] in scratch, all 0. */
Tensor linear_q_coefficients(const LinearQ *l);

/* q[i] = theta . phi(h_i, a_i) = Q(h_i, a_i); q [n] */
void linear_q_predict(const LinearQ *l, Tensor theta, Tensor q);
/* to = sum_i g_i phi(h_i, a_i); g [n] */
void linear_q_transposed(const LinearQ *l, Tensor g, Tensor to);

/* value[i] = sum_a pi(a | h_i) theta . phi(h_i, a) = V(h_i); value [n] */
void linear_q_expect(const LinearQ *l, Tensor theta, Tensor value);
/* to = sum_i g_i sum_a pi(a | h_i) phi(h_i, a); g [n] */
void linear_q_expect_transposed(const LinearQ *l, Tensor g, Tensor to);

/* Improves x as a solution of M x = b by conjugate gradients, until its residual is 1e-2 of what it
 * was, or 5e-5 of b: then it is *solved. It takes at most `steps` products with M; *taken gets how
 * many. False where b or the result is not finite. */
bool linear_q_solve(const LinearQ *l, Tensor b, Tensor x, int64_t steps, int64_t *taken,
                    bool *solved);

#endif
