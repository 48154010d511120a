/* SPDX-License-Identifier: Apache-2.0 */
/* The gated unit of the feed-forward layer (Shazeer 2020).
 *
 *   s = 1 / (1 + exp(-gate))
 *   forward    y = gate s up                                       overwrites
 *   backward   dgate = dy up s (1 + gate (1 - s)),  dup = dy gate s   overwrites
 *
 *   gate_up, dgate_up   [rows, 2 ff]   f32 or bf16; gate is the first half of a row, up the second
 *   y, dy               [rows, ff]     as gate_up
 *
 * dgate_up may alias gate_up. Scratch: in bf16 on the CPU, widened copies; else none.
 * Deterministic.
 */
#ifndef SOUK_SWIGLU_H
#define SOUK_SWIGLU_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void swiglu_forward(Device *dev, Tensor y, Tensor gate_up);
void swiglu_backward(Device *dev, Tensor dgate_up, Tensor dy, Tensor gate_up);

/* The CUDA half, in swiglu.cu. Call the functions above instead: they check shapes. */
void swiglu_forward_cuda(Device *dev, Tensor y, Tensor gate_up);
void swiglu_backward_cuda(Device *dev, Tensor dgate_up, Tensor dy, Tensor gate_up);

#ifdef __cplusplus
}
#endif
#endif
