/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to shown items: which kind of event came of it, and whether the episode ended with it.
 *
 * With K kinds a row has 2 K logits: z[k], k < K, of the kinds, and l[k] = z[K + k] of the end of
 * the episode given the kind k. The probabilities of a row are
 *
 *   p[k]      = softmax_k(factor[0] z[k] + shift[k])
 *   p[K + k]  = 1 / (1 + exp(-(factor[1] l[k] + shift[K + k])))
 *
 * so that the answer is of the kind k and ends the episode with the probability p[k] p[K + k]. The
 * loss is the negative logarithm of the likelihood of what was seen, without factor and shift:
 *
 *   loss[i]        = w (logsumexp_k z[k] - z[y]) + [left >= 0] w (log(1 + exp(l[y])) - left l[y])
 *   dlogit[i, k]   = w (softmax_k(z) - [k = y])
 *   dlogit[i, K+k] = [k = y and left >= 0] w (1 / (1 + exp(-l[y])) - left)
 *
 * with w = weight[i], y = kind[i] and left = left[i]. Rows whose kind is below 0 give 0.
 *
 *   answer_probabilities   p       [rows, 2 K]  f32   overwritten; may be logit
 *                          logit   [rows, 2 K]  f32
 *                          factor  [2]          f32
 *                          shift   [2 K]        f32
 *   answer_loss            loss    [rows]       f32   overwritten
 *                          dlogit  [rows, 2 K]  f32   overwritten; may be logit
 *                          logit   [rows, 2 K]  f32
 *                          kind    [rows]       i32   below K; below 0: there is no answer
 *                          left    [rows]       i32   1: the episode ended, 0: it went on, below 0:
 *                                                     it is not known
 *                          weight  [rows]       f32
 *
 * answer_ends computes `left` for the tokens of a packed batch. The events of one user at one time
 * are a set. In the file only the last event of a set has the end flag, which is true of the whole
 * set, so each event of the set gets it here:
 *
 *   left[i] = -1 where target[i] < 0; else, with e = end[j] and j the last token with a target
 *             whose state is that of token i,
 *             0 where e is END_GOES_ON, 1 where it is END_TERMINAL, -1 where it is END_TRUNCATED
 *
 *   left, target, state   [tokens]   i32   left is overwritten; state and target as in Batch
 *   end                   [tokens]   u8    (data/stream/batch.h); end.h has the values of end
 *
 * Where a window ends within a set, the last event of the set in this window counts as its last. On
 * cpu and cuda. Scratch: none. Deterministic.
 */
#ifndef SOUK_ANSWER_H
#define SOUK_ANSWER_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void answer_probabilities(Device *dev, Tensor p, Tensor logit, Tensor factor, Tensor shift);
void answer_loss(Device *dev, Tensor loss, Tensor dlogit, Tensor logit, Tensor kind, Tensor left,
                 Tensor weight);
void answer_ends(Device *dev, Tensor left, Tensor end, Tensor state, Tensor target);

/* The CUDA half, in answer.cu. Call the functions above instead: they check shapes. */
void answer_probabilities_cuda(Device *dev, Tensor p, Tensor logit, Tensor factor, Tensor shift);
void answer_loss_cuda(Device *dev, Tensor loss, Tensor dlogit, Tensor logit, Tensor kind,
                      Tensor left, Tensor weight);
void answer_ends_cuda(Device *dev, Tensor left, Tensor end, Tensor state, Tensor target);

#ifdef __cplusplus
}
#endif
#endif
