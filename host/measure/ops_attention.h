/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of attention: the op as the model calls it, and souk's own kernels beside cuDNN's. */
#ifndef SOUK_MEASURE_OPS_ATTENTION_H
#define SOUK_MEASURE_OPS_ATTENTION_H

#include "measure/measure.h"

/* `tokens` tokens of `dim` columns in `heads` heads, in windows of several lengths. */
Status measure_ops_attention(Bench *b, Dtype dtype, int64_t tokens, int64_t dim, int64_t heads);

#endif
