/* SPDX-License-Identifier: Apache-2.0 */
/* The counted half of the policy: scores r of the few items that counting proposes in a state
 * (counts/candidates.h). The policy is the sum of two masses, the dense half's over the whole
 * catalogue and this one's over its candidates S(i); host/model/README.md section 5:
 *
 *   p(a) = (exp z[i, a] + [a in S(i)] exp r[i, a]) / (Z + R),
 *   Z = sum_b exp z[i, b],   R = sum_{b in S(i)} exp r[i, b]
 *
 *   r[i, j] = b[i] + beta <u[i], E[S_j]> + <linear, f[i, j]> + <out, max(0, n[i, j])> + ptr[i, j]
 *   n[i, j] = hidden f[i, j] + c[i],   b[i] = <state, s[i]> + base
 *   c[i]    = hidden_state s[i] + hidden_h h[i] + action[action_t] + gap[gap_t]
 *
 * f are the features of the candidate, standardised; s those of the state, t is the token of the
 * state, u the query of the policy head and ptr the pointer to the history (counts/pointer.h) with
 * the queries query h[i] and the keys key h of the tokens. model/counted/params.h has the
 * parameters. At the start r is the same number for all candidates of all states, and log n more
 * for an item that the last COUNT_REPEATS events have n times.
 *
 * In use, not in training, the halves are weighed by a calibration (train/calibration/fit.h): z is
 * multiplied by one number, and that of new items (model/cold.h) gets another one more; further
 * numbers are added to linear, state, base and beta.
 */
#ifndef SOUK_COUNTED_SCORES_H
#define SOUK_COUNTED_SCORES_H

#include "items.h"
#include "model/state_rows.h"

/* The scores of the candidates of each state, with what their gradient needs. */
typedef struct {
    Tensor
        item; /* i32 [rows, width] the candidates; -1 past the last; data NULL: no counted half */
    Tensor score; /* f32 [rows, width] r; -inf past the last candidate */
    Tensor base, dense, hidden, query, key, pointer;
} CountedScores;

/* In scratch of the caller. `u` are the queries of the policy head for s->h. */
CountedScores counted_scores(Device *dev, const Model *m, Weights w, const StateRows *s, Tensor u,
                             const ItemTable *items);

/* Calibrate the dense half's scores z: scales the queries u [rows, dim] in place by the factor,
 * and returns a scaled copy of bias [items] in scratch, with what new items get. */
Tensor counted_scores_calibrate(Device *dev, const Model *m, Weights w, Tensor u, Tensor bias);

/* Where the gradient of the scores goes; all accumulate. */
typedef struct {
    Weights grad; /* of the parameters, item vectors included */
    Tensor du;    /* [rows, dim] of the queries of the policy head */
    Tensor dh;    /* [rows, dim] of the states */
    Tensor dall;  /* [tokens, dim] of the encoder's outputs; may be dh where all states are rows */
} CountedGradient;

/* dscore f32 [rows, width] = dL/dr. */
void counted_scores_backward(Device *dev, const Model *m, Weights w, const StateRows *s,
                             const CountedScores *c, Tensor u, const ItemTable *items,
                             Tensor dscore, const CountedGradient *to);

#endif
