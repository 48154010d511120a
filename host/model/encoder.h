/* The causal transformer over packed histories: forward keeps what backward needs, and recomputes the
 * cheap rest (norms, SwiGLU). host/model/README.md sections 4; Vaswani et al. 2017.
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
    BlockState *block; /* [layers] when training; 1, shared, when not */
    Tensor x;          /* [tokens, dim] residual stream after the last block */
    Tensor rstd;       /* [tokens] */
    Tensor h;          /* [tokens, dim] the states */
    Arena arena;
    int64_t tokens; /* room */
    bool training;
} Encoder;

typedef struct {
    float dropout; /* 0 when evaluating */
    uint64_t seed;
    Tensor step; /* i64 [1], on the device */
} DropoutKey;

/* Activations for batches of up to `tokens`. */
Status encoder_open(Encoder *e, const Model *m, int64_t tokens, bool training, Device *dev);
void encoder_close(Encoder *e); /* safe on {0} */

/* The states of a batch, [in->tokens, dim]; valid until the next forward. */
Tensor encoder_forward(Device *dev, Encoder *e, const Model *m, Weights w, const ModelInput *in,
                       DropoutKey dropout);
/* Accumulates the gradient of every encoder parameter into `grad` from dh = dL/dh, which is
 * overwritten. After encoder_forward of the same batch on a training encoder. */
void encoder_backward(Device *dev, Encoder *e, const Model *m, Weights w, Weights grad,
                      const ModelInput *in, DropoutKey dropout, Tensor dh);

#endif
