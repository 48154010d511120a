/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of the heads of a model for states h [rows, dim], with the weights w of one network.
 * host/model/README.md section 5 has the formulas, model/heads.h the list of heads. The head that a
 * caller names must exist in the model. All results are in scratch of the caller.
 */
#ifndef SOUK_SCORES_H
#define SOUK_SCORES_H

#include "base/scratch.h"
#include "catalogue/policy.h"
#include "model/model.h"

/* Scores of every item in every state, never stored: score[i, a] = <u[i], E[a]> + bias[a] +
 * state[i]. With learn.log_values the scores of Q are logarithms of values. */
typedef struct {
    Tensor u;        /* [rows, dim] queries, in the dtype of h */
    ItemTable items; /* E */
    Tensor bias;     /* f32 [items] */
    Tensor state;    /* f32 [rows] the state term; data NULL: 0 */
} HeadScores;

/* The scores of a head without its state term, which changes no ranking and no softmax. For
 * HEAD_NEXT_ACTION the "items" are the kinds of events, and the queries are h itself. */
HeadScores scores_ranking(Device *dev, const Model *m, Weights w, HeadId head, Tensor h);
/* The same with the state term, where the head has one. */
HeadScores scores_full(Device *dev, const Model *m, Weights w, HeadId head, Tensor h);
/* The number of a HEAD_OF_STATE, <weight, h[i]> + bias, f32 [rows]. */
Tensor scores_of_state(Device *dev, const Model *m, Weights w, HeadId head, Tensor h);

/* out[i] = score[i, item[i]], f32 [rows]; undefined where item[i] < 0. */
void scores_at(Device *dev, const HeadScores *s, Tensor out, Tensor item);
/* Rows row[i] of `from` [rows, columns], in scratch and in its dtype: [count, columns]. */
Tensor scores_rows(Device *dev, Tensor from, const int32_t *row, int64_t count);
/* The scores of each row `times` times, one copy after the other. index [rows times] of the host is
 * overwritten. */
HeadScores scores_repeat(Device *dev, const HeadScores *s, int64_t times, int32_t *index);
/* Scores of Q as values: themselves, or with learn.log_values their exponentials (in a new
 * tensor). */
Tensor scores_to_values(Device *dev, const Model *m, Tensor scores);
/* As the ops on two heads take them; valid as long as *s. */
static inline CatalogueHead scores_head(const HeadScores *s)
{
    return (CatalogueHead){s->u, &s->items, s->bias};
}

#endif
