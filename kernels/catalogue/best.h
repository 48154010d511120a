/* SPDX-License-Identifier: Apache-2.0 */
/* The best item of every row on the CPU. catalogue_stats runs it where its caller wants the maximum
 * alone, as TD targets do. The general path would spend more time on moving scores through the
 * cache than on the products that make them.
 *
 *   max[i] = max_a z[i, a], argmax[i] the lowest item that has it        z: catalogue.h
 *
 *   part   RowStats [rows] (merge.h)   overwritten; its sums are 0
 *   u      [rows, dim]                 f32 or bf16
 *
 * Scores never leave the registers: ROWS rows meet a panel of items, and the products are compared
 * where they were summed, each lane with the best that it has seen. A score is the sum over dim in
 * order, by fused multiply-adds where the processor has them, plus the bias; its bits do not depend
 * on the shard that has the item. Items are laid out in panels once for up to 1024 rows, so the
 * function is made for batches, not for single rows.
 *
 * A score that is NaN is never the maximum. The maximum is -FLT_MAX where no score is above that;
 * argmax is a valid item whatever the scores are. Temporary memory does not depend on rows or
 * items, except that a u in bf16 needs a widened copy; then the vectors of items are rounded to
 * bf16 too. Deterministic for any number of threads. catalogue_stats_partial, which calls this,
 * checks the shapes.
 */
#ifndef SOUK_CATALOGUE_BEST_H
#define SOUK_CATALOGUE_BEST_H

#include "catalogue/merge.h"
#include "items.h"

void catalogue_best(Device *dev, Tensor part, Tensor u, const ItemTable *table, Tensor bias);

#endif
