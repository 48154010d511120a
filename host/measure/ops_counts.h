/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOUK_MEASURE_OPS_COUNTS_H
#define SOUK_MEASURE_OPS_COUNTS_H

#include "measure/measure.h"

/* The ops of the counted half of a policy, kernels/counts/. */
Status measure_ops_counts(Bench *b);

#endif
