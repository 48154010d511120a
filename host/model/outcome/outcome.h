/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome head: what comes of showing an item in a state, as logits of the kinds of events and
 * of the end of the episode (losses/answer.h). host/model/README.md section 5 has the formula:
 *
 *   g | v   = hidden.state h + hidden.item E[x] + hidden.bias          2 OUTCOME_UNITS numbers
 *   logit   = weight (silu(g) * v) + bias                              two for each kind of event
 *
 * Nothing of it belongs to a single item but the item's vector. So a pair of a state and an item
 * that the log does not have, or an item that is new and has features, gets an answer like those of
 * similar pairs.
 */
#ifndef SOUK_MODEL_OUTCOME_H
#define SOUK_MODEL_OUTCOME_H

#include "model/state_rows.h"

/* One item is shown in each state. All tensors are in scratch of the caller. */
typedef struct {
    Tensor item;   /* i32 [rows] the item; -1: none, and its logits mean nothing */
    Tensor vector; /* [rows, dim] E of the items, in the dtype of the states */
    Tensor gates;  /* [rows, 2 OUTCOME_UNITS] g | v, in the same dtype */
    Tensor units;  /* [rows, OUTCOME_UNITS] silu(g) * v, in the same dtype */
    Tensor logits; /* f32 [rows, 2 actions] as in losses/answer.h, not calibrated */
} Outcome;

Outcome outcome_forward(Device *dev, const Model *m, Weights w, const StateRows *rows, Tensor item);
/* From dlogits, f32, to the parameters of the head and the item vectors in `grad`, and to dh [rows,
 * dim], the gradient of the states; all accumulate. */
void outcome_backward(Device *dev, const Model *m, Weights w, const StateRows *rows,
                      const Outcome *o, Tensor dlogits, Weights grad, Tensor dh);

/* The calibrated probabilities, f32 [rows, 2 actions], in scratch of the caller: of each kind of
 * event, and, given this kind, that the episode ends with it. */
Tensor outcome_probabilities(Device *dev, const Model *m, Weights w, const StateRows *rows,
                             Tensor item);

#endif
