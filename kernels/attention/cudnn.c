/* SPDX-License-Identifier: Apache-2.0 */
#include "attention/cudnn.h"

#include <math.h>

#include "attention/cudnn_graph.h"
#include "attention/offsets.h"
#include "base/scratch.h"

static const float minus_infinity = -INFINITY, one = 1.0f;

/* A call that is being prepared: its bindings so far, and the scale that one of them points to. */
typedef struct {
    const CudnnPlan *plan;
    CudnnBinding binding[CUDNN_GRAPH_BINDINGS_MAX];
    int bindings;
    int64_t workspace; /* bytes that a plan of this shape takes, at most */
    float scale;
} Call;

static void bind(Call *call, int64_t uid, const void *at)
{
    call->binding[call->bindings++] = (CudnnBinding){uid, at};
}

/* q, k or v (0, 1, 2) of the interleaved rows. */
static const void *part(Tensor qkv, int which)
{
    return (const char *)qkv.data + (size_t)(which * qkv.dim[1] / 3) * tensor_dtype_size(qkv.dtype);
}

/* Find the plan and bind what both directions read. call->plan is NULL where the device has failed
 * or only measures memory. */
static void begin(Device *dev, Call *call, bool backward, Tensor o, Tensor lse, Tensor qkv,
                  Tensor cu_seqlens, int64_t heads, int64_t longest)
{
    const int64_t head_dim = qkv.dim[1] / 3 / heads;
    const AttentionShape shape = attention_choice_shape(&(AttentionCall){
        .backward = backward,
        .sequences = cu_seqlens.dim[0] - 1,
        .longest = longest,
        .heads = heads,
        .head_dim = head_dim,
    });
    int64_t key[8];
    attention_cudnn_graph_key(key, &shape);
    *call = (Call){.plan = cudnn_plan(dev, attention_cudnn_graph, key),
                   .workspace = attention_choice_scratch(&shape),
                   .scale = (float)(1.0 / sqrt((double)head_dim))};
    const AttentionOffsets at =
        attention_offsets_cuda(dev, cu_seqlens, qkv.dim[0], longest, &shape);
    bind(call, UID_Q, part(qkv, 0));
    bind(call, UID_K, part(qkv, 1));
    bind(call, UID_V, part(qkv, 2));
    bind(call, UID_O, o.data);
    bind(call, UID_LSE, lse.data);
    bind(call, UID_QUERIES, at.length.data);
    bind(call, UID_KEYS, at.length.data);
    bind(call, UID_OFFSETS_QKV, at.qkv.data);
    bind(call, UID_OFFSETS_O, at.o.data);
    bind(call, UID_OFFSETS_LSE, at.lse.data);
    bind(call, UID_SCALE, &call->scale);
    bind(call, UID_ABSENT, &minus_infinity);
    bind(call, UID_FUTURE, &minus_infinity);
}

static void run(Device *dev, const Call *call)
{
    const bool more = call->plan && call->plan->workspace > call->workspace;
    const Tensor workspace = SCRATCH(dev, U8, more ? call->plan->workspace : call->workspace);
    if (!call->plan) return;
    cudnn_execute(dev, call->plan, call->binding, call->bindings, workspace.data);
}

void attention_cudnn_forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                             int64_t heads, int64_t longest)
{
    const size_t mark = scratch_mark(dev);
    Call call;
    begin(dev, &call, false, o, lse, qkv, cu_seqlens, heads, longest);
    run(dev, &call);
    scratch_release(dev, mark);
}

void attention_cudnn_backward(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse,
                              Tensor qkv, Tensor cu_seqlens, int64_t heads, int64_t longest)
{
    const size_t mark = scratch_mark(dev);
    const Tensor delta = SCRATCH(dev, F32, qkv.dim[0], heads);
    Call call;
    begin(dev, &call, true, o, lse, qkv, cu_seqlens, heads, longest);
    bind(&call, UID_DO, do_.data);
    bind(&call, UID_DQ, part(dqkv, 0));
    bind(&call, UID_DK, part(dqkv, 1));
    bind(&call, UID_DV, part(dqkv, 2));
    bind(&call, UID_DELTA, delta.data);
    bind(&call, UID_ONE, &one);
    run(dev, &call);
    scratch_release(dev, mark);
}
