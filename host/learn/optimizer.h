/* SPDX-License-Identifier: Apache-2.0 */
/* AdamW over all parameters at once: clip, schedule, decay groups, target network.
 * host/model/README.md section 7.
 */
#ifndef SOUK_OPTIMIZER_H
#define SOUK_OPTIMIZER_H

#include "adamw.h"
#include "model/params.h"

/* After step `from` the learning rate falls to its floor in so many steps; steps = 0: no. */
typedef struct {
    int64_t from, steps;
} Annealing;

typedef struct {
    double lr, lr_floor;
    int64_t warmup, steps; /* the steps of the warm-up, and of the whole schedule */
    int64_t before;        /* steps of other trainings, whose moments this one began with */
    Annealing annealing;   /* the whole schedule ends before its last step */
    double beta1, beta2, eps;
    double weight_decay, embedding_decay;
    double clip;   /* largest norm of the gradient; 0: no clip */
    double polyak; /* the share of the online weights that the target network takes each step */
    int64_t copy_every; /* steps between full copies to the target network; 0: polyak is used */

    Arena arena; /* on the device; holds what follows */
    AdamwSegments segments;
    Tensor state; /* f64 [ADAMW_STATE] */
} Optimizer;

/* Put the decay groups of `p`, whose values are allocated, on the device. The caller has set the
 * settings above. */
Status optimizer_open(Optimizer *o, const Params *p, Device *dev);
void optimizer_close(Optimizer *o); /* safe on {0} */

/* The learning rate of step t = 1, 2, …: linear warm-up, then cosine (Loshchilov & Hutter 2017),
 * which a straight line takes over where the training anneals. */
double optimizer_lr(const Optimizer *o, int64_t t);

/* Computes the numbers of step t = 1, 2, … that optimizer_step reads on the device. */
void optimizer_schedule(const Optimizer *o, int64_t t, double schedule[ADAMW_SCHEDULE]);
/* One step of PARAM_VALUE on the accumulated gradients, which are zeroed afterwards; then
 * PARAM_TARGET follows, where there is one. When the gradient or `losses` (f64) is not finite, this
 * step and all later ones change neither copy, until optimizer_go_on is called. The caller reads
 * o->state and reports the failure. */
void optimizer_step(Device *dev, const Optimizer *o, Params *p, Tensor schedule, Tensor losses);
void optimizer_go_on(Device *dev, const Optimizer *o);

#endif
