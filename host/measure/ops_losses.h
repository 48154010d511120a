/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the ops of the losses and their targets. */
#ifndef SOUK_MEASURE_OPS_LOSSES_H
#define SOUK_MEASURE_OPS_LOSSES_H

#include "measure/measure.h"

Status measure_ops_losses(Bench *b);

#endif
