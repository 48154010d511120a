/* SPDX-License-Identifier: Apache-2.0 */
/* Choices by the scores of a head: the best items of each row, the rank of a target, a draw. Items
 * that memory.exclude of the session lists for a row are left out.
 *
 * Where the policy has candidates (model/counted/scores.h), the dense half ranks all other items,
 * and the candidates join them with the scores of both halves. So the results are those of the
 * policy's scores over the whole catalogue, and no candidate is counted twice.
 */
#ifndef SOUK_RANKED_H
#define SOUK_RANKED_H

#include "catalogue/sample.h"
#include "infer/session.h"
#include "model/scores.h"

/* item i32 and score f32 [rows, k], on the device, as catalogue/rank.h has best_item and
 * best_score. */
Status ranked_best(Session *s, const HeadScores *z, Tensor item, Tensor score);
/* The same with above and ties i32 [rows] of target i32 [rows]. */
Status ranked_targets(Session *s, const HeadScores *z, Tensor target, Tensor above, Tensor ties,
                      Tensor item, Tensor score);
/* item i32 [rows] and log_probability f32 [rows], as catalogue/sample.h has them, by the options
 * without their exclusion. stream [rows]: that of the options, in memory of the host. */
Status ranked_draw(Session *s, const HeadScores *z, const int64_t *stream, SampleOptions options,
                   Tensor item, Tensor log_probability);

#endif
