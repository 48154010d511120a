/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the ops is given by cuDNN: its engines recognise this pattern and no other.
 *
 * Indices: b entry of the batch (a sequence), h head, t query, u key, d column of a head. */
#include "attention/cudnn_graph.h"

#include <string.h>

static const cudnnDataType_t f32_type = CUDNN_DATA_FLOAT, bf16_type = CUDNN_DATA_BFLOAT16;

/* What both graphs share. Columns [b, h, d, t] are a transposed view of rows [b, h, t, d]. */
typedef struct {
    AttentionShape s;
    CudnnShape rows, columns; /* of the interleaved qkv */
    CudnnShape o_rows, lse_rows;
    CudnnShape pairs, each; /* [b, h, t, u]; [b, h, t, 1] */
    CudnnTensor queries, keys, offsets_qkv, offsets_o, offsets_lse, scale;
    CudnnTensor q, k_columns, o, lse;
} Attention;

void attention_cudnn_graph_key(int64_t key[8], const AttentionShape *s)
{
    const int64_t words[8] = {s->backward, s->sequences, s->longest, s->heads, s->head_dim};
    memcpy(key, words, sizeof words);
}

static AttentionShape shape_of(const int64_t *key)
{
    return (AttentionShape){key[0] != 0, key[1], key[2], key[3], key[4]};
}

/* [b, h, t, d] in memory where each token has a row of `row` elements. */
static CudnnShape in_rows(const AttentionShape *s, int64_t row)
{
    return (CudnnShape){{s->sequences, s->heads, s->longest, s->head_dim},
                        {s->longest * row, s->head_dim, row, 1}};
}

static CudnnShape transposed(CudnnShape s)
{
    return (CudnnShape){{s.dim[0], s.dim[1], s.dim[3], s.dim[2]},
                        {s.stride[0], s.stride[1], s.stride[3], s.stride[2]}};
}

static CudnnTensor offsets(CudnnGraph *g, int64_t uid, const AttentionShape *s)
{
    return cudnn_tensor(g, uid, CUDNN_DATA_INT64, cudnn_dense(s->sequences + 1, 1, 1, 1), NULL);
}

static Attention begin(CudnnGraph *g, AttentionShape s)
{
    const int64_t dim = s.heads * s.head_dim;
    Attention a = {.s = s, .rows = in_rows(&s, 3 * dim), .o_rows = in_rows(&s, dim)};
    a.columns = transposed(a.rows);
    a.pairs = cudnn_dense(s.sequences, s.heads, s.longest, s.longest);
    a.each = cudnn_dense(s.sequences, s.heads, s.longest, 1);
    const CudnnShape of_sequence = cudnn_dense(s.sequences, 1, 1, 1);
    a.lse_rows =
        (CudnnShape){{s.sequences, s.heads, s.longest, 1}, {s.longest * s.heads, 1, s.heads, 1}};
    a.queries = cudnn_tensor(g, UID_QUERIES, CUDNN_DATA_INT32, of_sequence, NULL);
    a.keys = cudnn_tensor(g, UID_KEYS, CUDNN_DATA_INT32, of_sequence, NULL);
    a.offsets_qkv = offsets(g, UID_OFFSETS_QKV, &s);
    a.offsets_o = offsets(g, UID_OFFSETS_O, &s);
    a.offsets_lse = offsets(g, UID_OFFSETS_LSE, &s);
    a.scale = cudnn_number(g, UID_SCALE);
    a.q = cudnn_tensor(g, UID_Q, bf16_type, a.rows, &a.offsets_qkv);
    a.k_columns = cudnn_tensor(g, UID_K, bf16_type, a.columns, &a.offsets_qkv);
    a.o = cudnn_tensor(g, UID_O, bf16_type, a.o_rows, &a.offsets_o);
    a.lse = cudnn_tensor(g, UID_LSE, f32_type, a.lse_rows, &a.offsets_lse);
    return a;
}

/* ---- Ops on pairs ---------------------------------------------------------------------------- */

static CudnnTensor pairs(CudnnGraph *g, const Attention *a, cudnnDataType_t type)
{
    return cudnn_virtual(g, type, a->pairs, NULL);
}

/* mode(x, b) for each pair; b is absent, a number, one for each query, or one for each pair. */
static CudnnTensor of_pairs(CudnnGraph *g, const Attention *a, cudnnPointwiseMode_t mode,
                            const CudnnTensor *x, const CudnnTensor *b)
{
    const CudnnTensor y = pairs(g, a, f32_type);
    cudnn_pointwise(g, mode, f32_type, x, b, NULL, &y);
    return y;
}

/* mode(x) for each query. */
static CudnnTensor of_each(CudnnGraph *g, const Attention *a, cudnnPointwiseMode_t mode,
                           const CudnnTensor *x)
{
    const CudnnTensor y = cudnn_virtual(g, f32_type, a->each, NULL);
    cudnn_pointwise(g, mode, f32_type, x, NULL, NULL, &y);
    return y;
}

static CudnnTensor reduced(CudnnGraph *g, const Attention *a, cudnnReduceTensorOp_t how,
                           const CudnnTensor *x)
{
    const CudnnTensor y = cudnn_virtual(g, f32_type, a->each, NULL);
    cudnn_reduce(g, how, x, &y);
    return y;
}

/* q . k / sqrt(head_dim) */
static CudnnTensor scores(CudnnGraph *g, const Attention *a)
{
    const CudnnTensor product = pairs(g, a, f32_type);
    cudnn_matmul(g, &a->q, &a->k_columns, &product, &a->queries, &a->keys, NULL);
    return of_pairs(g, a, CUDNN_POINTWISE_MUL, &product, &a->scale);
}

/* x where `mask`, else the number `other`. */
static CudnnTensor where(CudnnGraph *g, const Attention *a, const CudnnTensor *mask,
                         const CudnnTensor *x, int64_t other)
{
    const CudnnTensor number = cudnn_number(g, other), y = pairs(g, a, f32_type);
    cudnn_pointwise(g, CUDNN_POINTWISE_BINARY_SELECT, f32_type, x, &number, mask, &y);
    return y;
}

/* -inf where t or u is past the sequence's end. */
static CudnnTensor within_sequence(CudnnGraph *g, const Attention *a, const CudnnTensor *x)
{
    const cudnnDataType_t index = CUDNN_DATA_INT32, boolean = CUDNN_DATA_BOOLEAN;
    const CudnnTensor t = pairs(g, a, index), u = pairs(g, a, index);
    const CudnnTensor t_there = pairs(g, a, boolean), u_there = pairs(g, a, boolean);
    const CudnnTensor both = pairs(g, a, boolean);
    cudnn_index(g, 2, index, x, &t);
    cudnn_index(g, 3, index, x, &u);
    cudnn_pointwise(g, CUDNN_POINTWISE_CMP_LT, boolean, &t, &a->queries, NULL, &t_there);
    cudnn_pointwise(g, CUDNN_POINTWISE_CMP_LT, boolean, &u, &a->keys, NULL, &u_there);
    cudnn_pointwise(g, CUDNN_POINTWISE_LOGICAL_AND, boolean, &t_there, &u_there, NULL, &both);
    return where(g, a, &both, x, UID_ABSENT);
}

/* -inf where u > t. */
static CudnnTensor causal(CudnnGraph *g, const Attention *a, const CudnnTensor *x)
{
    const CudnnTensor t = pairs(g, a, CUDNN_DATA_INT32), u = pairs(g, a, CUDNN_DATA_INT32);
    const CudnnTensor past = pairs(g, a, CUDNN_DATA_BOOLEAN);
    cudnn_index(g, 2, f32_type, x, &t);
    cudnn_index(g, 3, f32_type, x, &u);
    cudnn_pointwise(g, CUDNN_POINTWISE_CMP_GE, CUDNN_DATA_BOOLEAN, &t, &u, NULL, &past);
    return where(g, a, &past, x, UID_FUTURE);
}

/* x rounded to bf16 and transposed; the strides say so, nothing is copied. */
static CudnnTensor pairs_transposed(CudnnGraph *g, const Attention *a, const CudnnTensor *x)
{
    CudnnShape s = a->pairs;
    s.stride[2] = 1;
    s.stride[3] = a->s.longest;
    const CudnnTensor y = cudnn_virtual(g, bf16_type, s, NULL);
    cudnn_reshape(g, x, &y);
    return y;
}

/* ---- Graphs ---------------------------------------------------------------------------------- */

static void forward(CudnnGraph *g, const Attention *a)
{
    const CudnnTensor v = cudnn_tensor(g, UID_V, bf16_type, a->rows, &a->offsets_qkv);
    CudnnTensor x = scores(g, a);
    x = within_sequence(g, a, &x);
    x = causal(g, a, &x);
    const CudnnTensor max = reduced(g, a, CUDNN_REDUCE_TENSOR_MAX, &x);
    x = of_pairs(g, a, CUDNN_POINTWISE_SUB, &x, &max);
    x = of_pairs(g, a, CUDNN_POINTWISE_EXP, &x, NULL);
    const CudnnTensor sum = reduced(g, a, CUDNN_REDUCE_TENSOR_ADD, &x);
    const CudnnTensor log_sum = of_each(g, a, CUDNN_POINTWISE_LOG, &sum);
    cudnn_pointwise(g, CUDNN_POINTWISE_ADD, f32_type, &max, &log_sum, NULL, &a->lse);
    const CudnnTensor p = pairs(g, a, bf16_type);
    cudnn_pointwise(g, CUDNN_POINTWISE_DIV, f32_type, &x, &sum, NULL, &p);
    cudnn_matmul(g, &p, &v, &a->o, &a->queries, NULL, &a->keys);
}

/* do . o of each query and head. */
static CudnnTensor delta(CudnnGraph *g, const Attention *a, const CudnnTensor *dout)
{
    const CudnnTensor y = cudnn_tensor(g, UID_DELTA, f32_type, a->lse_rows, &a->offsets_lse);
    const CudnnTensor one = cudnn_number(g, UID_ONE);
    const CudnnShape dense = cudnn_dense(a->s.sequences, a->s.heads, a->s.longest, a->s.head_dim);
    const CudnnTensor product = cudnn_virtual(g, f32_type, dense, NULL);
    cudnn_pointwise(g, CUDNN_POINTWISE_MUL, f32_type, dout, &a->o, NULL, &product);
    const CudnnTensor sum = reduced(g, a, CUDNN_REDUCE_TENSOR_ADD, &product);
    cudnn_pointwise(g, CUDNN_POINTWISE_MUL, f32_type, &sum, &one, NULL, &y);
    return y;
}

static void backward(CudnnGraph *g, const Attention *a)
{
    const CudnnTensor v_columns = cudnn_tensor(g, UID_V, bf16_type, a->columns, &a->offsets_qkv);
    const CudnnTensor dout = cudnn_tensor(g, UID_DO, bf16_type, a->o_rows, &a->offsets_o);
    const CudnnTensor dq = cudnn_tensor(g, UID_DQ, bf16_type, a->rows, &a->offsets_qkv);
    const CudnnTensor dk = cudnn_tensor(g, UID_DK, bf16_type, a->rows, &a->offsets_qkv);
    const CudnnTensor dv = cudnn_tensor(g, UID_DV, bf16_type, a->rows, &a->offsets_qkv);
    const CudnnTensor mean = delta(g, a, &dout);

    CudnnTensor p = scores(g, a);
    p = within_sequence(g, a, &p);
    p = of_pairs(g, a, CUDNN_POINTWISE_SUB, &p, &a->lse);
    p = causal(g, a, &p);
    p = of_pairs(g, a, CUDNN_POINTWISE_EXP, &p, NULL);
    const CudnnTensor p_transposed = pairs_transposed(g, a, &p);
    cudnn_matmul(g, &p_transposed, &dout, &dv, &a->keys, NULL, &a->queries);

    CudnnTensor ds = pairs(g, a, f32_type);
    cudnn_matmul(g, &dout, &v_columns, &ds, &a->queries, &a->keys, NULL);
    ds = of_pairs(g, a, CUDNN_POINTWISE_SUB, &ds, &mean);
    ds = of_pairs(g, a, CUDNN_POINTWISE_MUL, &ds, &p);
    ds = of_pairs(g, a, CUDNN_POINTWISE_MUL, &ds, &a->scale);
    const CudnnTensor ds_transposed = pairs_transposed(g, a, &ds);
    cudnn_matmul(g, &ds_transposed, &a->q, &dk, &a->keys, NULL, &a->queries);

    const CudnnTensor k_rows = cudnn_virtual(g, bf16_type, a->rows, &a->offsets_qkv);
    cudnn_reshape(g, &a->k_columns, &k_rows);
    cudnn_matmul(g, &ds, &k_rows, &dq, &a->queries, NULL, &a->keys);
}

void attention_cudnn_graph(CudnnGraph *g, const int64_t *key)
{
    const Attention a = begin(g, shape_of(key));
    if (a.s.backward)
        backward(g, &a);
    else
        forward(g, &a);
}

Status attention_cudnn_graph_plan(const AttentionShape *shape, const char *json, int64_t *workspace)
{
    int64_t key[8];
    CudnnPlan plan;
    attention_cudnn_graph_key(key, shape);
    const Status status = cudnn_plan_without_device(&plan, attention_cudnn_graph, key, json);
    *workspace = plan.workspace;
    cudnn_plan_close(&plan);
    return status;
}
