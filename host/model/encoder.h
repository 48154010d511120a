/* SPDX-License-Identifier: Apache-2.0 */
/* The causal transformer over packed histories (host/model/README.md section 4; Vaswani et al.
 * 2017). Forward keeps what backward needs; backward recomputes norms and SwiGLU, which are cheap.
 */
#ifndef SOUK_ENCODER_H
#define SOUK_ENCODER_H

#include "model/input.h"

typedef struct {
    Tensor x;              /* [tokens, dim]     residual stream into the block */
    Tensor attention_rstd; /* [tokens] */
    Tensor qkv;            /* [tokens, 3 dim]   after rope */
    Tensor attended, lse;  /* [tokens, dim], [tokens, heads] */
    Tensor middle;         /* [tokens, dim]     residual stream between attention and mlp */
    Tensor mlp_rstd;       /* [tokens] */
    Tensor gate_up;        /* [tokens, 2 ff] */
} BlockState;

typedef struct {
    BlockState *block; /* [layers] when training; else one that all layers share */
    Tensor x;          /* [tokens, dim] the residual stream after the last block */
    Tensor rstd;       /* [tokens] */
    Tensor h;          /* [tokens, dim] the states */
    Arena arena;
    int64_t tokens; /* capacity */
    bool training;
} Encoder;

typedef struct {
    float dropout; /* rate; 0 when evaluating */
    uint64_t seed;
    Tensor step; /* i64 [1] on the device: the optimizer steps before this one */
    Tensor kept; /* f32 [items] whose ids are in the vectors of items; data NULL: all */
} DropoutKey;

/* Take the memory of the activations of batches of up to `tokens`. */
Status encoder_open(Encoder *e, const Model *m, int64_t tokens, bool training, Device *dev);
void encoder_close(Encoder *e); /* safe on {0} */

/* Compute the states of a batch, [in->tokens, dim]; valid until the next encoder_forward. */
Tensor encoder_forward(Device *dev, Encoder *e, const Model *m, Weights w, const ModelInput *in,
                       DropoutKey dropout);
/* Accumulate the gradients of all encoder parameters into `grad` from dh = dL/dh, which is
 * overwritten. The encoder must be a training one, and its last forward that of the same batch. */
void encoder_backward(Device *dev, Encoder *e, const Model *m, Weights w, Weights grad,
                      const ModelInput *in, DropoutKey dropout, Tensor dh);

#endif
