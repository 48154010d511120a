/* SPDX-License-Identifier: Apache-2.0 */
/* A step of training: forward pass, losses, backward pass, AdamW, target network.
 *
 * A step may be run at once (step_run), or enqueued and reported later, so that the host need not
 * wait for a GPU. On CUDA batches reach the device as train/feed.h says. With train.graph = 1 a
 * step is recorded once for each input and shape of train/feed.h and then replayed
 * (base/device/graph.h): the same launches, the same bits.
 */
#ifndef SOUK_STEP_H
#define SOUK_STEP_H

#include "train/trainer.h"

/* Forward pass, losses, backward pass: add the gradients of `batch`, summed over all ranks, to
 * PARAM_GRAD, without applying them. */
Losses step_gradients(Trainer *t, const Batch *batch);

/* Run the next step and wait for its report. Fails when the loss or the gradient is not finite; the
 * weights are then as before the step. */
Status step_run(Trainer *t, const Batch *batch, StepReport *report);

/* Enqueue the next step. At most STEPS_AHEAD steps may be unreported. `batch` must stay until the
 * report on the CPU; on CUDA it may change at once. */
Status step_enqueue(Trainer *t, const Batch *batch);
/* Report the oldest unreported step, and wait for it alone. Fails as step_run does. When a step is
 * not finite, it and the steps enqueued behind it change neither weights nor target network, and
 * its report takes all of them back: t->step is that of the last good step. */
Status step_report(Trainer *t, StepReport *report);

/* Take the scratch of a step on inputs of shape number `shape` of train/feed.h, on a trainer whose
 * device measures. False: there is no such shape. */
bool step_measure(Trainer *t, int shape);

#endif
