/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of two control tasks, which replace temporal differences by regressions of Q on targets
 * that do not depend on rewards: random numbers and lengths (Silva et al. 2024: on logs,
 * reinforcement learning may help a recommender no more than such an auxiliary task does). Windows
 * are those of td.h. For the transition of token t in window w, which begins at token b:
 *
 *   random   y[t] = N(0, 1) from the words 0 and 1 of Philox(seed, 1, first_event[w] + t - b + 1):
 *            the event that follows token t has the same number in every epoch
 *   length   y[t] = log(1 + n), n = t - b + 1 the number of the window's events up to t
 *
 *   valid[t] = 1 for transitions; 0 (and y[t] = 0) for the last token of a window and for tokens
 *   past cu_seqlens[windows]
 *
 *   y, valid        [tokens]        f32, overwritten
 *   cu_seqlens      [windows + 1]   i32, from 0, never falling, its last at most tokens
 *   first_event     [windows]       i64: row of the window's first event in the log
 *
 * Computed in double and rounded once. On cpu and cuda. Scratch: none. Deterministic.
 */
#ifndef SOUK_CONTROL_H
#define SOUK_CONTROL_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void control_random(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens, Tensor first_event,
                    uint64_t seed);
void control_length(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens);

/* The CUDA half, in control.cu. Call the functions above instead: they check shapes. */
void control_cuda(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens, Tensor first_event,
                  uint64_t seed);

#ifdef __cplusplus
}
#endif
#endif
