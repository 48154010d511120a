/* SPDX-License-Identifier: Apache-2.0 */
/* The mass of the counted half of the policy, for the loss of the sum of two masses
 * (CatalogueMixture in catalogue/catalogue.h, which has the formulas).
 *
 *   mass[i]         = log sum_j exp r[i, j]; -inf where all r[i, :] are -inf     overwrites
 *   target_score[i] = r[i, j] where item[i, j] = target[i], -inf where no
 *                     candidate is the target, or there is none (below 0)        overwrites
 *
 * and for the loss of a row with its weight, from what the catalogue's op has written:
 *
 *   dr[i, j] = weight[i] (exp(r[i, j] - logsumexp[i]) - [item[i, j] = target[i]] (1 - share[i]))
 *              0 where item[i, j] or target[i] is below 0                        overwrites
 *
 *   r, dr            [rows, width]   f32; r is -inf where there is no candidate; dr may alias r
 *   item             [rows, width]   i32, each at most once in a row; below 0: no candidate
 *   target           [rows]          i32
 *   mass, target_score, weight, logsumexp, share   [rows]   f32; target_score is optional
 *
 * Scratch: none. Deterministic: a row is summed by itself.
 */
#ifndef SOUK_COUNTS_MASS_H
#define SOUK_COUNTS_MASS_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* target may be absent where target_score is. */
void counts_mass(Device *dev, Tensor mass, Tensor target_score, Tensor r, Tensor item,
                 Tensor target);

typedef struct {
    Tensor r, item, target, weight, logsumexp, share;
} MassLoss;
void counts_mass_backward(Device *dev, Tensor dr, const MassLoss *loss);

/* The CUDA half, in mass.cu. Call the functions above instead: they check shapes. */
void counts_mass_cuda(Device *dev, Tensor mass, Tensor target_score, Tensor r, Tensor item,
                      Tensor target);
void counts_mass_backward_cuda(Device *dev, Tensor dr, const MassLoss *loss);

#ifdef __cplusplus
}
#endif
#endif
