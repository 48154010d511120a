/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a training step reads and computes for one batch, written to a file, so that
 * another framework can be compared with souk: see `souk trace --help`.
 *
 * Tensors of the safetensors file, by the names of host/model/README.md:
 *   batch.*                      the inputs: cu_seqlens, item, …; user_category as [tokens, kinds]
 *   catalogue.category, .number  the item features
 *   counts.<name>                the count table, where the model has one (model/counts.h)
 *   param.<name>, target_param.<name>
 *   activation.embedding, activation.block.<l> (residual stream after block l), activation.final:
 *                                bf16 where train.precision is bf16
 *   loss.<name> of objective.h, loss.total   f64 [1]; all but the total without their weights
 *   grad.<name>                  before clipping
 * The metadata has every setting, and `step`, the counter of dropout.
 */
#ifndef SOUK_TRACE_H
#define SOUK_TRACE_H

#include "base/config.h"

/* Batch number `batch` of epoch 0 of the training stream under the checkpoint's settings, on
 * `device`. */
Status trace_write(const char *checkpoint, const char *data, const char *device, int64_t batch,
                   const char *out);

#endif
