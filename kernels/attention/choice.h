/* Which kernel serves a call of attention on CUDA, and why. It follows from the call's shapes, from the
 * bound on the lengths that the host has, and from the GPU; so it needs no look at the device, is the same
 * in a captured graph, and equal runs take equal kernels. All of them are deterministic.
 *
 *   ATTENTION_PLAIN  attention.cu, sums in f32 on the plain cores: f32; rows that do not begin at 16
 *                    bytes; head_dim not a multiple of 8.
 *   ATTENTION_MMA    attention_short.cu and attention_mma.cu, tensor cores: bf16 otherwise. Made for short
 *                    histories, of which a block takes as many as fill its tiles, and complete: it serves
 *                    what cuDNN does not.
 *   ATTENTION_CUDNN  attention_cudnn.c, bf16, where all of this holds:
 *     - longest > 128 (> 64 where head_dim > 64), and 96 tokens a sequence on average: cuDNN works in tiles
 *       of 128 tokens, which shorter histories leave partly empty
 *     - head_dim a multiple of 16: below that cuDNN's ragged sums are not to be relied on
 *     - forward: sm_90 and sm_10x
 *     - backward: sm_90 alone has the deterministic one for ragged batches; its workspace grows with the
 *       square of the longest, so at most ATTENTION_WORKSPACE bytes
 *
 * 128 comes from timing both, histories of one length, heads of 64 (bench/results/, souk bench --op attention):
 * up to 128 tokens ATTENTION_MMA is the faster both ways, at 256 cuDNN forward and, by little, backward.
 * Lengths between, mixed ones, and heads wider than 64 were not timed; for these 64 is what an earlier version
 * of ATTENTION_MMA was found to be good for.
 */
#ifndef SOUK_ATTENTION_CHOICE_H
#define SOUK_ATTENTION_CHOICE_H

#include <stdbool.h>

#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ATTENTION_SHORT = 256, ATTENTION_WORKSPACE = 1 << 30 };

typedef enum { ATTENTION_PLAIN, ATTENTION_MMA, ATTENTION_CUDNN } AttentionKernel;

typedef struct {
    bool cudnn;     /* this souk was built with it */
    int capability; /* of the GPU: 90 for sm_90 */
    bool backward;
    bool aligned; /* all rows begin at multiples of 16 bytes, were head_dim one of 8 */
    Dtype dtype;
    int64_t tokens, sequences, longest, heads, head_dim;
} AttentionCall;
AttentionKernel attention_choice(const AttentionCall *call);

/* cuDNN's plans are made for shapes. A call takes that of the next shape, so that a few serve all batches:
 * powers of two of sequences, from 8, the rest of length 0; multiples of 128 of the longest. */
typedef struct {
    bool backward;
    int64_t sequences, longest, heads, head_dim;
} AttentionShape;
AttentionShape attention_choice_shape(const AttentionCall *call);
/* Bytes that cuDNN's backward keeps ds in, one bf16 number a pair; its few more not counted. */
int64_t attention_choice_workspace(const AttentionShape *shape);

#ifdef __cplusplus
}
#endif
#endif
