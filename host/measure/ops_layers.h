/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the ops of the encoder and of the optimizer. */
#ifndef SOUK_MEASURE_OPS_LAYERS_H
#define SOUK_MEASURE_OPS_LAYERS_H

#include "measure/measure.h"

Status measure_ops_layers(Bench *b);

#endif
