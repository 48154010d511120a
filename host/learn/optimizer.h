/* AdamW over the whole parameter list: clip, schedule, decay groups, target network.
 * host/model/README.md section 7.
 */
#ifndef SOUK_OPTIMIZER_H
#define SOUK_OPTIMIZER_H

#include "adamw.h"
#include "model/params.h"

typedef struct {
    double lr, lr_floor;
    int64_t warmup, steps; /* steps: the length of the whole schedule */
    double beta1, beta2, eps;
    double weight_decay, embedding_decay;
    double clip; /* 0: none */
    double polyak;
    int64_t copy_every; /* 0: polyak */

    Arena arena; /* of what follows, on the device */
    AdamwSegments segments;
    Tensor control;
} Optimizer;

/* Put the decay groups of `p`, whose values are allocated, on the device. The settings above are the
 * caller's. */
Status optimizer_open(Optimizer *o, const Params *p, Device *dev);
void optimizer_close(Optimizer *o); /* safe on {0} */

/* The learning rate of step t = 1, 2, …: linear warm-up, then cosine (Loshchilov & Hutter 2017). */
double optimizer_lr(const Optimizer *o, int64_t t);

/* One step t on the accumulated gradients, which are zeroed afterwards. A gradient whose norm is not
 * finite changes no parameter. */
void optimizer_step(Device *dev, const Optimizer *o, Params *p, int64_t t);
/* The gradient's global norm before clipping, of the last step; waits for the device. One that is not
 * finite is the caller's to report. */
double optimizer_norm(Device *dev, const Optimizer *o);
/* Move PARAM_TARGET after step t. */
void optimizer_move_target(Device *dev, const Optimizer *o, Params *p, int64_t t);

#endif
