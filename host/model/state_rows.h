/* SPDX-License-Identifier: Apache-2.0 */
/* States of a batch, as heads read them: which tokens' outputs of the encoder they are, and, for
 * the policy, the items that counting proposes in each.
 */
#ifndef SOUK_STATE_ROWS_H
#define SOUK_STATE_ROWS_H

#include "counts/candidates.h"
#include "model/input.h"

typedef struct {
    Tensor h;                    /* [rows, dim] the states */
    Tensor all;                  /* [tokens, dim] the encoder's outputs of the whole batch */
    Tensor token;                /* i32 [rows] the token of each state, never falling; -1: none */
    const ModelInput *in;        /* the batch */
    CandidatesOutput candidates; /* of each state; data NULL where the model has no count tables */
    /* The policy's halves are weighed by its calibration: in use, not in training. */
    bool calibrated;
    Tensor kept; /* f32 [items] whose ids are in the vectors of items; data NULL: all */
} StateRows;

/* The states `h` of the tokens `token` of the batch `in`, whose encoder outputs are `all`, with
 * their candidates in scratch of the caller. */
StateRows state_rows(Device *dev, const Model *m, const ModelInput *in, Tensor all, Tensor token,
                     Tensor h);
/* Rows first .. first+count-1. */
StateRows state_rows_part(const StateRows *s, int64_t first, int64_t count);

#endif
