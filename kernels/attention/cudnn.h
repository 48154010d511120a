/* SPDX-License-Identifier: Apache-2.0 */
/* Attention through cuDNN: the contract of attention.h, in bf16, for the calls that
 * attention_choice() sends here.
 *
 * cuDNN 9.19 has no single op for causal attention. Its engines recognise a graph of matrix
 * products, masks and softmax (cudnn_graph.h). The sequences are ragged: cuDNN takes offsets into
 * the packed rows and lengths (offsets.h). Backward is the deterministic variant: one block owns
 * each dq and writes it once, and the workspace holds ds: sequences x heads x ceil128(longest)^2
 * numbers in bf16.
 *
 * A plan has a fixed number of sequences, so a batch takes the plan of the next larger shape
 * (AttentionShape) and the sequences that it does not have get length 0. Such a sequence has no
 * rows, so the batch needs no tokens after its last one, and cuDNN's blocks that serve it end at
 * once. (Sequences of one token would need rows that may not exist.)
 */
#ifndef SOUK_ATTENTION_CUDNN_H
#define SOUK_ATTENTION_CUDNN_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As in attention.h, except that rows past the last sequence are left as they are. */
void attention_cudnn_forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                             int64_t heads, int64_t longest);
void attention_cudnn_backward(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse,
                              Tensor qkv, Tensor cu_seqlens, int64_t heads, int64_t longest);

#ifdef __cplusplus
}
#endif
#endif
