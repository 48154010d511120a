/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of the heads of a model for states (model/state_rows.h), with the weights w of one
 * network. host/model/README.md section 5 has the formulas, model/heads.h the list of heads. The
 * head that a caller names must exist in the model. All results are in scratch of the caller.
 */
#ifndef SOUK_SCORES_H
#define SOUK_SCORES_H

#include "base/scratch.h"
#include "catalogue/merge.h"
#include "counts/part.h"
#include "model/counted/scores.h"

/* Scores of every item in every state, never stored: z[i, a] + state[i], z[i, a] = <u[i], E[a]> +
 * bias[a]. The policy of a model with count tables has candidates S(i) with scores r of their own;
 * there the score is log(exp z[i, a] + exp r[i, a]), which is z[i, a] elsewhere. With
 * learn.log_values the scores of Q are logarithms of values. */
typedef struct {
    Tensor u;              /* [rows, dim] queries, in the dtype of h */
    ItemTable items;       /* E */
    Tensor bias;           /* f32 [items] */
    Tensor state;          /* f32 [rows] the state term; data NULL: 0 */
    CountedScores counted; /* the candidates; item.data NULL: none */
} HeadScores;

/* The scores of a head without its state term, which changes no ranking and no softmax. Those of
 * the items that must not be chosen (Model.closed) are CATALOGUE_NEVER. For HEAD_NEXT_ACTION the
 * "items" are the kinds of events, and the queries are h itself. */
HeadScores scores_ranking(Device *dev, const Model *m, Weights w, HeadId head, const StateRows *s);
/* The same with the state term, where the head has one. */
HeadScores scores_full(Device *dev, const Model *m, Weights w, HeadId head, const StateRows *s);
/* The number of a HEAD_OF_STATE, <weight, h[i]> + bias, f32 [rows]. */
Tensor scores_of_state(Device *dev, const Model *m, Weights w, HeadId head, Tensor h);

/* Rows row[i] of `from` [rows, columns], in scratch and in its dtype: [count, columns]. */
Tensor scores_rows(Device *dev, Tensor from, const int32_t *row, int64_t count);

/* ---- Over the whole catalogue ---------------------------------------------------------------- */

/* out[i] = score[i, item[i]], f32 [rows]; undefined where item[i] < 0. */
void scores_at(Device *dev, const HeadScores *s, Tensor out, Tensor item);
/* out[i, j] = score[i, item[i, j]], f32 [rows, k]; undefined where item[i, j] < 0. */
void scores_of_items(Device *dev, const HeadScores *s, Tensor out, Tensor item);
/* Statistics of each row's scores without the state term (catalogue/merge.h). */
void scores_stats(Device *dev, const HeadScores *s, CatalogueStats stats, float temperature);
/* expected[i] = sum_a softmax_a(score of `policy` / temperature) score of `q`, f32 [rows], without
 * the state terms. */
void scores_expected(Device *dev, const HeadScores *policy, const HeadScores *q, Tensor expected,
                     float temperature);
/* best[i] = argmax_a of q among the items whose score of `policy` is above its row's highest plus
 * log(ratio) (catalogue/policy.h), i32 [rows]. */
void scores_allowed_best(Device *dev, const HeadScores *policy, const HeadScores *q, Tensor best,
                         float ratio);
/* The gradient of sum_i weight[i] (-log softmax_{item[i]}) of the scores: the expectation under
 * the softmax minus the item. With p[i, a] the softmax over the catalogue,
 *   du[i]     = weight[i] (sum_a p[i, a] E[a] - E[item[i]])            overwrites
 *   dbias[a] += sum_i weight[i] (p[i, a] - [a = item[i]])              accumulates
 * Rows with item[i] < 0 are left out. du [rows, dim], dbias [items], weight [rows] f32. */
void scores_minus_items(Device *dev, const HeadScores *s, Tensor item, Tensor weight, Tensor du,
                        Tensor dbias);
/* The same scores divided by the temperature, in f32. */
HeadScores scores_cooled(Device *dev, const HeadScores *s, float temperature);
/* The candidates with their scores by both halves, and as one; for heads that have some. */
CountsPart scores_part(Device *dev, const HeadScores *s);

/* Scores of Q as values: themselves, or with learn.log_values their exponentials (in a new
 * tensor). */
Tensor scores_to_values(Device *dev, const Model *m, Tensor scores);
#endif
