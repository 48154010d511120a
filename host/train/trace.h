/* One batch laid open, so that another framework can be held against it: see `souk trace --help`.
 *
 * Tensors of the safetensors file, by the names of host/model/README.md:
 *   batch.*                      the inputs (cu_seqlens, item, …, user_category one [tokens, kinds])
 *   catalogue.category, .number  the item features
 *   param.<name>, target_param.<name>
 *   activation.embedding, activation.block.<l> (residual stream after block l), activation.final:
 *                                in bf16 where train.precision is
 *   loss.<name> of objective.h, loss.total   f64 [1], unweighted but the total
 *   grad.<name>                  before clipping
 * and in the metadata every setting, and `step`, the dropout counter.
 */
#ifndef SOUK_TRACE_H
#define SOUK_TRACE_H

#include "base/config.h"

/* Batch number `batch` of epoch 0 of the training stream under the checkpoint's settings, on
 * `device`. */
Status trace_write(const char *checkpoint, const char *data, const char *device, int64_t batch,
                   const char *out);

#endif
