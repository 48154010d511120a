/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy of the softmax policy over the whole catalogue, with its gradient in one call.
 *
 *   z[i, a] = <u[i, :], E[a, :]> + bias[a]         as in catalogue.h;  p[i, :] = softmax z[i, :]
 *   m[i]    = sum_a p[i, a] z[i, a]
 *   H[i]    = -sum_a p[i, a] log p[i, a] = logsumexp_a z[i, a] - m[i]
 *   g[i, a] = -weight[i] p[i, a] (z[i, a] - m[i])
 *
 *   loss[i]   = weight[i] H[i]           overwrites       [rows]         f32
 *   du[i]     = sum_a g[i, a] E[a]       overwrites       [rows, dim]    as u, or f32
 *   did[a]   += sum_i g[i, a] u[i]       accumulates      [items, dim]   f32 (the gradient of E)
 *   dbias[a] += sum_i g[i, a]            accumulates      [items]        f32, absent with bias
 *   weight                                                [rows]         f32, of any sign
 *
 * u is f32 or bf16, rounded where catalogue.h says so. Memory as there; deterministic.
 *
 * For shards (merge.h): catalogue_stats_partial with STATS_EXPECTATION and temperature 1 gives,
 * when it is merged, logsumexp and mean = m, f32 [rows]; catalogue_entropy_given takes these. Its
 * loss is complete on every shard, its du a summand.
 */
#ifndef SOUK_CATALOGUE_ENTROPY_H
#define SOUK_CATALOGUE_ENTROPY_H

#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

void catalogue_entropy(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias, Tensor u,
                       const ItemTable *table, Tensor bias, Tensor weight);

void catalogue_entropy_given(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                             Tensor u, const ItemTable *table, Tensor bias, Tensor weight,
                             Tensor logsumexp, Tensor mean);

/* The CUDA half, in entropy.cu, of catalogue_entropy_given. Call the functions above instead: they
 * check shapes. */
void catalogue_entropy_cuda(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias, Tensor u,
                            const ItemTable *table, Tensor bias, Tensor weight, Tensor logsumexp,
                            Tensor mean);

#ifdef __cplusplus
}
#endif
#endif
