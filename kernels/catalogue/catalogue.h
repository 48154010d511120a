/* The catalogue head: scores of EVERY item for every row, never stored as rows x items.
 *
 *   z[i, a] = <u[i, :], E[a, :]> + bias[a]            E: the item encoder's rows, see items.h
 *
 * All functions walk blocks of rows x tiles of items. A block's scores are kept between its two
 * passes where they fit CATALOGUE_KEEP_BYTES, and computed again in the second pass where they do
 * not; so temporary memory depends neither on the number of rows nor, beyond that bound, of items.
 * Sums run in an order fixed by the shapes: deterministic for any number of threads. Where no more than the
 * best item is asked for, scores do not even leave the registers: catalogue_best.h.
 *
 * On CUDA nothing is kept between the passes (16 MB of scores at most, and the vectors of a tile), and
 * all tensors lie in its memory; catalogue_choice.h says which kernels serve.
 *
 * Where u is bf16 the vectors of items are rounded to bf16 too, and the gradient of a score is before
 * the products that sum it; everything else stays f32 or finer. Single scores take the vectors as they
 * are, and their gradient rounds g[i] u[i] before it is summed.
 *
 *   u, du   [rows, dim]     f32 or bf16, du as u
 *   bias, dbias  [items]    f32, bias optional (data NULL)
 *   target  [rows]          i32
 */
#ifndef SOUK_CATALOGUE_H
#define SOUK_CATALOGUE_H

#include "catalogue/choice.h"
#include "catalogue/exclusion.h"
#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CATALOGUE_KEEP_BYTES = 64 << 20 };

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

/* What a row's scores amount to; every tensor is optional and [rows]. Ties: the lowest item. Scores
 * that are NaN never are the maximum; argmax is a valid item whatever the scores. */
typedef struct {
    Tensor max;         /* f32: max_a z */
    Tensor argmax;      /* i32 */
    Tensor logsumexp;   /* f32: log sum_a exp(z / temperature) */
    Tensor expectation; /* f32: sum_a softmax_a(z / temperature) z */
} CatalogueStats;
void catalogue_stats(Device *dev, CatalogueStats stats, Tensor u, const ItemTable *table,
                     Tensor bias, float temperature);

/* score[i] = z[i, ids[i]], f32 [rows]; 0 where ids[i] < 0. With its gradient, given g = dL/dscore:
 * du[i] = g[i] E[ids[i]] overwrites; did[ids[i]] += g[i] u[i]; dbias[ids[i]] += g[i]. */
void catalogue_score(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                     Tensor ids);
void catalogue_score_backward(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g, Tensor u,
                              const ItemTable *table, Tensor ids);

/* Where target[i] stands among the items not excluded (itself never is):
 *   above[i] = number of items with z > z[target],  ties[i] = number of OTHER items with z equal;
 * a target whose score is NaN stands below all items.
 * above, ties i32 [rows]. And the best k items, by falling score, ties by rising item:
 * best_item i32 [rows, k], best_score f32 [rows, k]; past the last item -1 and -inf. Either pair is
 * optional. */
void catalogue_rank(Device *dev, Tensor above, Tensor ties, Tensor best_item, Tensor best_score,
                    Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                    Exclusion exclusion);

/* The CUDA half, in catalogue.cu and catalogue_rank.cu. Call the functions above instead: they check
 * shapes, and take the kernel that catalogue_choice_cuda names for u. */
CatalogueKernel catalogue_choice_cuda(Device *dev, Tensor u);
void catalogue_cross_entropy_cuda(Device *dev, CatalogueKernel kernel, Tensor loss, Tensor du,
                                  Tensor did, Tensor dbias, Tensor u, const ItemTable *table,
                                  Tensor bias, Tensor target, Tensor weight);
void catalogue_stats_cuda(Device *dev, CatalogueKernel kernel, CatalogueStats stats, Tensor u,
                          const ItemTable *table, Tensor bias, float temperature);
void catalogue_score_cuda(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                          Tensor ids);
void catalogue_score_backward_cuda(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g,
                                   Tensor u, const ItemTable *table, Tensor ids);
void catalogue_rank_cuda(Device *dev, Tensor above, Tensor ties, Tensor best_item,
                         Tensor best_score, Tensor u, const ItemTable *table, Tensor bias,
                         Tensor target, Exclusion exclusion);

#ifdef __cplusplus
}
#endif
#endif
