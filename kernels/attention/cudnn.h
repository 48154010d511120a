/* Attention through cuDNN: the contract of attention.h, bf16, where attention_choice() sends it.
 *
 * The graphs are cuDNN's composite ones (cuDNN 9.19 has no single causal node): matrix products,
 * masks and softmax as ops, which its engines recognise as a whole. Sequences are ragged: offsets
 * into the packed rows, in elements, and lengths. Backward is the deterministic variant, in which dq is
 * written once by its owner and the workspace holds ds: sequences heads ceil128(longest)^2 bf16 numbers.
 *
 * A plan is for a number of sequences, so a batch takes the next of a few (AttentionShape) and the rest
 * are sequences of length 0 at the end: they own no row, need no token that might not be there, and
 * cuDNN's blocks leave them at once. (One-token sequences instead would need rows past the last.)
 */
#ifndef SOUK_ATTENTION_CUDNN_H
#define SOUK_ATTENTION_CUDNN_H

#include "attention/attention.h"
#include "attention/choice.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of a packed batch, for `shape`: sequence n begins at row cu_seqlens[n], so at these elements of qkv,
 * o and lse; past the last of the batch they stay where it ends, with length 0. */
typedef struct {
    Tensor qkv, o, lse; /* i64 [shape.sequences + 1] */
    Tensor length;      /* i32 [shape.sequences] */
} AttentionOffsets;
/* In attention.cu. The offsets live in scratch. */
AttentionOffsets attention_offsets_cuda(Device *dev, Tensor cu_seqlens, int64_t tokens,
                                        int64_t longest, const AttentionShape *shape);

/* As in attention.h, but rows past the last sequence are left as they are. In attention_cudnn.c. */
void attention_forward_cudnn(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                             int64_t heads, int64_t longest);
void attention_backward_cudnn(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse,
                              Tensor qkv, Tensor cu_seqlens, int64_t heads, int64_t longest);

/* Build the plan of `shape` for the GPU whose properties `json` holds, which need not be here, and say
 * how much workspace it takes. In attention_graph_cudnn.c. */
Status attention_plan_cudnn(const AttentionShape *shape, const char *json, int64_t *workspace);

#ifdef __cplusplus
}
#endif
#endif
