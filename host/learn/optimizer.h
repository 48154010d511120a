/* AdamW over the whole parameter list: clip, schedule, decay groups, target network.
 * host/model/README.md section 7.
 */
#ifndef SOUK_OPTIMIZER_H
#define SOUK_OPTIMIZER_H

#include "model/params.h"

typedef struct {
    double lr, lr_floor;
    int64_t warmup, steps; /* steps: the length of the whole schedule */
    double beta1, beta2, eps;
    double weight_decay, embedding_decay;
    double clip; /* 0: none */
    double polyak;
    int64_t copy_every; /* 0: polyak */
} Optimizer;

/* The learning rate of step t = 1, 2, …: linear warm-up, then cosine (Loshchilov & Hutter 2017). */
double optimizer_lr(const Optimizer *o, int64_t t);

/* One step t on the accumulated gradients, which are zeroed afterwards. Returns the gradient's global
 * norm before clipping; a norm that is not finite changes nothing and is the caller's to report. */
double optimizer_step(Device *dev, const Optimizer *o, Params *p, int64_t t);
/* Move PARAM_TARGET after step t. */
void optimizer_move_target(Device *dev, const Optimizer *o, Params *p, int64_t t);

#endif
