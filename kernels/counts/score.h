/* SPDX-License-Identifier: Apache-2.0 */
/* The score of a candidate in the counted half of the policy: a line and a small network over its
 * features, beside the dense half's score of the item and a pointer to the history.
 *
 *   x[k]      = (feature[i, j, k] - mean[k]) scale[k]
 *   n[h]      = hidden[i, h] + sum_k inner[h, k] x[k]
 *   r[i, j]   = base[i] + beta dense[i, j] + sum_k linear[k] x[k]
 *               + sum_h outer[h] max(n[h], 0) + pointer[i, j]                  overwrites
 *               -inf where item[i, j] is below 0
 *
 * and given dr = dL/dr, where sums leave out places whose item is below 0, whatever dr is there:
 *
 *   dbase[i]     = sum_j dr[i, j]                                              overwrites
 *   ddense[i, j] = beta dr[i, j], 0 where item[i, j] is below 0                overwrites
 *   dhidden[i, h] = sum_j e[h],  e[h] = dr[i, j] outer[h] [n[h] > 0]           overwrites
 *   dbeta       += sum_ij dr dense            dlinear[k]    += sum_ij dr x[k]
 *   douter[h]   += sum_ij dr max(n[h], 0)     dinner[h, k]  += sum_ij e[h] x[k]
 *
 * The gradient of `pointer` is dr.
 *
 *   item                       [rows, width]             i32
 *   feature                    [rows, width, features]   f32, raw
 *   mean, scale                [features]                f32, constants; features <= 16
 *   base                       [rows]                    f32
 *   dense, r, pointer          [rows, width]             f32; pointer is optional
 *   hidden                     [rows, units]             f32; units <= 64
 *   beta                       [1]                       f32
 *   linear                     [features]                f32
 *   inner, outer               [units, features], [units]   f32
 *
 * ddense may alias dr. Scratch: backward has 4 (units (features + 1) + features + 1) bytes for
 * every 32 rows, and on the CPU 16 times that for each thread. Deterministic: chunks of 32 rows are
 * summed by themselves in f32, and the chunks in order in double.
 */
#ifndef SOUK_COUNTS_SCORE_H
#define SOUK_COUNTS_SCORE_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCORE_FEATURES_MAX = 16, SCORE_UNITS_MAX = 64, SCORE_CHUNK = 32 };

typedef struct {
    Tensor item, feature, mean, scale;
    Tensor base, dense, hidden;
    Tensor pointer; /* optional */
} ScoreInput;

typedef struct {
    Tensor beta, linear, inner, outer;
} ScoreWeights;

typedef struct {
    Tensor base, dense, hidden;        /* overwritten */
    Tensor beta, linear, inner, outer; /* added to */
} ScoreGradient;

void counts_score(Device *dev, Tensor r, const ScoreInput *in, const ScoreWeights *weights);
void counts_score_backward(Device *dev, const ScoreGradient *to, Tensor dr, const ScoreInput *in,
                           const ScoreWeights *weights);

/* The CUDA half, in score.cu. Call the functions above instead: they check shapes. */
void counts_score_cuda(Device *dev, Tensor r, const ScoreInput *in, const ScoreWeights *weights);
void counts_score_backward_cuda(Device *dev, const ScoreGradient *to, Tensor dr,
                                const ScoreInput *in, const ScoreWeights *weights);

#ifdef __cplusplus
}
#endif
#endif
