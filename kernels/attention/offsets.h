/* SPDX-License-Identifier: Apache-2.0 */
/* Where cuDNN finds the sequences of a packed batch.
 *
 * cuDNN's plan is made for shape->sequences sequences, of which the batch has the first few.
 * Sequence n begins at row cu_seqlens[n]; entry n of the tensors qkv, o and lse below is the number
 * of the element at which this row begins in the op's tensor of that name. Each sequence that the
 * batch does not have gets length 0, and as its offset the end of the last sequence.
 *
 *   cu_seqlens    [sequences + 1]          i32, from 0, never falling, its last at most `tokens`; a
 *                                          broken rule or a sequence above `longest` stops the
 *                                          device
 *   qkv, o, lse   [shape->sequences + 1]   i64, written
 *   length        [shape->sequences]       i32, written
 *
 * CUDA only; part of the path through cuDNN (cudnn.h), so the CPU has no counterpart.
 */
#ifndef SOUK_ATTENTION_OFFSETS_H
#define SOUK_ATTENTION_OFFSETS_H

#include "attention/choice.h"
#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    Tensor qkv, o, lse, length;
} AttentionOffsets;

/* The tensors are in the caller's scratch. */
AttentionOffsets attention_offsets_cuda(Device *dev, Tensor cu_seqlens, int64_t tokens,
                                        int64_t longest, const AttentionShape *shape);

#ifdef __cplusplus
}
#endif
#endif
