/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a training, before any of it is taken: what opening a trainer and its largest step
 * ask for on a device that measures (base/device.h). The same code takes the memory later, so a
 * plan is exact. */
#ifndef SOUK_PLAN_H
#define SOUK_PLAN_H

#include <jansson.h>

#include "train/trainer.h"

/* Measure what a trainer like `t` takes, which trainer_prepare has prepared. */
Status plan_measure(MemoryPlan *plan, const Trainer *t);
/* Fails when the device has less memory than the plan needs; the message lists the parts. */
Status plan_check(const MemoryPlan *plan, Device *dev);

/* The bytes of all parts. */
size_t plan_bytes(const MemoryPlan *plan);
/* "parameters 12.3 MB, gradients 11.0 MB, …" into `text`, which is returned; parts of no bytes are
 * left out. */
enum { PLAN_TEXT_MAX = 512 };
const char *plan_text(char text[PLAN_TEXT_MAX], const MemoryPlan *plan);
/* The bytes of each part under its key. */
json_t *plan_json(const MemoryPlan *plan);

#endif
