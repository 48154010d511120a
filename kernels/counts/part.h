/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates of the counted half of a policy as one more shard of the catalogue. The policy's
 * score of an item is s = log(exp z + exp r) for a candidate and z for any other item
 * (model/counted/scores.h). The catalogue's ops give partial results of z over all items; these ops
 * give the part by which the candidates change them, in the form that catalogue/merge.h joins to
 * them. As s >= z, no sum is reduced and no choice is lost:
 *
 *   sum_a f(s_a)  = sum_a f(z_a) + sum_{j in S} [f(s_j) - f(z_j)]
 *   max_a s_a     = max(max_a z_a, max_{j in S} s_j)
 *
 * With the candidates item[i, :] of row i, their scores z[i, :] by the dense half and r[i, :] by
 * the counted half (-inf: no mass, as in a place without a candidate):
 *
 *   counts_part_scores    s = log(exp z + exp r), which is z where r is -inf   overwrites
 *   counts_part_cooled    r = log(exp(s / T) - exp(z / T)), -inf where s = z and without a
 *                         candidate: with z / T for z the scores are s / T     overwrites
 *   counts_part_stats     RowStats with max = max_j s_j, sum = sum_j [exp((s_j - max) / T)
 *                         - exp((z_j - max) / T)] and weighted = sum_j [exp((s_j - max) / T) x_j
 *                         - exp((z_j - max) / T) y_j], where x = s, y = z, or with q: x = y = q_j
 *   counts_part_allowed   RowBest with the highest q_j among the j with s_j > top[i] + log(ratio)
 *   counts_part_items     score[i, k] = s_j of the candidate that is wanted[i, k], where there is
 *                         one; else score[i, k] stays
 *   counts_part_entropy   the part of the entropy's gradient (catalogue/entropy.h) by the
 *                         candidates. With total = logsumexp of s and mean = sum_a p_a s_a:
 *                           dz_j = -weight[i] exp(z_j - total) (s_j - z_j), what the dense op lacks
 *                           dr_j = -weight[i] exp(r_j - total) (s_j - mean)       both overwrite
 *
 *   item                        [rows, width]   i32, each at most once in a row; below 0: none
 *   z, r, s, q, dz, dr          [rows, width]   f32; s may alias r
 *   part                        [rows, size of the struct]   bytes
 *   score, wanted               [rows, any]     f32, i32
 *   top, weight, total, mean    [rows]          f32
 *
 * A part without candidates changes nothing: max is -FLT_MAX, sums are 0. Scratch:
 * none. Deterministic: each row is computed by itself, sums in double in order of j.
 */
#ifndef SOUK_COUNTS_PART_H
#define SOUK_COUNTS_PART_H

#include "catalogue/merge.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The candidates with both scores; s as counts_part_scores writes it. */
typedef struct {
    Tensor item, z, s;
} CountsPart;

void counts_part_scores(Device *dev, Tensor s, Tensor z, Tensor r);
void counts_part_cooled(Device *dev, Tensor r, CountsPart c, float temperature);
/* q is optional. */
void counts_part_stats(Device *dev, Tensor part, CountsPart c, Tensor q, float temperature);
void counts_part_allowed(Device *dev, Tensor part, CountsPart c, Tensor q, Tensor top, float ratio);
void counts_part_items(Device *dev, Tensor score, CountsPart c, Tensor wanted);

typedef struct {
    Tensor r, weight, total, mean;
} CountsEntropy;
void counts_part_entropy(Device *dev, Tensor dz, Tensor dr, CountsPart c, CountsEntropy of);

/* The CUDA half, in part.cu. Call the functions above instead: they check shapes. */
void counts_part_scores_cuda(Device *dev, Tensor s, Tensor z, Tensor r);
void counts_part_cooled_cuda(Device *dev, Tensor r, CountsPart c, float temperature);
void counts_part_stats_cuda(Device *dev, Tensor part, CountsPart c, Tensor q, float temperature);
void counts_part_allowed_cuda(Device *dev, Tensor part, CountsPart c, Tensor q, Tensor top,
                              float log_ratio);
void counts_part_items_cuda(Device *dev, Tensor score, CountsPart c, Tensor wanted);
void counts_part_entropy_cuda(Device *dev, Tensor dz, Tensor dr, CountsPart c, CountsEntropy of);

#ifdef __cplusplus
}
#endif
#endif
