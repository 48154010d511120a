/* SPDX-License-Identifier: Apache-2.0 */
/* Of what the policy's probability of an item is made in a state (host/model/README.md section 5):
 *
 *   p = dense + counted,   dense = exp(z) / (Z + R),   counted = exp(r) / (Z + R)
 *   z = z_taste + z_item,  z_taste = <u, E[a]>, z_item = bias[a], both calibrated
 *   r = sum of its terms (model/counted/terms.h)
 */
#ifndef SOUK_EXPLAIN_PARTS_H
#define SOUK_EXPLAIN_PARTS_H

#include "infer/history.h"
#include "model/counted/terms.h"

typedef struct {
    double probability, dense, counted; /* counted: 0 of an item that is no candidate */
    double z, z_taste, z_item;
    bool candidate; /* whether it has an r, */
    bool seen;      /*    and is an item of the history that the model may repeat */
    double r, term[COUNTED_TERMS];
} ExplainParts;

/* Of item [k] after a history, into out [k]; the model has a policy. */
Status explain_parts(Session *s, const History *history, const int32_t *item, int64_t k,
                     ExplainParts *out);

#endif
