/* SPDX-License-Identifier: Apache-2.0 */
/* Attention on CUDA: the call's shape, the choice of kernels (choice.h), and what all choices
 * share. The kernels are in plain.cu (f32 on the plain cores), short.cu and mma.cu (tensor cores)
 * and cuDNN's. */
#include "attention/attention.cuh"
#include "attention/cudnn.h"

static AttentionKernel choose(const Device *dev, bool backward, Dtype dtype, const Shape &s)
{
    AttentionCall call = {};
    call.cudnn = HAVE_CUDNN;
    call.capability = dev->cuda->capability;
    call.backward = backward;
    call.aligned = s.aligned;
    call.dtype = dtype;
    call.tokens = s.tokens;
    call.sequences = s.sequences;
    call.longest = s.longest;
    call.heads = s.heads;
    call.head_dim = s.head_dim;
    return attention_choice(&call);
}

static Shape shape_of(Tensor qkv, Tensor cu_seqlens, int64_t heads, int64_t longest, bool aligned)
{
    Shape s = {};
    s.tokens = qkv.dim[0];
    s.sequences = cu_seqlens.dim[0] - 1;
    s.longest = longest;
    s.dim = qkv.dim[1] / 3;
    s.head_dim = s.dim / heads;
    s.heads = heads;
    s.aligned = aligned;
    s.wide = aligned && s.head_dim % 4 == 0;
    s.scale = (float)(1.0 / sqrt((double)s.head_dim));
    return s;
}

/* On tensor cores: first the short histories, then the longer ones. */
static void forward_mma(Device *dev, Tensor o, Tensor lse, Tensor qkv, const int32_t *cu,
                        const Shape &s)
{
    bf16 *to = (bf16 *)o.data;
    const bf16 *from = (const bf16 *)qkv.data;
    const Bins bins = attention_short_bins(dev, false, cu, s);
    attention_short_forward(dev, to, f32(lse), from, cu, bins, s);
    if (s.longest > bins.limit)
        attention_mma_forward(dev, to, f32(lse), from, plan(dev, s, cu, bins.limit), s);
}

static void backward_mma(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse, Tensor qkv,
                         const int32_t *cu, const Shape &s)
{
    BackwardMma b = {(bf16 *)dqkv.data,
                     (const bf16 *)do_.data,
                     (const bf16 *)o.data,
                     (const bf16 *)qkv.data,
                     f32(lse),
                     NULL,
                     s};
    const Bins bins = attention_short_bins(dev, true, cu, s);
    attention_short_backward(dev, b, cu, bins);
    if (s.longest <= bins.limit) return;
    b.delta = f32(delta_of<bf16>(dev, do_, o, s));
    attention_mma_backward(dev, b, plan(dev, s, cu, bins.limit));
}

void attention_forward_cuda(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                            int64_t heads, int64_t longest)
{
    const bool aligned = aligned16(qkv.data) && aligned16(o.data) && aligned16(lse.data);
    const Shape s = shape_of(qkv, cu_seqlens, heads, longest, aligned);
    const size_t mark = scratch_mark(dev);
    const AttentionKernel kernel = choose(dev, false, qkv.dtype, s);
    if (HAVE_CUDNN && kernel == ATTENTION_CUDNN)
        attention_cudnn_forward(dev, o, lse, qkv, cu_seqlens, heads, longest);
    else if (kernel == ATTENTION_MMA)
        forward_mma(dev, o, lse, qkv, i32(cu_seqlens), s);
    else
        attention_plain_forward(dev, o, lse, qkv, i32(cu_seqlens), s);
    BY_DTYPE(qkv.dtype, zero_tail, dev, o, s, i32(cu_seqlens));
    zero_tail<float>(dev, lse, s, i32(cu_seqlens));
    scratch_release(dev, mark);
}

void attention_backward_cuda(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse, Tensor qkv,
                             Tensor cu_seqlens, int64_t heads, int64_t longest)
{
    const bool aligned = aligned16(qkv.data) && aligned16(dqkv.data) && aligned16(do_.data) &&
                         aligned16(o.data) && aligned16(lse.data);
    const Shape s = shape_of(qkv, cu_seqlens, heads, longest, aligned);
    const size_t mark = scratch_mark(dev);
    const AttentionKernel kernel = choose(dev, true, qkv.dtype, s);
    if (HAVE_CUDNN && kernel == ATTENTION_CUDNN)
        attention_cudnn_backward(dev, dqkv, do_, o, lse, qkv, cu_seqlens, heads, longest);
    else if (kernel == ATTENTION_MMA)
        backward_mma(dev, dqkv, do_, o, lse, qkv, i32(cu_seqlens), s);
    else
        attention_plain_backward(dev, dqkv, do_, o, lse, qkv, i32(cu_seqlens), s);
    BY_DTYPE(qkv.dtype, zero_tail, dev, dqkv, s, i32(cu_seqlens));
    scratch_release(dev, mark);
}
