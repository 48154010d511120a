/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of several items of each row, and their gradient. With z of catalogue.h:
 *
 *   score[i, j] = z[i, ids[i, j]] = <u[i], E[ids[i, j]]> + bias[ids[i, j]]      overwrites
 *                 0 where there is no such item
 *
 * and given g = dL/dscore:
 *
 *   du[i]             += sum_j g[i, j] E[ids[i, j]]       accumulates
 *   did[ids[i, j]]    += g[i, j] u[i]                     accumulates (the gradient of E), optional
 *   dbias[ids[i, j]]  += g[i, j]                          accumulates, optional
 *
 *   u          [rows, dim]    f32 or bf16          du     as u, or f32
 *   score, g   [rows, k]      f32                  bias   [items] f32, optional
 *   ids        [rows, k]      i32; below 0 there is no item
 *
 * The vectors of items are f32 in every case, as for the single scores of catalogue_score, and sums
 * are f32. An item may appear in a row more than once. On a shard of the catalogue, an item of
 * another shard is treated as an absent one: score and du of all items are the sums over the
 * shards.
 *
 * Scratch: that of embedding_scatter for rows k ids; on the CPU also a vector for each thread, and
 * widened copies of a u and du in bf16; on a shard 4 rows k bytes. Deterministic: terms are added
 * in order of j, and those of one item as in embedding.h.
 */
#ifndef SOUK_CATALOGUE_GATHER_H
#define SOUK_CATALOGUE_GATHER_H

#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

void catalogue_gather(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                      Tensor ids);
void catalogue_gather_backward(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g, Tensor u,
                               const ItemTable *table, Tensor ids);

/* The CUDA half, in gather.cu. Call the functions above instead: they check shapes. ids are rows of
 * the table. catalogue_gather_du_cuda is the part of the backward that adds to du. */
void catalogue_gather_cuda(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                           Tensor ids);
void catalogue_gather_du_cuda(Device *dev, Tensor du, Tensor g, const ItemTable *table, Tensor ids);

#ifdef __cplusplus
}
#endif
#endif
