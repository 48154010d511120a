/* The ops of the encoder and of the step, as the model calls them. */
#include <stdio.h>

#include "adamw.h"
#include "attention/attention.h"
#include "attention/choice.h"
#include "attention/cudnn.h"
#include "embedding.h"
#include "gemm.h"
#include "losses/td.h"
#include "measure/measure.h"
#include "residual_norm.h"
#include "rmsnorm.h"
#include "rope.h"
#include "swiglu.h"

static double elements(const Shape *s) { return (double)s->rows * (double)s->dim; }

/* ---- Norms ---------------------------------------------------------------------------------------- */

/* x, y, weight, rstd, dx, dweight, dy */
static void norm_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[2] = measure_tensor(c, F32, s->dim, 0, 1.0f);
    t[3] = measure_tensor(c, F32, s->rows, 0, 1.0f);
    t[4] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[5] = measure_tensor(c, F32, s->dim, 0, 1.0f);
    t[6] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
}
static void norm_call(Case *c, const Tensor *t)
{
    rmsnorm_forward(c->dev, t[1], t[3], t[0], t[2], 1e-6f);
}
static void norm_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 2.0 * size * elements(s) + 4.0 * (double)s->rows;
    *flops = 0.0;
}
static void norm_backward_call(Case *c, const Tensor *t)
{
    rmsnorm_backward(c->dev, t[4], t[5], t[6], t[0], t[2], t[3]);
}
static void norm_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s) + 4.0 * (double)s->rows; /* x, dy; dx read and written */
    *flops = 0.0;
}
static void residual_call(Case *c, const Tensor *t)
{
    residual_norm(c->dev, t[1], t[3], t[4], t[0], t[6], t[2], 1e-6f, (Dropout){0});
}
static void residual_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s) + 4.0 * (double)s->rows; /* y, residual; x, n */
    *flops = 0.0;
}

/* ---- Rotary positions, SwiGLU ----------------------------------------------------------------------- */

static void rope_fill(Case *c, Tensor *t)
{
    t[0] = measure_tensor(c, c->shape.dtype, c->shape.rows, 3 * c->shape.dim, 1.0f);
    t[1] = measure_ids(c, c->shape.rows, 512);
}
static void rope_call(Case *c, const Tensor *t)
{
    rope(c->dev, t[0], t[1], c->shape.heads, 10000.0, 1);
}
static void rope_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s) + 4.0 * (double)s->rows; /* q, k read and written */
    *flops = 0.0;
}

/* dim: of the hidden layer. gate_up, y, dgate_up */
static void swiglu_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, 2 * s->dim, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[2] = measure_tensor(c, s->dtype, s->rows, 2 * s->dim, 1.0f);
}
static void swiglu_call(Case *c, const Tensor *t) { swiglu_forward(c->dev, t[1], t[0]); }
static void swiglu_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 3.0 * size * elements(s);
    *flops = 0.0;
}
static void swiglu_backward_call(Case *c, const Tensor *t)
{
    swiglu_backward(c->dev, t[2], t[1], t[0]);
}
static void swiglu_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 5.0 * size * elements(s);
    *flops = 0.0;
}

/* ---- Rows of a table ------------------------------------------------------------------------------ */

/* items: rows of the table. */
static void embedding_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, F32, s->items, s->dim, 1.0f);
    t[2] = measure_ids(c, s->rows, s->items);
}
static void embedding_call(Case *c, const Tensor *t) { embedding_add(c->dev, t[0], t[1], t[2]); }
static void embedding_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (2.0 * size + 4.0) * elements(s) + 4.0 * (double)s->rows;
    *flops = 0.0;
}
static void embedding_backward_call(Case *c, const Tensor *t)
{
    embedding_backward(c->dev, t[1], t[0], t[2]);
}
static void embedding_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double touched = (double)(s->items < s->rows ? s->items : s->rows);
    *bytes = size * elements(s) + 8.0 * touched * (double)s->dim + 4.0 * (double)s->rows;
    *flops = 0.0;
}

/* ---- Attention ------------------------------------------------------------------------------------ */

/* qkv, o, lse, cu_seqlens, do, dqkv */
static void attention_fill_with(Case *c, Tensor *t, int64_t empty)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, 3 * s->dim, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[2] = measure_tensor(c, F32, s->rows, s->heads, 1.0f);
    t[3] = measure_windows(c, s->rows, s->length, empty);
    t[4] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[5] = measure_tensor(c, s->dtype, s->rows, 3 * s->dim, 1.0f);
    if (c->dev->status == OK)
        attention_forward(c->dev, t[1], t[2], t[0], t[3], s->heads, s->length);
}
static void attention_fill(Case *c, Tensor *t) { attention_fill_with(c, t, 0); }
/* So many empty windows that attention_choice() takes the own kernels whatever the length of the others. */
static void attention_own_fill(Case *c, Tensor *t)
{
    attention_fill_with(c, t, c->shape.rows / 64);
}
static void attention_call(Case *c, const Tensor *t)
{
    attention_forward(c->dev, t[1], t[2], t[0], t[3], c->shape.heads, c->shape.length);
}
static void attention_backward_call(Case *c, const Tensor *t)
{
    attention_backward(c->dev, t[5], t[4], t[1], t[2], t[0], t[3], c->shape.heads, c->shape.length);
}
static void attention_cudnn_call(Case *c, const Tensor *t)
{
    if (HAVE_CUDNN)
        attention_cudnn_forward(c->dev, t[1], t[2], t[0], t[3], c->shape.heads, c->shape.length);
}
static void attention_backward_cudnn_call(Case *c, const Tensor *t)
{
    if (HAVE_CUDNN)
        attention_cudnn_backward(c->dev, t[5], t[4], t[1], t[2], t[0], t[3], c->shape.heads,
                                 c->shape.length);
}
/* Causal: half of the pairs, two products of 2 dim operations a pair. */
static void attention_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 4.0 * size * elements(s);
    *flops = 2.0 * elements(s) * (double)(s->length + 1);
}
/* Five products. */
static void attention_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 8.0 * size * elements(s);
    *flops = 5.0 * elements(s) * (double)(s->length + 1);
}

/* ---- Products of the model's shapes ----------------------------------------------------------------- */

/* [rows, dim] = [rows, items] [dim, items]^T */
static void product_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->items, 1.0f);
    t[1] = measure_tensor(c, s->dtype, s->dim, s->items, 1.0f);
    t[2] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
}
static void product_call(Case *c, const Tensor *t) { gemm(c->dev, t[2], t[0], t[1], GEMM_NT); }
static void product_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double m = (double)s->rows, n = (double)s->dim, k = (double)s->items;
    *bytes = size * (m * n + n * k + m * k);
    *flops = 2.0 * m * n * k;
}

/* ---- The step ------------------------------------------------------------------------------------- */

/* rows: parameters. p, m, v, g, first, count, decay, schedule, state */
static void adamw_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 4; i++) t[i] = measure_tensor(c, F32, c->shape.rows, 0, 0.01f);
    const int64_t segment[] = {0, c->shape.rows};
    const double numbers[ADAMW_SCHEDULE + ADAMW_STATE] = {1e-3, 0.1, 0.001, 0.0};
    const Tensor memory = measure_tensor(c, F32, 256, 0, 0.0f);
    if (!memory.data) return;
    double *at = memory.data;
    device_copy_in(c->dev, at, segment, sizeof segment);
    device_copy_in(c->dev, at + 4, numbers, sizeof numbers);
    t[4] = TENSOR(at, I64, 1), t[5] = TENSOR(at + 1, I64, 1), t[6] = TENSOR(at + 2, F64, 1);
    t[7] = TENSOR(at + 4, F64, ADAMW_SCHEDULE);
    t[8] = TENSOR(at + 4 + ADAMW_SCHEDULE, F64, ADAMW_STATE);
}
static void adamw_call(Case *c, const Tensor *t)
{
    adamw_step(c->dev, t[0], t[1], t[2], t[3], (AdamwSegments){t[4], t[5], t[6]}, t[7], t[8],
               (AdamwOptions){0.9, 0.999, 1e-8, 0.0});
}
static void adamw_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = 7.0 * size * (double)s->rows;
    *flops = 0.0;
}

/* y, valid, reward, end, next_value, cu_seqlens */
static void td_fill(Case *c, Tensor *t)
{
    for (int i = 0; i < 3; i++) t[i] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[3] = TENSOR(measure_tensor(c, F32, c->shape.rows, 0, 0.0f).data, U8, c->shape.rows);
    t[4] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[5] = measure_windows(c, c->shape.rows, c->shape.length, 0);
}
static void td_call(Case *c, const Tensor *t)
{
    td_targets(c->dev, t[0], t[1], t[2], t[3], t[4], t[5], 0.99f, 1, true);
}
static void td_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (4.0 * size + 1.0) * (double)s->rows;
    *flops = 0.0;
}

/* ---- The table ------------------------------------------------------------------------------------ */

static const char ROWS_WHY[] = "one pass; what is left is the tail of the last blocks";
static const char ROWS_CPU[] = "conversions of bf16; a row's sums, before it can be written";
static const char GATE_CPU[] = "conversions of bf16; an exponential an element";
static const char OWN_WHY[] =
    "a block holds all of its rows, so few share a processor; pairs masked in tiles";
static const char CUDNN_WHY[] = "tiles of 128 tokens, which short windows leave partly empty";
static const char ATTEND_CPU[] = "small products; an exponential a pair; pairs masked in tiles";
static const Op norm = {"rmsnorm forward", norm_fill, norm_call, norm_cost, ROWS_WHY, ROWS_CPU};
static const Op norm_backward = {"rmsnorm backward",
                                 norm_fill,
                                 norm_backward_call,
                                 norm_backward_cost,
                                 "dw: partial sums of chunks, and a second kernel that adds them",
                                 ROWS_CPU};
static const Op residual = {"residual norm", norm_fill, residual_call,
                            residual_cost,   ROWS_WHY,  ROWS_CPU};
static const Op rotary = {"rope",
                          rope_fill,
                          rope_call,
                          rope_cost,
                          "two accesses of 16 bytes a step, a head apart",
                          "conversions of bf16; the sines and cosines of a token"};
static const Op gate = {"swiglu forward", swiglu_fill, swiglu_call,
                        swiglu_cost,      ROWS_WHY,    GATE_CPU};
static const Op gate_backward = {"swiglu backward",    swiglu_fill, swiglu_backward_call,
                                 swiglu_backward_cost, ROWS_WHY,    GATE_CPU};
static const Op gather = {"embedding gather",
                          embedding_fill,
                          embedding_call,
                          embedding_cost,
                          "rows of the table lie apart: reads of single rows",
                          "rows of the table lie apart: reads of single rows"};
static const Op scatter = {"embedding gradient",
                           embedding_fill,
                           embedding_backward_call,
                           embedding_backward_cost,
                           "ids are sorted first (no atomics): passes over ids, small launches",
                           "rows of the table lie apart; ids are sorted first"};
static const Op attend = {
    "attention forward",
    attention_fill,
    attention_call,
    attention_cost,
    "pairs masked in tiles; few blocks share a processor, as each holds all of its rows",
    ATTEND_CPU};
static const Op attend_backward = {
    "attention backward",
    attention_fill,
    attention_backward_call,
    attention_backward_cost,
    "scores computed twice (7 products for 5), in f32 one after another; pairs masked in tiles",
    ATTEND_CPU};
/* What attention_choice() chooses between, both where only one is taken. */
static const Op attend_own = {"attention forward, own",
                              attention_own_fill,
                              attention_call,
                              attention_cost,
                              OWN_WHY,
                              ATTEND_CPU};
static const Op attend_own_backward = {"attention backward, own",
                                       attention_own_fill,
                                       attention_backward_call,
                                       attention_backward_cost,
                                       OWN_WHY,
                                       ATTEND_CPU};
static const Op attend_cudnn = {"attention forward, cuDNN",
                                attention_fill,
                                attention_cudnn_call,
                                attention_cost,
                                CUDNN_WHY,
                                ATTEND_CPU};
static const Op attend_cudnn_backward = {
    "attention backward, cuDNN", attention_fill, attention_backward_cudnn_call,
    attention_backward_cost,     CUDNN_WHY,      ATTEND_CPU};
static const Op product = {"gemm",
                           product_fill,
                           product_call,
                           product_cost,
                           "the library's kernel; tiles that do not fill the processors",
                           "the library's kernel; operands packed first"};
static const Op adamw = {"adamw",    adamw_fill, adamw_call,
                         adamw_cost, ROWS_WHY,   "several streams read and written at once"};
static const Op targets = {"td targets",
                           td_fill,
                           td_call,
                           td_cost,
                           "too little work to fill the processors: a launch's latency",
                           "too little work: the start of threads"};

typedef struct {
    int64_t tokens, dim, heads, items, parameters;
} Sizes;

static Status rows_of(Bench *b, Dtype dtype, const Sizes *z)
{
    char text[64];
    Shape s = {dtype, z->tokens, z->dim, z->items, 0, z->heads};
    snprintf(text, sizeof text, "%lld x %lld", (long long)s.rows, (long long)s.dim);
    TRY(measure_case(b, &norm, s, text));
    TRY(measure_case(b, &norm_backward, s, text));
    TRY(measure_case(b, &residual, s, text));
    TRY(measure_case(b, &rotary, s, text));
    Shape hidden = s;
    hidden.dim = 8 * s.dim / 3 / 32 * 32;
    snprintf(text, sizeof text, "%lld x %lld", (long long)s.rows, (long long)hidden.dim);
    TRY(measure_case(b, &gate, hidden, text));
    TRY(measure_case(b, &gate_backward, hidden, text));
    snprintf(text, sizeof text, "%lld x %lld of %lld", (long long)s.rows, (long long)s.dim,
             (long long)s.items);
    TRY(measure_case(b, &gather, s, text));
    return measure_case(b, &scatter, s, text);
}

/* Where cuDNN has both directions, and for the lengths that attention_short.cu serves. */
static bool compares_attention(const Bench *b, const Shape *s)
{
    DeviceInfo info;
    device_info(b->dev, &info);
    return HAVE_CUDNN && info.capability == 90 && s->dtype == BF16 && s->length <= ATTENTION_SHORT;
}

static Status attention_of(Bench *b, Dtype dtype, const Sizes *z)
{
    static const int64_t lengths[] = {16, 50, 64, 128, 256, 512, 2048};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const int64_t length = lengths[i];
        if (length > z->tokens || (b->options->quick && length != 50 && length != 512)) continue;
        char text[64];
        const Shape s = {dtype, z->tokens / length * length, z->dim, 0, length, z->heads};
        snprintf(text, sizeof text, "%lld windows of %lld, %lld heads of %lld",
                 (long long)(s.rows / length), (long long)length, (long long)s.heads,
                 (long long)(s.dim / s.heads));
        TRY(measure_case(b, &attend, s, text));
        TRY(measure_case(b, &attend_backward, s, text));
        if (!compares_attention(b, &s)) continue;
        TRY(measure_case(b, &attend_own, s, text));
        TRY(measure_case(b, &attend_own_backward, s, text));
        TRY(measure_case(b, &attend_cudnn, s, text));
        TRY(measure_case(b, &attend_cudnn_backward, s, text));
    }
    return OK;
}

static Status products_of(Bench *b, Dtype dtype, const Sizes *z)
{
    const int64_t hidden = 8 * z->dim / 3 / 32 * 32;
    const int64_t shapes[][2] = {{3 * z->dim, z->dim}, {2 * hidden, z->dim}, {z->dim, hidden}};
    for (int i = 0; i < 3; i++) {
        char text[64];
        const Shape s = {dtype, z->tokens, shapes[i][0], shapes[i][1], 0, 0};
        snprintf(text, sizeof text, "%lld x %lld x %lld", (long long)s.rows, (long long)s.dim,
                 (long long)s.items);
        TRY(measure_case(b, &product, s, text));
    }
    return OK;
}

Status measure_ops_layers(Bench *b)
{
    static const Sizes gpu = {32768, 1024, 8, 1000000, 100 << 20};
    static const Sizes cpu = {2048, 256, 4, 20000, 4 << 20}, tiny = {100, 64, 2, 300, 5000};
    const bool cuda = ON_CUDA(b->dev);
    const Sizes *z = b->options->tiny ? &tiny : cuda ? &gpu : &cpu;
    Sizes narrow = *z; /* 32768 x 512, in which the short histories are compared with cuDNN */
    if (z == &gpu) narrow.dim /= 2;
    char text[64];
    const Dtype dtypes[] = {BF16, F32};
    for (int i = 0; i < (b->options->quick ? 1 : 2); i++) {
        TRY(rows_of(b, dtypes[i], z));
        TRY(attention_of(b, dtypes[i], &narrow));
        TRY(products_of(b, dtypes[i], z));
    }
    if (z ==
        &gpu) { /* of the steps of bench/gpu-acceptance.sh; what a catalogue's scores cost bare */
        TRY(measure_case(b, &scatter, (Shape){BF16, 32768, 256, 20000, 0, 4},
                         "32768 x 256 of 20000"));
        TRY(measure_case(b, &product, (Shape){BF16, 16384, 100000, 512, 0, 0},
                         "16384 x 100000 x 512"));
    }
    snprintf(text, sizeof text, "%lld parameters", (long long)z->parameters);
    TRY(measure_case(b, &adamw, (Shape){.dtype = F32, .rows = z->parameters}, text));
    snprintf(text, sizeof text, "%lld tokens", (long long)z->tokens);
    return measure_case(b, &targets, (Shape){.dtype = F32, .rows = z->tokens, .length = 128}, text);
}
