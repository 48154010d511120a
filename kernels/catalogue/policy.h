/* SPDX-License-Identifier: Apache-2.0 */
/* Two heads over one catalogue: the scores z make a policy, and the scores q are action values, to
 * which the policy is applied. As in catalogue.h, no array of rows x items is stored, but for the
 * last op, whose result is one.
 *
 *   z[i, a] = <u_z[i, :], E_z[a, :]> + bias_z[a],   q likewise; the item vectors may be of two
 *                                                   networks, and of two widths
 *
 *   catalogue_policy_expectation    expectation[i] = sum_a softmax_a(z[i, :] / temperature) q[i, a]
 *   catalogue_policy_allowed_best   best[i] = argmax_a q[i, a] over
 *                                             { a : z[i, a] - max_b z[i, b] > log(ratio) }
 *
 *   catalogue_policy_blend          table[a, i] = z_weight z[i, a] + q_weight L(q[i, a] + shift[i])
 *                                   CATALOGUE_NEVER where z[i, a] <= floor[i], and where the
 *                                   exclusion of row i has a; L is exp where q has logarithms of
 *                                   values, else nothing
 *
 * A table is for what no sum of two queries can express, and for as few rows as there is memory
 * for. With the identity as queries and the table as item vectors the other ops of the catalogue
 * choose by its numbers, exactly: <identity[i, :], table[a, :]> = table[a, i].
 *
 * The allowed actions have more than `ratio` of the probability of the likeliest one (Fujimoto et
 * al. 2019); ratio is in [0, 1), and 0 allows all. Ties: the lowest item.
 *
 *   expectation   [rows]   f32          best   [rows]   i32
 *   table         [items, rows] f32          shift, floor   [rows] f32, optional
 *   u   [rows, dim]   f32 or bf16, of one dtype in both heads; bias [items] f32, optional
 *
 * An item whose score z is NaN is not allowed; best[i] is a valid item whatever the scores. Memory
 * as in catalogue.h, twice. Deterministic for any number of threads.
 *
 * For shards (merge.h), which both heads share in the same way:
 * catalogue_policy_expectation_partial gives RowStats [rows] with weighted sums of q.
 * catalogue_policy_tops gives top f32 [rows], the highest z of the shard;
 * catalogue_policy_allowed_partial takes the highest of all shards, and gives RowBest [rows].
 */
#ifndef SOUK_CATALOGUE_POLICY_H
#define SOUK_CATALOGUE_POLICY_H

#include "catalogue/exclusion.h"
#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    Tensor u;
    const ItemTable *table;
    Tensor bias;
} CatalogueHead;

void catalogue_policy_expectation(Device *dev, Tensor expectation, CatalogueHead z, CatalogueHead q,
                                  float temperature);
void catalogue_policy_expectation_partial(Device *dev, Tensor part, CatalogueHead z,
                                          CatalogueHead q, float temperature);

void catalogue_policy_allowed_best(Device *dev, Tensor best, CatalogueHead z, CatalogueHead q,
                                   float ratio);
/* The score of an item that is not to be chosen: finite, so that products with 0 are 0, and far
 * below any other, also divided by a temperature. */
#define CATALOGUE_NEVER (-1e30f)

typedef struct {
    float z_weight, q_weight;
    bool logarithms; /* q has logarithms of values */
    Tensor shift, floor;
    Exclusion exclusion;
} CatalogueBlend;
void catalogue_policy_blend(Device *dev, Tensor table, CatalogueHead z, CatalogueHead q,
                            CatalogueBlend blend);

void catalogue_policy_tops(Device *dev, Tensor top, CatalogueHead z);
void catalogue_policy_allowed_partial(Device *dev, Tensor part, Tensor top, CatalogueHead z,
                                      CatalogueHead q, float ratio);

/* The CUDA half, in policy.cu, of the partial results. Call the functions above instead: they check
 * shapes. */
void catalogue_policy_expectation_cuda(Device *dev, Tensor part, CatalogueHead z, CatalogueHead q,
                                       float temperature);
void catalogue_policy_blend_cuda(Device *dev, Tensor table, CatalogueHead z, CatalogueHead q,
                                 CatalogueBlend blend);
void catalogue_policy_tops_cuda(Device *dev, Tensor top, CatalogueHead z);
void catalogue_policy_allowed_cuda(Device *dev, Tensor part, Tensor top, CatalogueHead z,
                                   CatalogueHead q, float log_ratio);

#ifdef __cplusplus
}
#endif
#endif
