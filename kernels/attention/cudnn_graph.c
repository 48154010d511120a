/* The order of the ops is cuDNN's: its engines look for it. b batch entry (a sequence), h head, t query,
 * u key, d column of a head. */
#include "attention/cudnn_graph.h"

#include <string.h>

static const cudnnDataType_t f32_type = CUDNN_DATA_FLOAT, bf16_type = CUDNN_DATA_BFLOAT16;

/* What both graphs have. Columns [b, h, d, t] are the memory of rows [b, h, t, d]. */
typedef struct {
    AttentionShape s;
    DnnShape rows, columns; /* of the interleaved qkv */
    DnnShape o_rows, lse_rows;
    DnnShape pairs, each; /* [b, h, t, u]; [b, h, t, 1] */
    DnnTensor queries, keys, offsets_qkv, offsets_o, offsets_lse, scale;
    DnnTensor q, k_columns, o, lse;
} Attention;

void attention_key_cudnn(int64_t key[8], const AttentionShape *s)
{
    const int64_t words[8] = {s->backward, s->sequences, s->longest, s->heads, s->head_dim};
    memcpy(key, words, sizeof words);
}

static AttentionShape shape_of(const int64_t *key)
{
    return (AttentionShape){key[0] != 0, key[1], key[2], key[3], key[4]};
}

/* [b, h, t, d] in rows of `row` elements a token. */
static DnnShape in_rows(const AttentionShape *s, int64_t row)
{
    return (DnnShape){{s->sequences, s->heads, s->longest, s->head_dim},
                      {s->longest * row, s->head_dim, row, 1}};
}

static DnnShape transposed(DnnShape s)
{
    return (DnnShape){{s.dim[0], s.dim[1], s.dim[3], s.dim[2]},
                      {s.stride[0], s.stride[1], s.stride[3], s.stride[2]}};
}

static DnnTensor offsets(DnnGraph *g, int64_t uid, const AttentionShape *s)
{
    return dnn_tensor(g, uid, CUDNN_DATA_INT64, dnn_dense(s->sequences + 1, 1, 1, 1), NULL);
}

static Attention begin(DnnGraph *g, AttentionShape s)
{
    const int64_t dim = s.heads * s.head_dim;
    Attention a = {.s = s, .rows = in_rows(&s, 3 * dim), .o_rows = in_rows(&s, dim)};
    a.columns = transposed(a.rows);
    a.pairs = dnn_dense(s.sequences, s.heads, s.longest, s.longest);
    a.each = dnn_dense(s.sequences, s.heads, s.longest, 1);
    const DnnShape of_sequence = dnn_dense(s.sequences, 1, 1, 1);
    a.lse_rows =
        (DnnShape){{s.sequences, s.heads, s.longest, 1}, {s.longest * s.heads, 1, s.heads, 1}};
    a.queries = dnn_tensor(g, UID_QUERIES, CUDNN_DATA_INT32, of_sequence, NULL);
    a.keys = dnn_tensor(g, UID_KEYS, CUDNN_DATA_INT32, of_sequence, NULL);
    a.offsets_qkv = offsets(g, UID_OFFSETS_QKV, &s);
    a.offsets_o = offsets(g, UID_OFFSETS_O, &s);
    a.offsets_lse = offsets(g, UID_OFFSETS_LSE, &s);
    a.scale = dnn_number(g, UID_SCALE);
    a.q = dnn_tensor(g, UID_Q, bf16_type, a.rows, &a.offsets_qkv);
    a.k_columns = dnn_tensor(g, UID_K, bf16_type, a.columns, &a.offsets_qkv);
    a.o = dnn_tensor(g, UID_O, bf16_type, a.o_rows, &a.offsets_o);
    a.lse = dnn_tensor(g, UID_LSE, f32_type, a.lse_rows, &a.offsets_lse);
    return a;
}

/* ---- Ops on pairs --------------------------------------------------------------------------------- */

static DnnTensor pairs(DnnGraph *g, const Attention *a, cudnnDataType_t type)
{
    return dnn_virtual(g, type, a->pairs, NULL);
}

/* mode(x, b) of pairs; b absent, a number, of each query or of pairs. */
static DnnTensor of_pairs(DnnGraph *g, const Attention *a, cudnnPointwiseMode_t mode,
                          const DnnTensor *x, const DnnTensor *b)
{
    const DnnTensor y = pairs(g, a, f32_type);
    dnn_pointwise(g, mode, f32_type, x, b, NULL, &y);
    return y;
}

/* mode(x, b) of what each query has one of. */
static DnnTensor of_each(DnnGraph *g, const Attention *a, cudnnPointwiseMode_t mode,
                         const DnnTensor *x)
{
    const DnnTensor y = dnn_virtual(g, f32_type, a->each, NULL);
    dnn_pointwise(g, mode, f32_type, x, NULL, NULL, &y);
    return y;
}

static DnnTensor reduced(DnnGraph *g, const Attention *a, cudnnReduceTensorOp_t how,
                         const DnnTensor *x)
{
    const DnnTensor y = dnn_virtual(g, f32_type, a->each, NULL);
    dnn_reduce(g, how, x, &y);
    return y;
}

/* q . k / sqrt(head_dim) */
static DnnTensor scores(DnnGraph *g, const Attention *a)
{
    const DnnTensor product = pairs(g, a, f32_type);
    dnn_matmul(g, &a->q, &a->k_columns, &product, &a->queries, &a->keys, NULL);
    return of_pairs(g, a, CUDNN_POINTWISE_MUL, &product, &a->scale);
}

/* x where `mask`, else the number `other`. */
static DnnTensor where(DnnGraph *g, const Attention *a, const DnnTensor *mask, const DnnTensor *x,
                       int64_t other)
{
    const DnnTensor number = dnn_number(g, other), y = pairs(g, a, f32_type);
    dnn_pointwise(g, CUDNN_POINTWISE_BINARY_SELECT, f32_type, x, &number, mask, &y);
    return y;
}

/* -inf where t or u is past the sequence's end. */
static DnnTensor within_sequence(DnnGraph *g, const Attention *a, const DnnTensor *x)
{
    const cudnnDataType_t index = CUDNN_DATA_INT32, boolean = CUDNN_DATA_BOOLEAN;
    const DnnTensor t = pairs(g, a, index), u = pairs(g, a, index);
    const DnnTensor t_there = pairs(g, a, boolean), u_there = pairs(g, a, boolean);
    const DnnTensor both = pairs(g, a, boolean);
    dnn_index(g, 2, index, x, &t);
    dnn_index(g, 3, index, x, &u);
    dnn_pointwise(g, CUDNN_POINTWISE_CMP_LT, boolean, &t, &a->queries, NULL, &t_there);
    dnn_pointwise(g, CUDNN_POINTWISE_CMP_LT, boolean, &u, &a->keys, NULL, &u_there);
    dnn_pointwise(g, CUDNN_POINTWISE_LOGICAL_AND, boolean, &t_there, &u_there, NULL, &both);
    return where(g, a, &both, x, UID_ABSENT);
}

/* -inf where u > t. */
static DnnTensor causal(DnnGraph *g, const Attention *a, const DnnTensor *x)
{
    const DnnTensor t = pairs(g, a, CUDNN_DATA_INT32), u = pairs(g, a, CUDNN_DATA_INT32);
    const DnnTensor past = pairs(g, a, CUDNN_DATA_BOOLEAN);
    dnn_index(g, 2, f32_type, x, &t);
    dnn_index(g, 3, f32_type, x, &u);
    dnn_pointwise(g, CUDNN_POINTWISE_CMP_GE, CUDNN_DATA_BOOLEAN, &t, &u, NULL, &past);
    return where(g, a, &past, x, UID_FUTURE);
}

/* The same rounded to bf16 and transposed, without a copy. */
static DnnTensor pairs_transposed(DnnGraph *g, const Attention *a, const DnnTensor *x)
{
    DnnShape s = a->pairs;
    s.stride[2] = 1;
    s.stride[3] = a->s.longest;
    const DnnTensor y = dnn_virtual(g, bf16_type, s, NULL);
    dnn_reshape(g, x, &y);
    return y;
}

/* ---- Graphs --------------------------------------------------------------------------------------- */

static void forward(DnnGraph *g, const Attention *a)
{
    const DnnTensor v = dnn_tensor(g, UID_V, bf16_type, a->rows, &a->offsets_qkv);
    DnnTensor x = scores(g, a);
    x = within_sequence(g, a, &x);
    x = causal(g, a, &x);
    const DnnTensor max = reduced(g, a, CUDNN_REDUCE_TENSOR_MAX, &x);
    x = of_pairs(g, a, CUDNN_POINTWISE_SUB, &x, &max);
    x = of_pairs(g, a, CUDNN_POINTWISE_EXP, &x, NULL);
    const DnnTensor sum = reduced(g, a, CUDNN_REDUCE_TENSOR_ADD, &x);
    const DnnTensor log_sum = of_each(g, a, CUDNN_POINTWISE_LOG, &sum);
    dnn_pointwise(g, CUDNN_POINTWISE_ADD, f32_type, &max, &log_sum, NULL, &a->lse);
    const DnnTensor p = pairs(g, a, bf16_type);
    dnn_pointwise(g, CUDNN_POINTWISE_DIV, f32_type, &x, &sum, NULL, &p);
    dnn_matmul(g, &p, &v, &a->o, &a->queries, NULL, &a->keys);
}

/* do . o of each query and head. */
static DnnTensor delta(DnnGraph *g, const Attention *a, const DnnTensor *dout)
{
    const DnnTensor y = dnn_tensor(g, UID_DELTA, f32_type, a->lse_rows, &a->offsets_lse);
    const DnnTensor one = dnn_number(g, UID_ONE);
    const DnnShape dense = dnn_dense(a->s.sequences, a->s.heads, a->s.longest, a->s.head_dim);
    const DnnTensor product = dnn_virtual(g, f32_type, dense, NULL);
    dnn_pointwise(g, CUDNN_POINTWISE_MUL, f32_type, dout, &a->o, NULL, &product);
    const DnnTensor sum = reduced(g, a, CUDNN_REDUCE_TENSOR_ADD, &product);
    dnn_pointwise(g, CUDNN_POINTWISE_MUL, f32_type, &sum, &one, NULL, &y);
    return y;
}

static void backward(DnnGraph *g, const Attention *a)
{
    const DnnTensor v_columns = dnn_tensor(g, UID_V, bf16_type, a->columns, &a->offsets_qkv);
    const DnnTensor dout = dnn_tensor(g, UID_DO, bf16_type, a->o_rows, &a->offsets_o);
    const DnnTensor dq = dnn_tensor(g, UID_DQ, bf16_type, a->rows, &a->offsets_qkv);
    const DnnTensor dk = dnn_tensor(g, UID_DK, bf16_type, a->rows, &a->offsets_qkv);
    const DnnTensor dv = dnn_tensor(g, UID_DV, bf16_type, a->rows, &a->offsets_qkv);
    const DnnTensor mean = delta(g, a, &dout);

    DnnTensor p = scores(g, a);
    p = within_sequence(g, a, &p);
    p = of_pairs(g, a, CUDNN_POINTWISE_SUB, &p, &a->lse);
    p = causal(g, a, &p);
    p = of_pairs(g, a, CUDNN_POINTWISE_EXP, &p, NULL);
    const DnnTensor p_transposed = pairs_transposed(g, a, &p);
    dnn_matmul(g, &p_transposed, &dout, &dv, &a->keys, NULL, &a->queries);

    DnnTensor ds = pairs(g, a, f32_type);
    dnn_matmul(g, &dout, &v_columns, &ds, &a->queries, &a->keys, NULL);
    ds = of_pairs(g, a, CUDNN_POINTWISE_SUB, &ds, &mean);
    ds = of_pairs(g, a, CUDNN_POINTWISE_MUL, &ds, &p);
    ds = of_pairs(g, a, CUDNN_POINTWISE_MUL, &ds, &a->scale);
    const DnnTensor ds_transposed = pairs_transposed(g, a, &ds);
    dnn_matmul(g, &ds_transposed, &a->q, &dk, &a->keys, NULL, &a->queries);

    const DnnTensor k_rows = dnn_virtual(g, bf16_type, a->rows, &a->offsets_qkv);
    dnn_reshape(g, &a->k_columns, &k_rows);
    dnn_matmul(g, &ds, &k_rows, &dq, &a->queries, NULL, &a->keys);
}

void attention_graph_cudnn(DnnGraph *g, const int64_t *key)
{
    const Attention a = begin(g, shape_of(key));
    if (a.s.backward)
        backward(g, &a);
    else
        forward(g, &a);
}

Status attention_plan_cudnn(const AttentionShape *shape, const char *json, int64_t *workspace)
{
    int64_t key[8];
    DnnPlan plan;
    attention_key_cudnn(key, shape);
    const Status status = dnn_plan_without_device(&plan, attention_graph_cudnn, key, json);
    *workspace = plan.workspace;
    dnn_plan_close(&plan);
    return status;
}
