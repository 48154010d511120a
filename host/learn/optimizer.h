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
    Tensor state; /* f64 [ADAMW_STATE] */
} Optimizer;

/* Put the decay groups of `p`, whose values are allocated, on the device. The settings above are the
 * caller's. */
Status optimizer_open(Optimizer *o, const Params *p, Device *dev);
void optimizer_close(Optimizer *o); /* safe on {0} */

/* The learning rate of step t = 1, 2, …: linear warm-up, then cosine (Loshchilov & Hutter 2017). */
double optimizer_lr(const Optimizer *o, int64_t t);

/* The numbers of step t = 1, 2, …, as optimizer_step wants them on the device. */
void optimizer_schedule(const Optimizer *o, int64_t t, double schedule[ADAMW_SCHEDULE]);
/* One step on the accumulated gradients, which are zeroed afterwards, then PARAM_TARGET moves, where
 * there is one. From a step on whose gradient or whose `losses` (f64) are not finite, neither changes
 * any more, until optimizer_go_on; the caller reads optimizer's state and reports it. */
void optimizer_step(Device *dev, const Optimizer *o, Params *p, Tensor schedule, Tensor losses);
void optimizer_go_on(Device *dev, const Optimizer *o);

#endif
