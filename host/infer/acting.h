/* SPDX-License-Identifier: Apache-2.0 */
/* The rule by which a model acts (model/acting/acting.h), as scores of all items in a batch of
 * states. Everything that chooses by a model takes its scores from here.
 *
 * policy, q, candidates, and mixed where Q is a sum: the scores are those of one query a state, so
 * they cost what one head costs. mixed with learn.log_values and allowed are no inner products:
 * their scores are a table [items, rows] (kernels/catalogue/policy.h), which there is memory for in
 * a few rows at a time.
 */
#ifndef SOUK_INFER_ACTING_H
#define SOUK_INFER_ACTING_H

#include "infer/states.h"
#include "model/scores.h"

/* The rows that acting_scores may be given at once. left_out: as there. */
int64_t acting_rows(const Session *s, const ActingRule *rule, bool left_out);
/* How many candidates the scores have for each row; 0: none. */
int64_t acting_width(const Session *s, const ActingRule *rule);
/* Whether the scores are those of one query a state against the item vectors of the model. */
bool acting_is_linear(const Session *s, const ActingRule *rule);

/* The scores of the rule, in scratch of the caller, without a state term. memory.exclude of the
 * session has the items that are left out: rules that choose in two stages do not count them in
 * the first one. left_out: they also get the score CATALOGUE_NEVER, for callers that take the
 * probabilities of all items; else the caller leaves them out (infer/ranked.h). Items that the rule
 * never chooses have that score in any case. Fails where the model's scores are no numbers. */
Status acting_scores(Session *s, const ActingRule *rule, const StateRows *rows, bool left_out,
                     HeadScores *scores);

/* Fill memory.exclude with the items of the last `last` events of each history of the batch; of the
 * events of the file that are known before each event of the request. */
Status acting_exclude_after(Session *s, const History *history, const StateBatch *batch,
                            int64_t last);
Status acting_exclude_before(Session *s, const LogEvents *events, const StateBatch *batch,
                             int64_t last);

#endif
