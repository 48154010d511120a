/* SPDX-License-Identifier: Apache-2.0 */
/* The partial results that the shards of a catalogue give for a row, and how they are merged.
 *
 * Each op of the catalogue head is a walk over the items that leaves a PARTIAL result for each row,
 * and a merge. A table that is a shard (items.h) gives the partial result of its items; the merge
 * joins those of all shards, in the order of their items, and finishes. The ops on a whole table do
 * the same with one shard: the merge then only finishes the one partial result.
 *
 *   op                              partial results                        merge
 *   catalogue_stats                 catalogue_stats_partial                catalogue_merge_stats
 *   catalogue_cross_entropy         catalogue_stats_partial                catalogue_merge_stats
 *                                   then catalogue_cross_entropy_given     sums of loss, du
 *   catalogue_entropy               catalogue_stats_partial                catalogue_merge_stats
 *                                   then catalogue_entropy_given           sum of du
 *   catalogue_score, _backward      the op itself                          sums of score, du
 *   catalogue_regression, _mean     the op itself                          sums of loss, dshift,
 *                                                                          du, mean
 *   catalogue_rank                  catalogue_rank_best                    catalogue_merge_top,
 *                                                                          sum of target_score
 *                                   then catalogue_rank_counts             catalogue_merge_ranks
 *   catalogue_sample                catalogue_sample_partial               catalogue_merge_draws
 *   catalogue_policy_expectation    catalogue_policy_expectation_partial   catalogue_merge_stats
 *   catalogue_policy_allowed_best   catalogue_policy_tops                  catalogue_merge_max
 *                                   then catalogue_policy_allowed_partial  catalogue_merge_best
 *
 * "Sum" is tree_sum (base/tree.h) over the shards. did and dbias need no merge: a shard has its
 * rows of them, complete.
 *
 * The mathematics. Let a part have max m, sum s = sum_a exp((z[a] - m) / T), weighted
 * w = sum_a exp((z[a] - m) / T) x[a]. Two parts join to
 *
 *   m = max(m1, m2),   s = s1 exp((m1 - m) / T) + s2 exp((m2 - m) / T),   w likewise
 *
 * and all of them together give logsumexp = m / T + log s and expectation = w / s. Shards are
 * joined one after the other, in double. A choice (the best item, the k best, a draw) takes the
 * highest score or key, and the lowest of items with equal ones, so joining choices is exact. The
 * draw from all items is the best of the shards' draws, as the noise of an item depends on its id
 * alone. Counts of items add up, and so does what is linear in the items: single scores, losses
 * over items, du.
 *
 * So choices and counts are those of the whole table, given the same scores. A score is a sum over
 * dim; where a product of matrices adds in an order that depends on the number of items, scores of
 * a shard may differ in the last place, and near ties may be decided differently. Sums differ by
 * rounding. The result depends on how the catalogue is cut into shards, not on which rank has which
 * shard.
 */
#ifndef SOUK_CATALOGUE_MERGE_H
#define SOUK_CATALOGUE_MERGE_H

#include <math.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Partial results ------------------------------------------------------------------------- */

/* Partial results that are structs are stored in tensors of bytes, [rows, sizeof] for one shard and
 * [shards, rows, sizeof] for all of them, so that ranks can gather them. T is the temperature of
 * the op that made them. */

/* Scores of a row over some items. */
typedef struct {
    double sum;      /* sum_a exp((z[a] - max) / T) */
    double weighted; /* sum_a exp((z[a] - max) / T) z[a]; with two heads the last z[a] is q[a] */
    float max;       /* max_a z[a] without NaNs; -FLT_MAX where no score is above that */
    int32_t argmax;  /* the lowest item with that score; a valid item whatever the scores are */
} RowStats;

/* Which fields of RowStats are wanted: max and argmax; these and sum; all. The other fields are
 * undefined. */
typedef enum { STATS_BEST, STATS_SUM, STATS_EXPECTATION } StatsWanted;

/* A draw from some items. */
typedef struct {
    double sum;   /* as in RowStats */
    float max;    /* as in RowStats */
    float key;    /* the highest key z[a] / T + g[a]; -inf: no item can be drawn */
    float score;  /* z of the item with that key */
    int32_t item; /* the lowest item with that key; a valid item where there is none */
} RowDraw;

/* The best of some items that are allowed. */
typedef struct {
    float score;  /* -inf: none is allowed */
    int32_t item; /* the lowest item with that score; a valid item where none is allowed */
} RowBest;

/* ---- Merges ---------------------------------------------------------------------------------- */

/* The statistics of each row's scores. Every tensor is optional, has the shape [rows] and is
 * overwritten. */
typedef struct {
    Tensor max;         /* f32: max_a z */
    Tensor argmax;      /* i32 */
    Tensor logsumexp;   /* f32: log sum_a exp(z / temperature) */
    Tensor expectation; /* f32: sum_a softmax_a(z / temperature) z; with two heads: ... q */
} CatalogueStats;
static inline StatsWanted catalogue_merge_wanted(const CatalogueStats *stats)
{
    if (stats->expectation.data) return STATS_EXPECTATION;
    return stats->logsumexp.data ? STATS_SUM : STATS_BEST;
}
/* log sum exp(z scale) of a row's statistics. */
static inline float catalogue_merge_logsumexp(RowStats s, float scale)
{
    return (float)((double)s.max * scale + log(s.sum));
}

/* part: RowStats [shards, rows]. */
void catalogue_merge_stats(Device *dev, CatalogueStats stats, Tensor part, float temperature);

/* item i32 [rows], log_probability f32 [rows], optional; as in sample.h. part: RowDraw [shards,
 * rows]. */
void catalogue_merge_draws(Device *dev, Tensor item, Tensor log_probability, Tensor part,
                           float temperature);

/* item i32 [rows] is the item of the best part. part: RowBest [shards, rows]. */
void catalogue_merge_best(Device *dev, Tensor item, Tensor part);

/* max f32 [rows], part f32 [shards, rows]. A NaN is never the maximum; the maximum is -inf where
 * all are NaN. */
void catalogue_merge_max(Device *dev, Tensor max, Tensor part);

/* item i32 and score f32 [rows, k], sorted as in rank.h: the k best of the shards' k best, items
 * and scores [shards, rows, k]. */
void catalogue_merge_top(Device *dev, Tensor item, Tensor score, Tensor items, Tensor scores);

/* above, ties i32 [rows] as in rank.h, of the counts [shards, rows] of catalogue_rank_counts over
 * `total` items. They may be part 0 of the counts. */
void catalogue_merge_ranks(Device *dev, Tensor above, Tensor ties, Tensor aboves, Tensor equals,
                           int64_t total);

/* The CUDA half, in merge.cu. Call the functions above instead: they check shapes. `target`,
 * optional: rows with target[i] < 0 are left out, and one of `total` or more stops the device. */
void catalogue_merge_stats_cuda(Device *dev, CatalogueStats stats, Tensor part, float temperature,
                                Tensor target, int64_t total);
void catalogue_merge_draws_cuda(Device *dev, Tensor item, Tensor log_probability, Tensor part,
                                float temperature);
void catalogue_merge_best_cuda(Device *dev, Tensor item, Tensor part);
void catalogue_merge_max_cuda(Device *dev, Tensor max, Tensor part);
void catalogue_merge_top_cuda(Device *dev, Tensor item, Tensor score, Tensor items, Tensor scores);
void catalogue_merge_ranks_cuda(Device *dev, Tensor above, Tensor ties, Tensor aboves,
                                Tensor equals, int64_t total);

#ifdef __cplusplus
}
#endif
#endif
