/* The best item of every row on the CPU: the part of catalogue_stats that asks for a maximum alone.
 * TD targets need nothing else, and with the general path they would spend more time on scores in
 * the cache than on the products that make them.
 *
 *   max[i] = max_a z[i, a], argmax[i] the lowest item that has it        z: catalogue.h
 *
 *   part   RowStats [rows] (merge.h)   overwritten; its sums are 0
 *   u      [rows, dim]                 f32 or bf16
 *
 * Scores never leave the registers: ROWS rows meet a panel of items, and the products are compared
 * where they were summed, each lane with the best that it has seen. A score is the sum over dim in
 * order, by fused multiply-adds where the processor has them, plus the bias: the same bits in
 * whichever shard the item is. Items are laid out in panels once for up to 1024 rows: this is made
 * for batches, not for a row at a time.
 *
 * Scores that are NaN never are the maximum, which is -FLT_MAX where none is above that; argmax is
 * a valid item whatever the scores. Temporary memory does not depend on rows or items, but for a
 * widened copy of u where that is bf16; there the vectors of items are rounded to bf16 too.
 * Deterministic for any number of threads. catalogue_stats_partial, which calls this, checks the
 * shapes.
 */
#ifndef SOUK_CATALOGUE_BEST_H
#define SOUK_CATALOGUE_BEST_H

#include "catalogue/merge.h"
#include "items.h"

void catalogue_best(Device *dev, Tensor part, Tensor u, const ItemTable *table, Tensor bias);

#endif
