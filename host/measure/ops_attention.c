/* SPDX-License-Identifier: Apache-2.0 */
/* A comment above `fill` names the tensors in their order. */
#include "measure/ops_attention.h"

#include <inttypes.h>
#include <stdio.h>

#include "attention/attention.h"
#include "attention/choice.h"
#include "attention/cudnn.h"
#include "base/device/info.h"

static double elements(const Shape *s) { return (double)s->rows * (double)s->dim; }

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
/* With so many empty windows attention_choice() takes souk's own kernels, whatever the lengths of
 * the other windows are. */
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
/* Attention is causal, so half of the pairs count. There are two products, each of 2 dim operations
 * a pair. */
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

static const char OWN_WHY[] =
    "a block holds all of its rows, so few share a processor; pairs masked in tiles";
static const char CUDNN_WHY[] = "tiles of 128 tokens, which short windows leave partly empty";
static const char ATTEND_CPU[] = "small products; an exponential a pair; pairs masked in tiles";
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
/* souk's own kernels and cuDNN's, for calls of which attention_choice() sends each to only one. */
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

/* On GPUs where cuDNN has both directions, and for lengths that attention/short.cu takes. */
static bool compares_attention(const Bench *b, const Shape *s)
{
    DeviceInfo info;
    device_info(b->dev, &info);
    return HAVE_CUDNN && info.capability == 90 && s->dtype == BF16 && s->length <= ATTENTION_SHORT;
}

Status measure_ops_attention(Bench *b, Dtype dtype, int64_t tokens, int64_t dim, int64_t heads)
{
    static const int64_t lengths[] = {16, 50, 64, 128, 256, 512, 2048};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const int64_t length = lengths[i];
        if (length > tokens || (b->options->quick && length != 50 && length != 512)) continue;
        char text[64];
        const Shape s = {dtype, tokens / length * length, dim, 0, length, heads};
        snprintf(text, sizeof text,
                 "%" PRId64 " windows of %" PRId64 ", %" PRId64 " heads of %" PRId64,
                 s.rows / length, length, s.heads, s.dim / s.heads);
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
