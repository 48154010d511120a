/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder.h"

#include <inttypes.h>
#include <stdlib.h>

#include "attention/attention.h"
#include "base/scratch.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"
#include "residual_norm.h"
#include "rmsnorm.h"
#include "rope.h"
#include "swiglu.h"

static const float EPS = 1e-6f;
static const double ROPE_THETA = 10000.0;

/* ---- Memory ---------------------------------------------------------------------------------- */

static void layout(Encoder *e, const Model *m)
{
    const ModelShape *s = &m->shape;
    const int64_t tokens = e->tokens;
    for (int64_t l = 0; l < (e->training ? s->layers : 1); l++)
        e->block[l] = (BlockState){
            .x = ARENA(&e->arena, s->activation, tokens, s->dim),
            .attention_rstd = ARENA(&e->arena, F32, tokens),
            .qkv = ARENA(&e->arena, s->activation, tokens, 3 * s->dim),
            .attended = ARENA(&e->arena, s->activation, tokens, s->dim),
            .lse = ARENA(&e->arena, F32, tokens, s->heads),
            .middle = ARENA(&e->arena, s->activation, tokens, s->dim),
            .mlp_rstd = ARENA(&e->arena, F32, tokens),
            .gate_up = ARENA(&e->arena, s->activation, tokens, 2 * s->ff),
        };
    e->x = ARENA(&e->arena, s->activation, tokens, s->dim);
    e->rstd = ARENA(&e->arena, F32, tokens);
    e->h = ARENA(&e->arena, s->activation, tokens, s->dim);
}

Status encoder_open(Encoder *e, const Model *m, int64_t tokens, bool training, Device *dev)
{
    *e = (Encoder){.tokens = tokens, .training = training};
    e->block = calloc((size_t)m->shape.layers, sizeof *e->block);
    if (!e->block) return FAIL(ERR_MEMORY, "no memory for the encoder");
    layout(e, m);
    TRY(arena_open(&e->arena, dev, "activations"));
    layout(e, m);
    return OK;
}

void encoder_close(Encoder *e)
{
    arena_close(&e->arena);
    free(e->block);
    *e = (Encoder){0};
}

/* The activations of block l, cut to the batch's tokens. */
static BlockState block_state(const Encoder *e, int64_t l, int64_t tokens)
{
    BlockState b = e->block[e->training ? l : 0];
    Tensor *all[] = {&b.x,   &b.attention_rstd, &b.qkv,      &b.attended,
                     &b.lse, &b.middle,         &b.mlp_rstd, &b.gate_up};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) *all[i] = tensor_rows(*all[i], 0, tokens);
    return b;
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* first = the sum of all embeddings: in f32, rounded once where activations are bf16. */
static void embed(Device *dev, Tensor first, const Model *m, Weights w, const ModelInput *in,
                  Tensor kept)
{
    const ItemTable items = model_items(m, w, kept);
    const size_t mark = scratch_mark(dev);
    Tensor x = first.dtype == F32 ? first : SCRATCH(dev, F32, in->tokens, m->shape.dim);
    items_gather(dev, x, &items, in->item);
    embedding_add(dev, x, w[m->at.action], in->action);
    embedding_add(dev, x, w[m->at.gap], in->gap);
    for (int64_t k = 0; k < m->shape.user_kinds; k++)
        embedding_add(dev, x, w[m->at.user_category], in->user_category[k]);
    if (m->at.user_number >= 0) gemm(dev, x, in->user_number, w[m->at.user_number], GEMM_ADD_NN);
    if (m->at.event_number >= 0) gemm(dev, x, in->feature, w[m->at.event_number], GEMM_ADD_NN);
    if (first.dtype != F32) elementwise_copy(dev, first, x);
    scratch_release(dev, mark);
}

static Dropout dropout_at(DropoutKey key, int64_t site)
{
    return (Dropout){key.dropout, key.seed, site, key.step};
}

/* The norm that the next part of the network reads: the tensors for its output and its rstd, and
 * its weight. */
typedef struct {
    Tensor n, rstd, w;
} NextNorm;

/* The attention of a block. n is the norm of b->x and is overwritten; next->n gets the norm of
 * b->middle. */
static void attend(Device *dev, const NextNorm *next, Tensor n, const BlockState *b,
                   const BlockParams *at, const Model *m, Weights w, const ModelInput *in,
                   Dropout dropout)
{
    gemm(dev, b->qkv, n, w[at->qkv], GEMM_NT);
    rope(dev, b->qkv, in->position, m->shape.heads, in->longest, ROPE_THETA, +1);
    attention_forward(dev, b->attended, b->lse, b->qkv, in->cu_seqlens, m->shape.heads,
                      in->longest);
    gemm(dev, n, b->attended, w[at->out], GEMM_NT);
    residual_norm(dev, next->n, next->rstd, b->middle, n, b->x, next->w, EPS, dropout);
}

/* The MLP of a block. n is the norm of b->middle and is overwritten; next->n gets the norm of
 * `out`, the block's output. */
static void mix(Device *dev, const NextNorm *next, Tensor out, Tensor n, const BlockState *b,
                const BlockParams *at, const Model *m, Weights w, Dropout dropout)
{
    const int64_t tokens = b->middle.dim[0];
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, m->shape.activation, tokens, m->shape.ff);
    gemm(dev, b->gate_up, n, w[at->gate_up], GEMM_NT);
    swiglu_forward(dev, y, b->gate_up);
    gemm(dev, n, y, w[at->down], GEMM_NT);
    residual_norm(dev, next->n, next->rstd, out, n, b->middle, next->w, EPS, dropout);
    scratch_release(dev, mark);
}

Tensor encoder_forward(Device *dev, Encoder *e, const Model *m, Weights w, const ModelInput *in,
                       DropoutKey key)
{
    const int64_t tokens = in->tokens, layers = m->shape.layers;
    REQUIRE(tokens <= e->tokens, "a batch of %" PRId64 " tokens, want at most %" PRId64, tokens,
            e->tokens);
    const size_t mark = scratch_mark(dev);
    Tensor n = SCRATCH(dev, m->shape.activation, tokens, m->shape.dim);
    BlockState b = block_state(e, 0, tokens);
    embed(dev, n, m, w, in, key.kept);
    residual_norm(dev, n, b.attention_rstd, b.x, n, (Tensor){0}, w[m->at.block[0].attention_norm],
                  EPS, dropout_at(key, 0));
    for (int64_t l = 0; l < layers; l++) {
        const BlockParams *at = &m->at.block[l];
        const bool last = l + 1 == layers;
        const BlockState after = last ? b : block_state(e, l + 1, tokens);
        const NextNorm middle = {n, b.mlp_rstd, w[at->mlp_norm]};
        NextNorm out = {n, after.attention_rstd, {0}};
        if (last)
            out = (NextNorm){tensor_rows(e->h, 0, tokens), tensor_rows(e->rstd, 0, tokens),
                             w[m->at.final_norm]};
        else
            out.w = w[m->at.block[l + 1].attention_norm];
        attend(dev, &middle, n, &b, at, m, w, in, dropout_at(key, 1 + 2 * l));
        mix(dev, &out, last ? tensor_rows(e->x, 0, tokens) : after.x, n, &b, at, m, w,
            dropout_at(key, 2 + 2 * l));
        b = after;
    }
    scratch_release(dev, mark);
    return tensor_rows(e->h, 0, tokens);
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* dx is dL/d(block output) on entry and dL/d(middle) on exit. */
static void mix_backward(Device *dev, Tensor dx, const BlockState *b, const BlockParams *at,
                         const Model *m, Weights w, Weights grad, DropoutKey key, int64_t site)
{
    const int64_t tokens = dx.dim[0], dim = m->shape.dim, ff = m->shape.ff;
    const size_t mark = scratch_mark(dev);
    const Dtype dtype = m->shape.activation;
    Tensor n = SCRATCH(dev, dtype, tokens, dim), y = SCRATCH(dev, dtype, tokens, ff);
    dropout_backward(dev, n, dx, dropout_at(key, site));
    swiglu_forward(dev, y, b->gate_up);
    gemm(dev, grad[at->down], n, y, GEMM_ADD_TN);
    gemm(dev, y, n, w[at->down], GEMM_NN);
    swiglu_backward(dev, b->gate_up, y, b->gate_up);
    rmsnorm_forward(dev, n, b->mlp_rstd, b->middle, w[at->mlp_norm], EPS);
    gemm(dev, grad[at->gate_up], b->gate_up, n, GEMM_ADD_TN);
    gemm(dev, n, b->gate_up, w[at->gate_up], GEMM_NN);
    rmsnorm_backward(dev, dx, grad[at->mlp_norm], n, b->middle, w[at->mlp_norm], b->mlp_rstd);
    scratch_release(dev, mark);
}

/* dx is dL/d(middle) on entry and dL/d(block input) on exit. */
static void attend_backward(Device *dev, Tensor dx, const BlockState *b, const BlockParams *at,
                            const Model *m, Weights w, Weights grad, const ModelInput *in,
                            DropoutKey key, int64_t site)
{
    const int64_t tokens = in->tokens, dim = m->shape.dim;
    const size_t mark = scratch_mark(dev);
    const Dtype dtype = m->shape.activation;
    Tensor n = SCRATCH(dev, dtype, tokens, dim), dattended = SCRATCH(dev, dtype, tokens, dim);
    Tensor dqkv = SCRATCH(dev, dtype, tokens, 3 * dim);
    dropout_backward(dev, n, dx, dropout_at(key, site));
    gemm(dev, grad[at->out], n, b->attended, GEMM_ADD_TN);
    gemm(dev, dattended, n, w[at->out], GEMM_NN);
    attention_backward(dev, dqkv, dattended, b->attended, b->lse, b->qkv, in->cu_seqlens,
                       m->shape.heads, in->longest);
    rope(dev, dqkv, in->position, m->shape.heads, in->longest, ROPE_THETA, -1);
    rmsnorm_forward(dev, n, b->attention_rstd, b->x, w[at->attention_norm], EPS);
    gemm(dev, grad[at->qkv], dqkv, n, GEMM_ADD_TN);
    gemm(dev, n, dqkv, w[at->qkv], GEMM_NN);
    rmsnorm_backward(dev, dx, grad[at->attention_norm], n, b->x, w[at->attention_norm],
                     b->attention_rstd);
    scratch_release(dev, mark);
}

static void embed_backward(Device *dev, Tensor dx, const Model *m, Weights w, Weights grad,
                           const ModelInput *in)
{
    const ItemTable items = model_items(m, w, (Tensor){0});
    items_gather_backward(dev, grad[m->at.item_id], dx, &items, in->item);
    embedding_backward(dev, grad[m->at.action], dx, in->action);
    embedding_backward(dev, grad[m->at.gap], dx, in->gap);
    for (int64_t k = 0; k < m->shape.user_kinds; k++)
        embedding_backward(dev, grad[m->at.user_category], dx, in->user_category[k]);
    if (m->at.user_number >= 0)
        gemm(dev, grad[m->at.user_number], in->user_number, dx, GEMM_ADD_TN);
    if (m->at.event_number >= 0) gemm(dev, grad[m->at.event_number], in->feature, dx, GEMM_ADD_TN);
}

void encoder_backward(Device *dev, Encoder *e, const Model *m, Weights w, Weights grad,
                      const ModelInput *in, DropoutKey key, Tensor dh)
{
    const int64_t tokens = in->tokens;
    REQUIRE(e->training,
            "backward of an encoder that was opened for inference, want a training one");
    const size_t mark = scratch_mark(dev);
    Tensor dx = SCRATCH(dev, m->shape.activation, tokens, m->shape.dim);
    elementwise_fill(dev, dx, 0.0f);
    rmsnorm_backward(dev, dx, grad[m->at.final_norm], dh, tensor_rows(e->x, 0, tokens),
                     w[m->at.final_norm], tensor_rows(e->rstd, 0, tokens));
    for (int64_t l = m->shape.layers - 1; l >= 0; l--) {
        const BlockState b = block_state(e, l, tokens);
        mix_backward(dev, dx, &b, &m->at.block[l], m, w, grad, key, 2 + 2 * l);
        attend_backward(dev, dx, &b, &m->at.block[l], m, w, grad, in, key, 1 + 2 * l);
    }
    dropout_backward(dev, dx, dx, dropout_at(key, 0));
    embed_backward(dev, elementwise_cast(dev, dx, F32), m, w, grad, in);
    scratch_release(dev, mark);
}
