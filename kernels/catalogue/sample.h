/* SPDX-License-Identifier: Apache-2.0 */
/* A draw from the softmax policy over the whole catalogue, by Gumbel-max (Gumbel 1954; Maddison et
 * al. 2014): no array of rows x items is stored, and the draw is made without a sum over the items.
 *
 *   z[i, a] = <u[i, :], E[a, :]> + bias[a]                                   as in catalogue.h
 *   item[i] = argmax_a  z[i, a] / temperature + g[i, a]                      overwrites
 *   log_probability[i] = z[i, item[i]] / temperature - log sum_a exp(z[i, a] / temperature)
 *
 * so that item[i] is a with probability softmax_a(z[i, :] / temperature). The noise is a function
 * of (seed, stream[i], step, a) alone: neither the other rows of a batch nor the shard that an item
 * is in change a draw.
 *
 *   g[i, a] = -log(-log(1 - v)),   v = min((word + 1/2) 2^-32, 1 - 2^-24)
 *   word    = word a % 4 of Philox4x32-10 with the key `seed` and the counter
 *             (low: step 2^32 + a / 4, high: stream[i])
 *
 *   item             [rows]        i32
 *   log_probability  [rows]        f32, optional (data NULL)
 *   u                [rows, dim]   f32 or bf16, as in catalogue.h
 *   bias             [items]       f32, optional
 *   stream           [rows]        i64, optional: without it row i has stream i
 *   step             in [0, 2^32)
 *
 * An item is drawn with its probability up to the 2^-32 steps of v: a relative error of about 2^-32
 * items. Of equal keys the lowest item is drawn. An item whose score is NaN is never drawn. item[i]
 * is a valid item whatever the scores are. The same bits on the CPU for any number of threads. CPU
 * and CUDA draw the same items, except where the two best keys are closer than the rounding of a
 * key to f32: dim spacings of |u||E| and 8 spacings of the noise.
 *
 * catalogue_sample_partial is the draw from the items of a shard, part RowDraw [rows], for
 * catalogue_merge_draws (merge.h). A shard begins at a multiple of 4 items, as the noise comes in
 * blocks of four.
 */
#ifndef SOUK_CATALOGUE_SAMPLE_H
#define SOUK_CATALOGUE_SAMPLE_H

#include "catalogue/exclusion.h"
#include "items.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t seed;
    int64_t step;
    Tensor stream;
    Exclusion exclusion; /* items of probability 0; no row may exclude all */
    float temperature;
} SampleOptions;

void catalogue_sample(Device *dev, Tensor item, Tensor log_probability, Tensor u,
                      const ItemTable *table, Tensor bias, SampleOptions options);

void catalogue_sample_partial(Device *dev, Tensor part, Tensor u, const ItemTable *table,
                              Tensor bias, SampleOptions options);

/* The key z / T + g of one item with the score z, on the host: that of row i with stream[i] =
 * `stream`, within the rounding of logarithms on CUDA. For callers that add items with scores of
 * their own to a draw. */
float catalogue_sample_key(const SampleOptions *options, int64_t stream, int32_t item, float z);

/* The CUDA half, in sample.cu, of catalogue_sample_partial. Call the functions above instead: they
 * check shapes. */
void catalogue_sample_cuda(Device *dev, Tensor part, Tensor u, const ItemTable *table, Tensor bias,
                           SampleOptions options);

#ifdef __cplusplus
}
#endif
#endif
