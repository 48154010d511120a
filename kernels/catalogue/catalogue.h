/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head: scores of EVERY item for every row, never stored as rows x items.
 *
 *   z[i, a] = <u[i, :], E[a, :]> + bias[a]            E: the vectors of the items, see items.h
 *
 * All functions walk blocks of rows x tiles of items. Where the scores of a block fit
 * TILES_KEEP_BYTES (tiles.h) they are kept for the second pass, else they are computed again; so
 * temporary memory does not depend on the number of items beyond that bound. Nor does it depend on
 * the number of rows, except for copies of tensors with a row for each row of u: on the CPU
 * catalogue_cross_entropy takes 8 dim + 32 bytes a row, and a u in bf16 is widened. Sums run in an
 * order that the shapes fix: deterministic for any number of threads. Where only the best item is
 * wanted, scores do not even leave the registers (best.h).
 *
 * On CUDA nothing is kept between the passes (temporary memory is at most 16 MB of scores, and the
 * vectors of a tile), and all tensors are in the memory of the device; choice.h says which kernels
 * run.
 *
 * Where u is bf16, the vectors of items are rounded to bf16 too, and so is the gradient of a score
 * before the products that sum it; everything else stays f32 or finer. Single scores take the
 * vectors as they are, and their gradient rounds g[i] u[i] before it is summed.
 *
 * On a shard of a catalogue (items.h) the ops below give what its items contribute; merge.h says
 * how shards are joined.
 *
 *   u, du   [rows, dim]     f32 or bf16, du as u, or f32
 *   bias, dbias  [items]    f32, bias optional (data NULL)
 *   target  [rows]          i32
 */
#ifndef SOUK_CATALOGUE_H
#define SOUK_CATALOGUE_H

#include "catalogue/choice.h"
#include "catalogue/merge.h"
#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Softmax cross-entropy with its gradient in one call. A weight may be negative. With
 * g[i, a] = weight[i] (softmax_a z[i, a] - [a = target[i]]):
 *
 *   loss[i]   = weight[i] (logsumexp_a z[i, a] - z[i, target[i]])    overwrites
 *   du[i]     = sum_a g[i, a] E[a]                                   overwrites
 *   did[a]   += sum_i g[i, a] u[i]       accumulates (the gradient of E, see items.h); optional
 *   dbias[a] += sum_i g[i, a]            accumulates; absent with bias
 *
 * loss, weight f32 [rows]. Rows with target < 0 cost nothing: loss and du are 0. */
void catalogue_cross_entropy(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                             Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                             Tensor weight);

/* The probability of an item may be the share of two masses: that of the catalogue, and another one
 * over some items of the row, with scores r (kernels/counts/mass.h). With
 *
 *   Z[i] = sum_a exp z[i, a],   R[i] = sum_a exp r[i, a],   y = target[i]
 *   p[i, a] = (exp z[i, a] + exp r[i, a]) / (Z[i] + R[i])
 *   share[i] = exp z[i, y] / (exp z[i, y] + exp r[i, y])
 *
 * the loss is weight[i] (-log p[i, y]), and its gradients in z and r are
 *
 *   loss[i]   = weight[i] (log(Z[i] + R[i]) - log(exp z[i, y] + exp r[i, y]))
 *   g[i, a]   = weight[i] (exp z[i, a] / (Z[i] + R[i]) - [a = y] share[i])
 *   dr[i, a]  = weight[i] (exp r[i, a] / (Z[i] + R[i]) - [a = y] (1 - share[i]))
 *
 * of which this op gives loss and g, and the two numbers a row that dr needs. A mixture without
 * `other` is none: then the op is catalogue_cross_entropy, to the bit; so it is in rows where other
 * and other_target are -inf. */
typedef struct {
    Tensor other;        /* read: log R[i], -inf where the row has no other mass */
    Tensor other_target; /* read: r[i, y], -inf where the other mass does not have the target */
    Tensor logsumexp;    /* written, optional: log(Z[i] + R[i]) */
    Tensor share;        /* written, optional */
} CatalogueMixture;      /* all f32 [rows]; 0 is written to rows with target < 0 */
void catalogue_cross_entropy_with(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                                  Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                                  Tensor weight, CatalogueMixture mixture);

/* The same in two passes, for shards. The first pass is catalogue_stats_partial with STATS_SUM and
 * temperature 1; its merged result gives log Z f32 [rows]. This function is the second pass.
 * loss[i] and share[i] are 0 where the target is on another shard; the loss, share and du of the
 * catalogue are the sums over its shards. Rows with target < 0 may have any log_z. */
void catalogue_cross_entropy_given(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                                   Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                                   Tensor weight, Tensor log_z, CatalogueMixture mixture);

/* Statistics of each row's scores, as merge.h defines them. Of equal scores the lowest item counts.
 * A score that is NaN is never the maximum; argmax is a valid item whatever the scores are. part:
 * RowStats [rows]. */
void catalogue_stats(Device *dev, CatalogueStats stats, Tensor u, const ItemTable *table,
                     Tensor bias, float temperature);
void catalogue_stats_partial(Device *dev, Tensor part, Tensor u, const ItemTable *table,
                             Tensor bias, float temperature, StatsWanted wanted);

/* score[i] = z[i, ids[i]], f32 [rows]; 0 where there is no such item. With its gradient, given g =
 * dL/dscore: du[i] = g[i] E[ids[i]], in the dtype of u, overwrites; did[ids[i]] += g[i] u[i];
 * dbias[ids[i]] += g[i], optional. */
void catalogue_score(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                     Tensor ids);
void catalogue_score_backward(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g, Tensor u,
                              const ItemTable *table, Tensor ids);

/* The CUDA half, in catalogue.cu. Call the functions above instead: they check shapes, and take the
 * kernel that catalogue_choice_cuda names for u. log_z: absent where it must be computed. ids are
 * rows of the table. */
CatalogueKernel catalogue_choice_cuda(Device *dev, Tensor u);
void catalogue_cross_entropy_cuda(Device *dev, CatalogueKernel kernel, Tensor loss, Tensor du,
                                  Tensor did, Tensor dbias, Tensor u, const ItemTable *table,
                                  Tensor bias, Tensor target, Tensor weight, Tensor log_z,
                                  CatalogueMixture mixture);
void catalogue_stats_cuda(Device *dev, CatalogueKernel kernel, Tensor part, Tensor u,
                          const ItemTable *table, Tensor bias, float temperature,
                          StatsWanted wanted);
void catalogue_score_cuda(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                          Tensor ids);
void catalogue_score_backward_cuda(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g,
                                   Tensor u, const ItemTable *table, Tensor ids);

#ifdef __cplusplus
}
#endif
#endif
