/* AdamW over all parameters at once: clip, schedule, decay groups, target network.
 * host/model/README.md section 7.
 */
#ifndef SOUK_OPTIMIZER_H
#define SOUK_OPTIMIZER_H

#include "adamw.h"
#include "model/params.h"

typedef struct {
    double lr, lr_floor;
    int64_t warmup, steps; /* of warm-up; of the whole schedule */
    double beta1, beta2, eps;
    double weight_decay, embedding_decay;
    double clip;        /* largest norm of the gradient; 0: no clip */
    double polyak;      /* share that the target network takes each step */
    int64_t copy_every; /* 0: by polyak; else it is copied every so many steps */

    Arena arena; /* on the device; holds what follows */
    AdamwSegments segments;
    Tensor state; /* f64 [ADAMW_STATE] */
} Optimizer;

/* Put the decay groups of `p`, whose values are allocated, on the device. The caller has set the
 * settings above. */
Status optimizer_open(Optimizer *o, const Params *p, Device *dev);
void optimizer_close(Optimizer *o); /* safe on {0} */

/* The learning rate of step t = 1, 2, …: linear warm-up, then cosine (Loshchilov & Hutter 2017). */
double optimizer_lr(const Optimizer *o, int64_t t);

/* The numbers of step t = 1, 2, … which optimizer_step reads on the device. */
void optimizer_schedule(const Optimizer *o, int64_t t, double schedule[ADAMW_SCHEDULE]);
/* One step of PARAM_VALUE on the accumulated gradients, which are zeroed afterwards; then
 * PARAM_TARGET follows, where there is one. When the gradient or `losses` (f64) is not finite, this
 * step and all later ones change neither, until optimizer_go_on. The caller reads o->state and
 * reports it. */
void optimizer_step(Device *dev, const Optimizer *o, Params *p, Tensor schedule, Tensor losses);
void optimizer_go_on(Device *dev, const Optimizer *o);

#endif
