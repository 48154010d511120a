/* SPDX-License-Identifier: Apache-2.0 */
/* Where a row's target ranks among all items, and its k best items.
 *
 *   z[i, a] = <u[i, :], E[a, :]> + bias[a]                                   as in catalogue.h
 *   above[i] = number of items a with z[i, a] > z[i, target[i]]              overwrites
 *   ties[i]  = number of OTHER items with a score equal to the target's      overwrites
 *   best_item[i, :], best_score[i, :] = the k best items, by falling score, ties by rising item;
 *              past the last item -1 and -inf                                overwrite
 *
 * Excluded items do not count and are not listed; the target itself is never excluded. A target
 * whose score is NaN is below all items.
 *
 *   above, ties, target      [rows]       i32; target[i] is an item          optional together
 *   best_item, best_score    [rows, k]    i32, f32                           optional together
 *   u                        [rows, dim]  f32 or bf16, as in catalogue.h
 *   bias                     [items]      f32, optional
 *
 * Memory as in catalogue.h. Deterministic for any number of threads.
 *
 * The two passes for shards (merge.h): catalogue_rank_best gives the shard's k best and
 * target_score f32 [rows], which is 0 where the target is of another shard; either may be absent.
 * catalogue_rank_counts takes the sum of the shards' target_score, and counts the shard's items
 * above it and equal to it, the target among the latter.
 */
#ifndef SOUK_CATALOGUE_RANK_H
#define SOUK_CATALOGUE_RANK_H

#include "catalogue/exclusion.h"
#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

void catalogue_rank(Device *dev, Tensor above, Tensor ties, Tensor best_item, Tensor best_score,
                    Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                    Exclusion exclusion);

void catalogue_rank_best(Device *dev, Tensor best_item, Tensor best_score, Tensor target_score,
                         Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                         Exclusion exclusion);
void catalogue_rank_counts(Device *dev, Tensor above, Tensor equal, Tensor target_score, Tensor u,
                           const ItemTable *table, Tensor bias, Tensor target, Exclusion exclusion);

/* Results of a pass, each optional. The first pass writes target_score, and the second reads it. */
typedef struct {
    Tensor best_item, best_score, target_score, above, equal;
} CatalogueRanks;

/* The CUDA half, in rank.cu. Call the functions above instead: they check shapes. The first pass
 * sets a target_score that it does not find to `absent`. */
void catalogue_rank_best_cuda(Device *dev, CatalogueRanks ranks, Tensor u, const ItemTable *table,
                              Tensor bias, Tensor target, Exclusion exclusion, float absent);
void catalogue_rank_counts_cuda(Device *dev, CatalogueRanks ranks, Tensor u, const ItemTable *table,
                                Tensor bias, Tensor target, Exclusion exclusion);

#ifdef __cplusplus
}
#endif
#endif
